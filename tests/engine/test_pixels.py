import cv2
import numpy as np
import pytest

from skinfw.engine.pixels import act, fold
from skinfw.steps import Colour, Pixels, Table, Warp


def photograph(height: int = 90, width: int = 120) -> np.ndarray:
    """Return something with the smooth spectrum of a photograph."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (height, width, 3)).astype(np.float32)
    soft = sum(cv2.GaussianBlur(noise, (0, 0), s) * s for s in (1.5, 4, 12))
    soft -= soft.min()
    return (soft / soft.max() * 255).astype(np.uint8)


def turn(degrees: float, height: int = 90, width: int = 120) -> Warp:
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    move = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    about = move @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.linalg.inv(move)
    return Warp(about, (height, width))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def test_a_mirror_is_exact() -> None:
    image = photograph()
    mirror = Warp(np.array([[-1.0, 0, 120], [0, 1, 0], [0, 0, 1]]), (90, 120))
    assert (act(image, [mirror]) == image[:, ::-1]).all()


def test_a_crop_is_exact() -> None:
    image = photograph()
    crop = Warp(np.array([[1.0, 0, 7], [0, 1, 5], [0, 0, 1]]), (40, 50))
    assert (act(image, [crop]) == image[5:45, 7:57]).all()


def test_shrinking_averages_areas() -> None:
    image = photograph()
    half = Warp(np.diag([2.0, 2.0, 1.0]), (45, 60))
    expected = cv2.resize(image, (60, 45), interpolation=cv2.INTER_AREA)
    assert (act(image, [half]) == expected).all()


def test_a_fine_pattern_does_not_alias() -> None:
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    quarter = Warp(np.diag([4.0, 4.0, 1.0]), (32, 32))
    assert np.ptp(act(stripes, [quarter])) <= 2


def test_what_lies_outside_is_what_the_border_says() -> None:
    image = np.full((20, 20, 3), 90, np.uint8)
    shift = np.array([[1.0, 0, -10], [0, 1, 0], [0, 0, 1]])
    assert (act(image, [Warp(shift, (20, 20), "black")])[:, :10] == 0).all()
    assert (act(image, [Warp(shift, (20, 20), "reflect")]) == 90).all()


def test_folded_warps_are_closer_to_the_truth_than_one_after_another() -> None:
    image = photograph()
    steps = [turn(13), turn(21), turn(-34)]  # together: nothing
    inner = np.s_[30:60, 40:80]
    folded = act(image, fold(steps))[inner]
    chained = act(image, steps)[inner]
    assert len(fold(steps)) == 1
    assert psnr(chained, image[inner]) > 25  # the same picture, but softer
    assert psnr(folded, image[inner]) > psnr(chained, image[inner]) + 10


@pytest.mark.parametrize("seed", range(8))
def test_folded_colours_equal_the_chain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = (photograph() // 4 + 90).astype(np.uint8)  # far from the ends: nothing clips
    steps = [
        Colour(
            np.eye(3) + rng.normal(0, 0.05, (3, 3)),
            rng.normal(0, 3, 3),
            rng.normal(0, 0.05, (3, 3)),
        )
        for _ in range(4)
    ]
    folded, chained = act(image, fold(steps)), act(image, steps)
    assert len(fold(steps)) == 1
    # Each step of the chain rounds to whole numbers; the folded one rounds once.
    assert np.abs(folded.astype(int) - chained.astype(int)).max() <= 3


def test_folded_tables_equal_the_chain() -> None:
    rng = np.random.default_rng(0)
    steps = [Table(rng.integers(0, 256, (256, 3), np.uint8)) for _ in range(3)]
    image = photograph()
    assert (act(image, fold(steps)) == act(image, steps)).all()


def test_functions_stay_where_they_are() -> None:
    order: list[str] = []

    def note(image: np.ndarray) -> np.ndarray:
        order.append("function")
        return image

    steps = [turn(10), Pixels(note), turn(-10)]
    assert len(fold(steps)) == 3
    act(photograph(), fold(steps))
    assert order == ["function"]
