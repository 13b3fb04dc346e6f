"""What is done to every image once: borders, frames and light."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinfw import SkinfwError
from skinfw_augment.prepare import BlackBorderCrop, BorderCrop, ShadesOfGray


def skin(height: int = 300, width: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (np.array([190, 150, 130]) + rng.integers(-9, 10, (height, width, 3))).astype(np.uint8)


def seen_through_a_tube(height: int, width: int, radius: float) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(y - height / 2, x - width / 2) < radius
    return np.where(inside[..., None], skin(height, width), 5).astype(np.uint8)


def test_a_border_of_pixels_or_of_a_share_is_cut_off() -> None:
    image = skin()
    assert (BorderCrop(pixels=25).prepare(image) == image[25:-25, 25:-25]).all()
    # Height and width keep their own shares; the original swaps them.
    assert BorderCrop(ratio=0.2).prepare(image).shape == (240, 320, 3)
    assert BorderCrop().prepare(image).shape == image.shape


def test_a_border_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(SkinfwError, match="leaves nothing of an image of 400x300"):
        BorderCrop(pixels=150).prepare(skin())
    with pytest.raises(SkinfwError, match="not both"):
        BorderCrop(pixels=3, ratio=0.1)


def test_the_inside_of_a_tube_is_found() -> None:
    image = seen_through_a_tube(400, 600, 195.0)
    result = BlackBorderCrop().prepare(image)
    assert result.shape[0] == result.shape[1]
    # The largest square in the circle has a side of 276; a twentieth comes back at each side.
    assert 276 <= result.shape[0] <= 330
    assert (result.max(2) < 40).mean() < 0.05 < (image[:, 100:500].max(2) < 40).mean()


def test_a_frame_goes_and_bright_images_stay() -> None:
    framed = np.zeros((300, 300, 3), np.uint8)
    framed[30:270, 30:270] = skin(240, 240)
    result = BlackBorderCrop().prepare(framed)
    assert result.shape == (270, 270, 3)  # 15 pixels, a twentieth, are given back at each side
    assert BlackBorderCrop().prepare(skin()).shape == (300, 300, 3)


def test_too_much_darkness_is_left_alone() -> None:
    lamp = seen_through_a_tube(300, 300, 50.0)
    assert (BlackBorderCrop().prepare(lamp) == lamp).all()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    brightest=st.integers(0, 255),
    dark=st.integers(1, 254),
    seed=st.integers(0, 9),
)
def test_any_image_ends_as_a_square(
    height: int, width: int, brightest: int, dark: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, brightest + 1, (height, width, 3)).astype(np.uint8)
    result = BlackBorderCrop(dark=dark).prepare(image)
    assert result.shape[0] == result.shape[1] > 0


@pytest.mark.parametrize("gamma", [0.0, 2.2])
def test_shades_of_gray_is_its_formula(gamma: float) -> None:
    image = skin()
    values = (image / 255) ** (1 / gamma) if gamma else image / 255
    light = (values**6).mean((0, 1)) ** (1 / 6)
    light /= np.linalg.norm(light)
    expected = np.clip(255 * values / (light * np.sqrt(3)), 0, 255)
    result = ShadesOfGray(gamma=gamma).prepare(image)
    assert np.abs(result - expected).max() <= 0.51
    means = result.reshape(-1, 3).mean(0)
    assert np.ptp(means) < 3 < np.ptp(image.reshape(-1, 3).mean(0))


def test_bright_pixels_are_clipped_and_black_images_stay() -> None:
    image = skin()
    image[:20, :20] = [255, 255, 255]
    result = ShadesOfGray().prepare(image)
    assert result[0, 0, 2] == 255, "what is brighter than white is white, and does not wrap around"
    black = np.zeros((5, 5, 3), np.uint8)
    assert (ShadesOfGray().prepare(black) == black).all()
