import cv2
import numpy as np
import pytest

from skinfw.data.warping import apply_steps, fold_steps
from skinfw.interfaces.transforms import ColourMatrix, LookupTable, PixelFunction, Warp


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
    assert (apply_steps(image, [mirror]) == image[:, ::-1]).all()


def test_a_crop_is_exact() -> None:
    image = photograph()
    crop = Warp(np.array([[1.0, 0, 7], [0, 1, 5], [0, 0, 1]]), (40, 50))
    assert (apply_steps(image, [crop]) == image[5:45, 7:57]).all()


def test_shrinking_averages_areas() -> None:
    image = photograph()
    half = Warp(np.diag([2.0, 2.0, 1.0]), (45, 60))
    expected = cv2.resize(image, (60, 45), interpolation=cv2.INTER_AREA)
    assert (apply_steps(image, [half]) == expected).all()


def test_a_fine_pattern_does_not_alias() -> None:
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    quarter = Warp(np.diag([4.0, 4.0, 1.0]), (32, 32))
    assert np.ptp(apply_steps(stripes, [quarter])) <= 2


def test_what_lies_outside_is_what_the_border_says() -> None:
    image = np.full((20, 20, 3), 90, np.uint8)
    shift = np.array([[1.0, 0, -10], [0, 1, 0], [0, 0, 1]])
    assert (apply_steps(image, [Warp(shift, (20, 20), "black")])[:, :10] == 0).all()
    assert (apply_steps(image, [Warp(shift, (20, 20), "reflect")]) == 90).all()


def test_folded_warps_are_closer_to_the_truth_than_one_after_another() -> None:
    image = photograph()
    steps = [turn(13), turn(21), turn(-34)]  # together: nothing
    inner = np.s_[30:60, 40:80]
    folded = apply_steps(image, fold_steps(steps))[inner]
    concatenate = apply_steps(image, steps)[inner]
    assert len(fold_steps(steps)) == 1
    assert psnr(concatenate, image[inner]) > 25  # the same picture, but softer
    assert psnr(folded, image[inner]) > psnr(concatenate, image[inner]) + 10


@pytest.mark.parametrize("seed", range(8))
def test_folded_colours_equal_the_chain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = (photograph() // 4 + 90).astype(np.uint8)  # far from the ends: nothing clips
    steps = [
        ColourMatrix(
            np.eye(3) + rng.normal(0, 0.05, (3, 3)),
            rng.normal(0, 3, 3),
            rng.normal(0, 0.05, (3, 3)),
        )
        for _ in range(4)
    ]
    folded, concatenate = apply_steps(image, fold_steps(steps)), apply_steps(image, steps)
    assert len(fold_steps(steps)) == 1
    # Each step of the chain rounds to whole numbers; the folded one rounds once.
    assert np.abs(folded.astype(int) - concatenate.astype(int)).max() <= 3


def test_folded_tables_equal_the_chain() -> None:
    rng = np.random.default_rng(0)
    steps = [LookupTable(rng.integers(0, 256, (256, 3), np.uint8)) for _ in range(3)]
    image = photograph()
    assert (apply_steps(image, fold_steps(steps)) == apply_steps(image, steps)).all()


def test_functions_stay_where_they_are() -> None:
    order: list[str] = []

    def note(image: np.ndarray) -> np.ndarray:
        order.append("function")
        return image

    steps = [turn(10), PixelFunction(note), turn(-10)]
    assert len(fold_steps(steps)) == 3
    apply_steps(photograph(), fold_steps(steps))
    assert order == ["function"]


def sampled(image: np.ndarray, warp: Warp, fine: int = 6) -> np.ndarray:
    """Resample the slow way: many cubic samples per output pixel, averaged."""
    height, width = warp.size
    matrix = warp.matrix @ np.diag([1 / fine, 1 / fine, 1.0])
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    many = cv2.warpAffine(
        image,
        (np.linalg.inv(centre) @ matrix @ centre)[:2],
        (width * fine, height * fine),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return many.reshape(height, fine, width, fine, 3).mean((1, 3))


def part(coarser: float, degrees: float) -> list[Warp]:
    """Return a crop, a mirror and a rotation as augmentation makes them, to 32x32 pixels."""
    side = round(32 * coarser)
    crop = Warp(np.array([[coarser, 0, 8], [0, coarser, 6], [0, 0, 1.0]]), (32, 32))
    mirror = Warp(np.array([[-1.0, 0, 32], [0, 1, 0], [0, 0, 1]]), (32, 32))
    assert side + 8 <= 240 and side + 6 <= 180
    return [crop, mirror, turn(degrees, 32, 32)]


@pytest.mark.parametrize("coarser", [0.6, 1.0, 1.3, 1.9, 2.0, 2.7, 3.4, 5.0])
@pytest.mark.parametrize("degrees", [0, 20, 75])
def test_one_resampling_is_closer_to_the_truth_than_one_per_op(
    coarser: float, degrees: float
) -> None:
    image = cv2.resize(photograph(), (240, 180), interpolation=cv2.INTER_CUBIC)
    image = np.clip(image.astype(int) + np.random.default_rng(0).normal(0, 6, image.shape), 0, 255)
    image = image.astype(np.uint8)
    steps = part(coarser, degrees)
    (folded,) = fold_steps(steps)
    truth = sampled(image, folded)
    inner = np.s_[6:26, 6:26]  # where the chain, too, knows what lies there
    ours = psnr(apply_steps(image, [folded])[inner], truth[inner])
    chain = psnr(apply_steps(image, steps)[inner], truth[inner])
    assert ours >= chain - (0.1 if degrees else 0.5)
    assert ours > 33


def test_only_the_part_that_is_looked_at_is_touched_and_nothing_changes() -> None:
    """The same corner, from a large image and from that corner alone."""
    image = cv2.resize(photograph(), (480, 360), interpolation=cv2.INTER_CUBIC)
    matrix = np.array([[1.5, 0.2, 20], [-0.2, 1.5, 30], [0, 0, 1]])
    corner = image[:180, :200].copy()
    from_all = apply_steps(image, [Warp(matrix, (64, 64))])
    assert (apply_steps(corner, [Warp(matrix, (64, 64))]) == from_all).all()


@pytest.mark.parametrize("border", ["reflect", "edge", "black"])
def test_borders_of_a_coarser_output_are_those_of_the_image(border: str) -> None:
    image = cv2.resize(photograph(), (240, 180), interpolation=cv2.INTER_CUBIC)
    outside = np.array([[2.0, 0, -40], [0, 2.0, -30], [0, 0, 1]])
    pad = {"reflect": "symmetric", "edge": "edge", "black": "constant"}[border]
    padded = np.pad(image, ((30, 30), (40, 40), (0, 0)), mode=pad)
    expected = cv2.resize(padded, (160, 120), interpolation=cv2.INTER_AREA)
    result = apply_steps(image, [Warp(outside, (120, 160), border)])
    away = np.ones((120, 160), bool)
    away[13:17], away[103:107], away[:, 18:22], away[:, 138:142] = False, False, False, False
    assert np.abs(result.astype(int) - expected.astype(int))[away].max() <= 4


def test_the_result_goes_where_it_is_wanted() -> None:
    image, out = photograph(), np.zeros((40, 50, 3), np.uint8)
    crop = Warp(np.array([[1.0, 0, 7], [0, 1, 5], [0, 0, 1]]), (40, 50))
    assert apply_steps(image, [crop], out) is out and (out == image[5:45, 7:57]).all()
    table = LookupTable(np.tile(np.arange(256, dtype=np.uint8)[::-1, None], (1, 3)))
    assert apply_steps(image, [crop, table], out) is out and (out == 255 - image[5:45, 7:57]).all()
    assert apply_steps(out.copy(), [], out) is out
    wrong = np.zeros((9, 9, 3), np.uint8)
    assert apply_steps(image, [crop], wrong).shape == (40, 50, 3) and not wrong.any()
