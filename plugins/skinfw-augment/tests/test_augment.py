import math
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from skinfw import Dice, SkinfwError
from skinfw.data.warping import apply_steps, fold_steps
from skinfw_augment.colour import ColourJitter, brighten, change_contrast, saturate, turn_hue
from skinfw_augment.geometry import CenterCrop, Flip, RandomResizedCrop, Resize, Rotation
from skinfw_augment.views import Center, Dihedral


def dice(seed: int = 0, size: tuple[int, int] = (90, 120)) -> Dice:
    return Dice(np.random.default_rng(seed), size, False, lambda: np.zeros((9, 9, 3), np.uint8))


def picture(height: int = 90, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    channels = [128 + 90 * np.sin(x / 9), 128 + 90 * np.cos(y / 7), 100 + 60 * np.sin((x + y) / 11)]
    return np.stack(channels, -1).astype(np.uint8)


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)


def same(ours: np.ndarray, theirs: torch.Tensor, within: float) -> None:
    difference = np.abs(ours.astype(float) - theirs.permute(1, 2, 0).numpy().astype(float))
    assert difference.max() <= within


def test_flips_are_those_of_torchvision() -> None:
    image = picture()
    both = apply_steps(image, Flip(horizontal=1, vertical=1).roll(dice()))
    same(both, reference.vertical_flip(reference.horizontal_flip(tensor(image))), 0)
    assert Flip(horizontal=0, vertical=0).roll(dice()) == []


def test_flips_come_as_often_as_asked() -> None:
    rolls = [Flip(horizontal=0.3).roll(dice(seed)) for seed in range(2000)]
    assert sum(bool(roll) for roll in rolls) / 2000 == pytest.approx(0.3, abs=0.04)


def test_the_evaluation_view_is_that_of_torchvision() -> None:
    image = picture(180, 240)
    (steps,) = Center(64, resize=72 / 64).plan((180, 240))
    resize_short_side = reference.resize(tensor(image), [72], antialias=True)
    expected = reference.center_crop(resize_short_side, [64, 64])
    ours = apply_steps(image, fold_steps(steps))
    difference = np.abs(ours.astype(float) - expected.permute(1, 2, 0).numpy())
    assert difference.mean() < 2


def test_dihedral_views_are_the_symmetries_of_the_center_view() -> None:
    image = picture(180, 240)
    (plain,) = (apply_steps(image, fold_steps(steps)) for steps in Center(64).plan((180, 240)))
    views = [
        apply_steps(image, fold_steps(steps)) for steps in Dihedral(64, count=8).plan((180, 240))
    ]
    assert (views[0] == plain).all()
    assert (views[1] == plain[::-1, ::-1]).all()
    expected = [np.rot90(p, k) for k in range(4) for p in (plain, plain[:, ::-1])]
    for view in views:
        difference = [np.abs(view.astype(int) - other).mean() for other in expected]
        assert min(difference) < 1
        expected.pop(int(np.argmin(difference)))
    assert not expected
    assert len(Dihedral(64).plan((180, 240))) == 4


def test_random_crops_keep_their_promises() -> None:
    op = RandomResizedCrop(50, scale=(0.2, 0.6), ratio=(0.8, 1.25))
    areas = []
    for seed in range(300):
        (warp,) = op.roll(dice(seed))
        corners = warp.matrix @ np.array([[0, 50], [0, 50], [1, 1]])
        (left, right), (top, bottom) = corners[0], corners[1]
        assert -1e-9 <= left < right <= 120 + 1e-9 and -1e-9 <= top < bottom <= 90 + 1e-9
        assert 0.75 < (right - left) / (bottom - top) < 1.34
        areas.append((right - left) * (bottom - top) / (90 * 120))
        assert warp.size == (50, 50)
    assert 0.19 < min(areas) < 0.25 and 0.5 < max(areas) < 0.62


def test_an_impossible_crop_falls_back_to_the_middle() -> None:
    op = RandomResizedCrop(50, scale=(1.0, 1.0), ratio=(5.0, 5.0))
    (warp,) = op.roll(dice(size=(90, 120)))
    centre = warp.matrix @ [25, 25, 1]
    assert centre[:2] == pytest.approx([60, 45])


def test_ranges_that_run_backwards_are_refused() -> None:
    with pytest.raises(SkinfwError, match="scale runs backwards"):
        RandomResizedCrop(50, scale=(0.9, 0.1))


def test_rotation_turns_about_the_middle_within_its_range() -> None:
    op = Rotation(degrees=30)
    angles = []
    for seed in range(300):
        (warp,) = op.roll(dice(seed))
        assert (warp.matrix @ [60, 45, 1])[:2] == pytest.approx([60, 45])
        angles.append(math.degrees(math.atan2(warp.matrix[1, 0], warp.matrix[0, 0])))
    assert -30 <= min(angles) < -27 and 27 < max(angles) <= 30


def test_rotation_shows_what_torchvision_shows() -> None:
    image = picture()
    (warp,) = Rotation(degrees=30, border="black").roll(dice(3))
    angle = math.degrees(math.atan2(warp.matrix[1, 0], warp.matrix[0, 0]))
    expected = reference.rotate(
        tensor(image), angle, interpolation=reference.InterpolationMode.BILINEAR
    )
    ours = apply_steps(image, [warp])
    inner = np.s_[25:65, 40:80]
    same(ours[inner], expected[:, 25:65, 40:80], 4)


def test_resize_and_crop_find_the_square() -> None:
    image = picture()
    (first,) = Resize(48).roll(dice())
    assert first.size == (48, 64)
    (second,) = CenterCrop(48).roll(dice(size=first.size))
    assert apply_steps(image, fold_steps([first, second])).shape == (48, 48, 3)


@pytest.mark.parametrize("factor", [0.6, 0.9, 1.3])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (brighten, reference.adjust_brightness),
        (change_contrast, reference.adjust_contrast),
        (saturate, reference.adjust_saturation),
    ],
)
def test_colour_changes_are_those_of_torchvision(ours: Any, theirs: Any, factor: float) -> None:
    image = picture()
    same(apply_steps(image, [ours(factor)]), theirs(tensor(image), factor), 2)


def test_hue_turns_keep_grey_and_luma_and_come_back() -> None:
    grey = np.full((4, 4, 3), 120, np.uint8)
    assert np.abs(apply_steps(grey, [turn_hue(0.3)]).astype(int) - 120).max() <= 1
    soft = np.random.default_rng(0).integers(110, 150, (20, 20, 3), np.uint8)
    turned = apply_steps(soft, [turn_hue(0.25)])
    luma = soft @ [0.299, 0.587, 0.114]
    assert np.abs(turned @ [0.299, 0.587, 0.114] - luma).max() <= 1.5
    back = apply_steps(soft, fold_steps([turn_hue(0.25), turn_hue(-0.25)]))
    assert np.abs(back.astype(int) - soft).max() <= 1


def test_no_strength_is_no_change() -> None:
    image = picture()
    still = ColourJitter(brightness=0, contrast=0, saturation=0, hue=0)
    assert (apply_steps(image, fold_steps(still.roll(dice()))) == image).all()


def test_jitter_is_one_step_after_folding() -> None:
    assert len(fold_steps(ColourJitter().roll(dice()))) == 1
