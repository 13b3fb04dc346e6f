"""What the ops of virtual pathology do to skin, and what they leave alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skinfw import Dice
from skinfw.data.warping import apply_steps, fold_steps
from skinfw_pathology.artefacts import (
    DarkCorners,
    GelBubbles,
    Hair,
    InkMarks,
    OutOfFocus,
    RulerTicks,
    SpecularGlints,
    defocus,
)
from skinfw_pathology.composite import VirtualPathology
from skinfw_pathology.pigment import IlluminantShift, PigmentJitter, repigment

ARTEFACTS: dict[str, Any] = {
    op.__name__: op
    for op in (Hair, RulerTicks, InkMarks, GelBubbles, SpecularGlints, DarkCorners, OutOfFocus)
}
ALWAYS = [op(probability=1.0) for op in ARTEFACTS.values()]
ALWAYS += [PigmentJitter(), IlluminantShift(), VirtualPathology(strength=2.0)]


def skin(height: int = 224, width: int = 224, seed: int = 0) -> np.ndarray:
    """Return skin with a darker lesion in the middle."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(y - height / 2, x - width / 2) < min(height, width) / 4
    colour = np.where(inside[..., None], [110, 70, 60], [205, 160, 145])
    return (colour + rng.integers(-8, 9, (height, width, 3))).astype(np.uint8)


def once(op: Any, image: np.ndarray, seed: int = 0) -> np.ndarray:
    dice = Dice(np.random.default_rng(seed), image.shape[:2], False, lambda: image)
    return apply_steps(image, fold_steps(op.roll(dice)))


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, len(ALWAYS) - 1),
    seed=st.integers(0, 2**32),
    height=st.integers(32, 180),
    width=st.integers(32, 180),
)
def test_ops_keep_type_and_size_and_depend_on_their_dice(
    place: int, seed: int, height: int, width: int
) -> None:
    image = skin(height, width)
    before = image.copy()
    result = once(ALWAYS[place], image, seed)
    assert result.shape == image.shape and result.dtype == np.uint8
    assert (result == once(ALWAYS[place], image, seed)).all()
    assert (image == before).all(), "an op must not write into what it was given"


@pytest.mark.parametrize("name", ARTEFACTS)
def test_artefacts_come_as_often_as_asked(name: str) -> None:
    dice = [Dice(np.random.default_rng(s), (64, 64), False, skin) for s in range(1000)]
    op = ARTEFACTS[name](probability=0.3)
    assert np.mean([bool(op.roll(die)) for die in dice]) == pytest.approx(0.3, abs=0.05)
    assert not any(ARTEFACTS[name](probability=0.0).roll(die) for die in dice)


@pytest.mark.parametrize("op", [PigmentJitter(contrast=0, amount=0), IlluminantShift(strength=0)])
def test_no_strength_is_no_change(op: Any) -> None:
    image = skin()
    assert np.abs(once(op, image).astype(int) - image).max() <= 1
    assert (once(VirtualPathology(strength=0.0), image) == image).all() or (
        np.abs(once(VirtualPathology(strength=0.0), image).astype(int) - image).max() <= 1
    )


def test_pigments_move_skin_along_their_own_colours() -> None:
    image = skin()
    tanned = repigment(image, np.ones(2), np.array([0.2, 0.0]))
    flushed = repigment(image, np.ones(2), np.array([0.0, 0.2]))
    for changed in (tanned, flushed):
        assert changed.mean() < image.mean()
    fall = {
        name: image.reshape(-1, 3).mean(0) / changed.reshape(-1, 3).mean(0)
        for name, changed in (("tan", tanned), ("blood", flushed))
    }
    # Melanin takes blue away most; blood takes green away, and leaves red.
    assert fall["tan"][2] > fall["tan"][0] > fall["tan"][1]
    assert fall["blood"][1] > fall["blood"][0] and fall["blood"][2] > fall["blood"][0]


def test_more_pigment_contrast_darkens_the_lesion_and_pales_the_skin() -> None:
    image = skin()
    strong = repigment(image, np.array([1.4, 1.4]), np.zeros(2))
    assert strong[112, 112].mean() < image[112, 112].mean()
    assert strong[:20, :20].mean() > image[:20, :20].mean()
    back = repigment(strong, np.array([1 / 1.4, 1 / 1.4]), np.zeros(2))
    assert np.abs(back.astype(int) - image).mean() < 2


def share(op: Any, image: np.ndarray, seed: int = 0) -> float:
    """Return how much of an image an op changes visibly."""
    return float((np.abs(once(op, image, seed).astype(int) - image).max(2) > 12).mean())


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("Hair", 0.03, 0.35),
        ("RulerTicks", 0.003, 0.08),
        ("InkMarks", 0.005, 0.15),
        ("GelBubbles", 0.002, 0.12),
        ("SpecularGlints", 0.001, 0.05),
        ("DarkCorners", 0.0, 0.3),
    ],
)
def test_artefacts_cover_a_part_of_the_image(name: str, least: float, most: float) -> None:
    shares = [share(ARTEFACTS[name](probability=1.0), skin(), seed) for seed in range(40)]
    assert least <= np.median(shares) <= most
    assert max(shares) < 0.6


def test_the_middle_of_the_lesion_is_never_inked_or_cut_off() -> None:
    image = skin()
    for seed in range(40):
        for op in (InkMarks(probability=1.0), DarkCorners(probability=1.0)):
            middle = once(op, image, seed)[92:132, 92:132]
            assert np.abs(middle.astype(int) - image[92:132, 92:132]).max() <= 1


def test_corners_are_dark_and_glints_are_bright() -> None:
    image = skin()
    corners = [once(DarkCorners(probability=1.0), image, s)[0, 0].mean() for s in range(20)]
    assert np.median(corners) < 40
    brighter = [
        once(SpecularGlints(probability=1.0), image, s).astype(int) - image for s in range(10)
    ]
    assert all(change.min() >= -1 for change in brighter)
    assert np.median([change.max() for change in brighter]) > 40


def test_defocus_spreads_a_point_to_a_disc_and_keeps_its_light() -> None:
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    disc = defocus(point, 3.0)[..., 0]
    y, x = np.nonzero(disc)
    assert np.hypot(y - 15, x - 15).max() < 4
    assert disc.sum() == pytest.approx(255, rel=0.2)
    assert disc[15, 15] == disc[15, 16] == disc[16, 16]
