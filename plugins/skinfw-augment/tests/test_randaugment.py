"""The modified RandAugment: what each op does, beside an oracle, and how ops are drawn."""

import math
from collections import Counter
from functools import partial

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from skinfw import Dice, LookupTable, PixelFunction, Step, Warp
from skinfw.data.warping import apply_steps, fold_steps
from skinfw_augment import pixels
from skinfw_augment.randaugment import ModifiedRandAugment, RandAugment, RandAugmentOp, RandomCrop
from skinfw_augment.randaugment_ops import COLOUR, OPS, SHAPE, WITHOUT_MAGNITUDE

HEIGHT, WIDTH = 90, 120


def picture(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    channels = [128 + 90 * np.sin(x / 9), 128 + 90 * np.cos(y / 7), 100 + 60 * np.sin((x + y) / 11)]
    return np.stack(channels, -1).astype(np.uint8)


def dice(seed: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Dice:
    rng = np.random.default_rng(seed)
    return Dice(rng, size, False, lambda: picture(50, 70)[::-1])


def rolled(name: str, seed: int = 0, magnitude: float = 10.0) -> list[Step]:
    return list(RandAugmentOp(op=name, magnitude=magnitude).roll(dice(seed)))  # type: ignore[arg-type]


def arguments(step: Step) -> dict[str, object]:
    """Return what a pixel step was rolled to."""
    assert isinstance(step, PixelFunction) and isinstance(step.function, partial)
    return dict(step.function.keywords)


def test_there_are_thirteen_colour_and_eight_shape_ops() -> None:
    assert len(COLOUR) == 13 and len(SHAPE) == 8 and len(OPS) == 21


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(OPS)),
    seed=st.integers(0, 2**32),
    magnitude=st.floats(0, 20),
    height=st.integers(33, 140),
    width=st.integers(33, 140),
)
def test_ops_keep_type_and_size_and_depend_on_their_dice(
    name: str, seed: int, magnitude: float, height: int, width: int
) -> None:
    image = picture(height, width)
    before = image.copy()
    op = RandAugmentOp(op=name, magnitude=magnitude)  # type: ignore[arg-type]
    results = [
        apply_steps(image, fold_steps(op.roll(dice(seed, (height, width))))) for _ in range(2)
    ]
    assert (results[0] == results[1]).all()
    assert (image == before).all(), "an op must not write into what it was given"
    assert results[0].dtype == np.uint8 and results[0].shape[2] == 3
    if name not in ("scale", "scale-xy-diff"):
        assert results[0].shape == image.shape


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(set(OPS) - WITHOUT_MAGNITUDE)), seed=st.integers(0, 2**32))
def test_magnitude_zero_changes_nothing(name: str, seed: int) -> None:
    image = picture()
    op = RandAugmentOp(op=name, magnitude=0.0)  # type: ignore[arg-type]
    assert (apply_steps(image, fold_steps(op.roll(dice(seed)))) == image).all()


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.4])
def test_sharpness_is_that_of_pillow(factor: float) -> None:
    image = picture()
    theirs = np.asarray(ImageEnhance.Sharpness(Image.fromarray(image)).enhance(factor))
    difference = pixels.sharpen(image, factor)[1:-1, 1:-1].astype(int) - theirs[1:-1, 1:-1]
    assert np.abs(difference).max() <= 1


def test_posterize_is_that_of_pillow() -> None:
    image = picture()
    seen = set()
    for seed in range(60):
        result = apply_steps(image, rolled("posterize", seed))
        matches = [
            bits
            for bits in range(4)
            if (result == np.asarray(ImageOps.posterize(Image.fromarray(image), 8 - bits))).all()
        ]
        assert matches
        seen.add(matches[0])
    assert seen == {0, 1, 2, 3}


def test_solarize_is_that_of_pillow_with_a_threshold_from_128() -> None:
    image = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, 2)
    thresholds = []
    for seed in range(300):
        result = apply_steps(image, rolled("solarize", seed))
        threshold = int((result[:, 0, 0] != image[:, 0, 0]).argmax()) or 256
        theirs = np.asarray(ImageOps.solarize(Image.fromarray(image), threshold))
        assert (result == theirs).all()
        thresholds.append(threshold)
    assert 128 <= min(thresholds) < 132 and max(thresholds) > 250


def test_equalized_values_are_their_own_ranks() -> None:
    dull = (picture(200, 300) // 4 + 60).astype(np.uint8)
    even = pixels.equalize(dull)
    for before, after in zip(cv2.split(dull), cv2.split(even), strict=True):
        rank = np.cumsum(np.bincount(before.ravel(), minlength=256))
        first = rank[before.min()]
        expected = (rank[before] - first) / (before.size - first) * 255
        assert np.abs(after - expected).max() <= 0.51
    luma = cv2.cvtColor(pixels.equalize_luma(dull), cv2.COLOR_RGB2YCrCb)[..., 0]
    assert np.ptp(luma) > 200


def test_stretching_is_one_line_for_all_channels() -> None:
    dull = (picture() // 3 + 40).astype(np.uint8)
    result = pixels.stretch(dull).astype(float)
    low, high = float(dull.min()), float(dull.max())
    assert np.abs(result - (dull - low) * 255 / (high - low)).max() <= 0.51
    flat = np.full((5, 5, 3), 9, np.uint8)
    assert (pixels.stretch(flat) == flat).all()


def test_the_lens_is_that_of_opencv() -> None:
    image = picture(300, 400)
    k, p = (0.09, 0.09), (0.06, 0.06)
    focal = math.hypot(300, 400)
    camera = np.array([[focal, 0, 199.5], [0, focal, 149.5], [0, 0, 1]])
    theirs = cv2.undistort(image, camera, np.array([*k, *p]))
    ours = pixels.distort(image, k, p)
    inner = np.s_[40:260, 50:350]
    assert np.abs(ours[inner].astype(int) - theirs[inner]).mean() < 1
    assert tuple(pixels.distort(image, (2.0, 2.0), (0, 0))[0, 0]) == pixels.MEAN


def test_a_vignette_darkens_the_far_corner_most() -> None:
    white = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    result = pixels.vignette(white, 0.5, (50.0, 40.0), 20.0)[..., 0]
    assert result[40, 50] == 200 and result[40, 65] == 200
    assert result[-1, -1] == result.min()
    assert int(result.min()) == pytest.approx(100, abs=12)


def test_noise_has_the_asked_deviation() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    noise = pixels.add_noise(grey, 8.0, 5).astype(float) - 128
    assert noise.std() == pytest.approx(8, rel=0.05) and abs(noise.mean()) < 0.3


@pytest.mark.parametrize(
    ("name", "argument", "most"),
    [
        ("mixup", "share", 0.2),
        ("vignetting", "strength", 0.6),
        ("gaussian-noise", "deviation", 10.0),
        ("cutout", "half", 50.0),
    ],
)
def test_strengths_are_uniform_up_to_the_table(name: str, argument: str, most: float) -> None:
    for magnitude in (10.0, 5.0):
        values = [
            float(str(arguments(rolled(name, seed, magnitude)[0])[argument])) for seed in range(400)
        ]
        top = most * magnitude / 10
        assert 0 <= min(values) < 0.05 * top and 0.95 * top < max(values) <= top
        assert np.mean(values) == pytest.approx(top / 2, rel=0.12)


def test_shapes_move_as_far_as_the_table_says() -> None:
    angles, slopes, factors = [], [], []
    for seed in range(400):
        (turn,), (shear,), (scale,) = (rolled(n, seed) for n in ("rotate", "shear-x", "scale"))
        assert isinstance(turn, Warp) and isinstance(shear, Warp) and isinstance(scale, Warp)
        angles.append(math.degrees(math.atan2(turn.matrix[1, 0], turn.matrix[0, 0])))
        slopes.append(math.degrees(math.atan(shear.matrix[0, 1])))
        factors.append(scale.size[0] / HEIGHT)
        assert turn.border == shear.border == "mean"
        assert turn.size == shear.size == (HEIGHT, WIDTH)
    for values, most in ((angles, 40), (slopes, 15)):
        assert -most <= min(values) < -0.95 * most and 0.95 * most < max(values) <= most
    assert 0.79 < min(factors) < 0.82 and 1.18 < max(factors) < 1.21


def test_empty_corners_have_the_mean_colour() -> None:
    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    turned = next(
        result
        for seed in range(100)
        if (result := apply_steps(white, rolled("rotate", seed)))[0, 0].tolist() != [255] * 3
    )
    assert tuple(turned[0, 0]) == pixels.MEAN


def test_at_least_one_channel_is_cast() -> None:
    grey = np.full((3, 3, 3), 128, np.uint8)
    shifts = (
        np.array([apply_steps(grey, rolled("color-casting", s))[0, 0] for s in range(600)]) - 128.0
    )
    moved = np.abs(shifts) > 0.5
    assert np.abs(shifts).max() <= 30
    # One is forced, and each of the others comes with a chance of a third.
    assert moved.sum(1).mean() == pytest.approx(1 + 2 / 3, abs=0.15)


def names(op: ModifiedRandAugment | RandAugment, seeds: int = 1500) -> list[int]:
    """Return how many steps each image got."""
    return [len(op.roll(dice(seed))) for seed in range(seeds)]


def test_the_default_leaves_nine_images_in_a_hundred_alone() -> None:
    counts = Counter(names(ModifiedRandAugment()))
    assert counts[0] / 1500 == pytest.approx(0.09, abs=0.03)
    assert counts[2] / 1500 == pytest.approx(0.49, abs=0.04)
    assert set(counts) == {0, 1, 2}


@pytest.mark.parametrize(
    ("policy", "draws"),
    [
        ("v0_0", 1),
        ("v1_0", 2),
        ("v1_1", 2),
        ("v2_0", 3),
        ("v2_1", 3),
        ("v2_2", 3),
        ("v3_0", 4),
        ("v3_1", 4),
    ],
)
def test_policies_draw_as_often_as_they_say_and_no_op_twice(policy: str, draws: int) -> None:
    op = ModifiedRandAugment(policy=policy, probability=1.0)  # type: ignore[arg-type]
    for seed in range(200):
        steps = op.roll(dice(seed))
        assert len(steps) == draws
        functions = [step.function for step in steps if isinstance(step, PixelFunction)]
        inner = [f.func if isinstance(f, partial) else f for f in functions]
        assert len(inner) == len(set(inner))


def test_colour_comes_before_shape() -> None:
    op = ModifiedRandAugment(policy="v1_1", probability=1.0)
    shapes = {pixels.distort, pixels.cut_out}
    for seed in range(300):
        first, second = op.roll(dice(seed))
        assert not isinstance(first, Warp)
        if isinstance(second, PixelFunction):
            assert isinstance(second.function, partial) and second.function.func in shapes
        else:
            assert isinstance(second, Warp)


def test_the_plain_one_has_eleven_ops_and_half_the_chance() -> None:
    counts = Counter(names(RandAugment()))
    assert counts[1] / 1500 == pytest.approx(0.5, abs=0.04)
    pixel_ops = {
        step.function.func if isinstance(step.function, partial) else step.function
        for seed in range(400)
        for step in RandAugment(probability=1.0).roll(dice(seed))
        if isinstance(step, PixelFunction)
    }
    assert pixel_ops == {pixels.sharpen, pixels.equalize, pixels.stretch}


def test_random_crops_reach_every_corner_and_fit_small_images() -> None:
    crop = RandomCrop(64)
    places = [crop.roll(dice(seed))[0].matrix[:2, 2] for seed in range(2000)]
    assert np.min(places, 0).tolist() == [0, 0]
    assert np.max(places, 0).tolist() == [WIDTH - 64, HEIGHT - 64]
    small = fold_steps(crop.roll(dice(size=(40, 52))))
    assert apply_steps(picture(40, 52), small).shape == (64, 64, 3)
    resize_short_side = fold_steps(RandomCrop(64, short=70).roll(dice(size=(450, 600))))
    assert isinstance(resize_short_side[0], Warp)
    assert apply_steps(picture(450, 600), resize_short_side).shape == (64, 64, 3)


def test_point_wise_ops_are_tables_that_fold() -> None:
    steps = [*rolled("posterize"), *rolled("solarize")]
    assert len(fold_steps(steps)) == 1 and isinstance(fold_steps(steps)[0], LookupTable)
