"""Transforms of other libraries: their pixels, and dice of our own."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from skinfw import Dice, SkinfwError
from skinfw.recipe.parameters import parameters
from skinfw.runtime.seed import stream
from skinfw.toolkit import apply_steps, fold_steps
from skinfw_bridges import albumentations_ops, random_numbers, torchvision_ops
from skinfw_bridges.library_op import LibraryOp

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
Image = np.ndarray[Any, np.dtype[np.uint8]]
FAMILIES = [torchvision_ops, albumentations_ops]
SIZE = (60, 80)
# What must be given, and what makes a size change that would not change otherwise.
VALUES: dict[str, dict[str, Any]] = {
    "Affine": {"rotate": [-30.0, 30.0], "fit_output": True},
    "CenterCrop": {"size": 30, "height": 30, "width": 40},
    "Crop": {"x_max": 30, "y_max": 30},
    "CropAndPad": {"px": [-5, 5, -5, 5], "keep_size": False},
    "GaussianBlur": {"kernel_size": 3},
    "GridElasticDeform": {"num_grid_xy": [3, 3], "magnitude": 5},
    "HEStain": {"method": "macenko"},
    "JPEG": {"quality": [10, 50]},
    "LongestMaxSize": {"max_size": 40},
    "Pad": {"padding": 3},
    "PadIfNeeded": {"min_height": 100, "min_width": 100},
    "Perspective": {"keep_size": False},
    "RandomAdjustSharpness": {"sharpness_factor": 2.0},
    "RandomAffine": {"degrees": 20.0},
    "RandomCrop": {"size": 30, "height": 30, "width": 40},
    "RandomPosterize": {"bits": 3},
    "RandomResize": {"min_size": 20, "max_size": 70},
    "RandomResizedCrop": {"size": [30, 30]},
    "RandomRotation": {"degrees": 30.0, "expand": True},
    "RandomShortestSize": {"min_size": [20, 30, 40]},
    "RandomSizedCrop": {"min_max_height": [20, 40], "size": [30, 30]},
    "RandomSolarize": {"threshold": 100.0},
    "Resize": {"size": [30, 40], "height": 30, "width": 20},
    "Rotate": {"crop_border": True},
    "ScaleJitter": {"target_size": [40, 40]},
    "SmallestMaxSize": {"max_size": 40},
    "XYMasking": {"num_masks_x": 2, "mask_x_length": 5},
}
SLOW = {"PiecewiseAffine", "Superpixels"}  # take half a second for an image
# Two transforms say that they are special cases of others, and torchvision's JPEG is to go.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:albumentations"),
    pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def image() -> Image:
    drawn = stream(0, "image").integers(0, 256, (*SIZE, 3), np.uint8)
    smooth: Image = np.asarray(cv2.GaussianBlur(drawn, (9, 9), 3), np.uint8)
    smooth.setflags(write=False)  # as those of the cache
    return smooth


def make(family: Any, variant: str, **values: Any) -> LibraryOp:
    build = family.member(variant)
    arguments, complaints = parameters(build).read(values)
    assert not complaints, (variant, complaints)
    op: LibraryOp = build(**arguments)
    return op


def act(op: LibraryOp, image: Image, seed: int) -> Image:
    dice = Dice(stream(seed, "augment"), SIZE, False, lambda: image)
    result: Image = apply_steps(image, fold_steps(op.roll(dice)))
    return result


def every_op(family: Any) -> Iterator[tuple[str, LibraryOp]]:
    for variant in family.variants():
        keys = parameters(family.member(variant)).model.model_fields
        values = {"p": 0.7, **VALUES.get(variant, {})}
        if variant not in SLOW and (variant != "GaussianNoise" or noise_of_integers()):
            own = {key: value for key, value in values.items() if key in keys}
            yield variant, make(family, variant, **own)


def noise_of_integers() -> bool:
    """Tell whether this torchvision adds noise to uint8, as older ones do not."""
    try:
        v2.GaussianNoise()(torch.zeros(3, 2, 2, dtype=torch.uint8))
    except ValueError:
        return False
    return True


def states() -> tuple[Any, ...]:
    return str(np.random.get_state()), random.getstate(), torch.get_rng_state().tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_transform_depends_on_its_dice_alone(family: Any, image: Image) -> None:
    changing = set()
    for variant, op in every_op(family):
        first = act(op, image, 1)
        torch.manual_seed(5)
        np.random.seed(5)
        random.seed(5)
        cv2.setRNGSeed(5)
        before = states()
        again = act(op, image, 1)
        assert states() == before, f"{variant} drew from generators of others"
        assert first.shape == again.shape and (first == again).all(), variant
        assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3, variant
        others = (act(op, image, seed) for seed in range(2, 8))
        if any(one.shape != first.shape or (one != first).any() for one in others):
            changing.add(variant)
    same = {variant for variant, _ in every_op(family)} - changing
    without_dice = {"CenterCrop", "Grayscale", "Identity", "Pad", "RGB", "Resize", "NoOp"}
    without_effect = {"ColorJitter", "FancyPCA", "UnsharpMask"}  # by default, or on a soft image
    assert same <= without_dice | without_effect


@pytest.mark.parametrize("family", FAMILIES)
def test_threads_do_not_disturb_each_other_nor_the_network_that_trains(
    family: Any, image: Image
) -> None:
    names = ["ColorJitter", "ElasticTransform", "RandomResizedCrop"]
    names += ["GaussNoise", "CoarseDropout"] if family is albumentations_ops else ["AugMix"]
    jitter = {"brightness": 0.5, "contrast": 0.5}
    values = {"RandomResizedCrop": {"size": [30, 30]}, "ColorJitter": jitter}
    ops = [make(family, name, **values.get(name, {})) for name in names]
    jobs = [(op, seed) for seed in range(8) for op in ops]
    alone = [act(op, image, seed) for op, seed in jobs]
    torch.manual_seed(3)
    expected = [torch.rand(3) for _ in range(500)]
    torch.manual_seed(3)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(act, op, image, seed) for op, seed in jobs]
        drawn = [torch.rand(3) for _ in range(500)]  # as dropout does meanwhile
    assert all(torch.equal(a, b) for a, b in zip(drawn, expected, strict=True))
    for one, other in zip(alone, waiting, strict=True):
        assert (one == other.result()).all()


def test_operations_that_older_versions_draw_without_a_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(7)
    expected = torch.randn_like(torch.zeros(5)), torch.rand_like(torch.zeros(5))
    monkeypatch.setattr(random_numbers, "_with_generator", lambda func: None)
    with random_numbers.OwnGenerator(7):
        drawn = torch.randn_like(torch.zeros(5)), torch.rand_like(torch.zeros(5))
        with pytest.raises(NotImplementedError, match="rand draws from no generator"):
            torch.rand(1)
    assert torch.equal(drawn[0], expected[0]) and torch.equal(drawn[1], expected[1])


def seed_of(dice_seed: int) -> int:
    return int(stream(dice_seed, "augment").integers(2**63))


@pytest.mark.parametrize(
    ("variant", "values", "theirs"),
    [
        ("RandomRotation", {"degrees": 30.0, "interpolation": "bilinear"},
         lambda: v2.RandomRotation(30, interpolation=v2.InterpolationMode.BILINEAR)),
        ("ColorJitter", {"brightness": 0.3, "hue": [-0.1, 0.1]},
         lambda: v2.ColorJitter(brightness=0.3, hue=(-0.1, 0.1))),
        ("RandomResizedCrop", {"size": [32, 48]}, lambda: v2.RandomResizedCrop((32, 48))),
        ("RandomErasing", {"p": 1.0}, lambda: v2.RandomErasing(p=1.0)),
        ("AugMix", {}, v2.AugMix),
        ("ElasticTransform", {"fill": [1.0, 2.0, 3.0]},
         lambda: v2.ElasticTransform(fill=[1.0, 2.0, 3.0])),
    ],
)  # fmt: skip
def test_pixels_are_those_of_torchvision_under_the_same_seed(
    variant: str, values: dict[str, Any], theirs: Callable[[], Any], image: Image
) -> None:
    ours = act(make(torchvision_ops, variant, **values), image, 4)
    torch.manual_seed(seed_of(4))
    expected = theirs()(torch.from_numpy(image.transpose(2, 0, 1).copy()))
    assert (ours == expected.permute(1, 2, 0).numpy()).all()


@pytest.mark.parametrize(
    ("variant", "values"),
    [
        ("GaussNoise", {"p": 1.0}),
        ("RandomBrightnessContrast", {"p": 1.0, "brightness_limit": 0.4}),
        ("RandomResizedCrop", {"size": (32, 48)}),
        ("Affine", {"p": 1.0, "rotate": (-30.0, 30.0), "translate_percent": {"x": (0.0, 0.2)}}),
    ],
)
def test_pixels_are_those_of_albumentations_under_the_same_seed(
    variant: str, values: dict[str, Any], image: Image
) -> None:
    import albumentations

    ours = act(make(albumentations_ops, variant, **values), image, 4)
    theirs = getattr(albumentations, variant)(**values)
    theirs.set_random_seed(seed_of(4))
    assert (ours == theirs(image=image.copy())["image"]).all()


def test_ops_that_follow_know_the_size_that_a_transform_left(image: Image) -> None:
    for family, values in [
        (torchvision_ops, {"size": [32, 48]}),
        (albumentations_ops, {"size": [32, 48]}),
    ]:
        op = make(family, "RandomResizedCrop", **values)
        steps = op.roll(Dice(stream(0, "augment"), SIZE, False, lambda: image))
        assert steps[-1].size == (32, 48), "the host reads sizes from warps"
        assert apply_steps(image, fold_steps(steps)).shape == (32, 48, 3)


def test_a_size_that_was_not_told_is_refused(image: Image) -> None:
    op = LibraryOp(
        "acme/Grow", lambda seed, pixels: np.pad(pixels, ((0, 1), (0, 0), (0, 0))), False
    )
    with pytest.raises(SkinfwError, match="made 61x80 pixels of 60x80"):
        act(op, image, 0)


def test_another_version_of_albumentations_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import albumentations

    monkeypatch.setattr(albumentations, "__version__", "2.1.0")
    with pytest.raises(SkinfwError, match=r"Albumentations 2\.1\.0") as error:
        albumentations_ops.variants()
    assert error.value.cure == "pip install 'skinfw[albumentations]'"


class Noise:
    """A data set for torch's loader, augmented as Albumentations documents it."""

    def __init__(self) -> None:
        import albumentations

        self.change = albumentations.Compose([albumentations.GaussNoise(p=1)], seed=0)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> str:
        image = np.full((16, 16, 3), 128, np.uint8)
        return sha256(self.change(image=image)["image"].tobytes()).hexdigest()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks beside threads
def test_albumentations_alone_repeats_itself_in_the_workers_of_torch() -> None:
    """Why the dice are ours: what others get from the same transform and the same seed."""

    def epochs(workers: int) -> list[list[str]]:
        torch.manual_seed(0)
        loader: DataLoader[Any] = DataLoader(Noise(), batch_size=4, num_workers=workers)
        return [[name for batch in loader for name in batch] for _ in range(2)]

    none, two = epochs(0), epochs(2)
    assert none != two, "the number of workers changes the pixels"
    assert two[0] == two[1], "every epoch shows the same noise"
    assert len(set(two[0])) == 4, "two images of an epoch share their noise"
