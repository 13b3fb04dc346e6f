"""Where the lesion is, what is left without it, and what is drawn."""

import numpy as np
import pytest

from skinfw import RecipeError, ViewedImage
from skinfw_shortcuts.lesions import divide, lesion_only, without_lesion
from skinfw_shortcuts.marks import USUAL, build_marks, draw
from skinfw_shortcuts.scattered import scatter
from skinfw_shortcuts.segmentation import field_of_view, find_lesion
from skinfw_shortcuts.versions import ONLY, REMOVED, SAME, Versions, on_skin
from skinfw_synthetic.dataset import Synthetic

DATA = Synthetic(images=64, size=96)
PATHS = DATA.table().rows["path"].tolist()
IMAGE, MASK = DATA.image(PATHS[1]), DATA.mask(PATHS[1])


def overlap(first, second) -> float:
    return (first & second).sum() / (first | second).sum()


def test_lesions_are_found_as_the_exact_masks_have_them() -> None:
    both = [(find_lesion(DATA.image(path)), DATA.mask(path)) for path in PATHS[:12]]
    overlaps = [0.0 if own is None else overlap(own, mask) for own, mask in both]
    assert np.median(overlaps) > 0.75
    assert np.mean(np.array(overlaps) > 0.5) > 0.8


def test_nothing_is_found_on_bare_skin() -> None:
    bare = np.full((96, 128, 3), (214, 170, 148), np.uint8)
    assert find_lesion(bare) is None
    assert divide(bare, None) is None


def test_a_lesion_that_leaves_no_skin_cannot_be_divided() -> None:
    assert divide(IMAGE, np.ones(IMAGE.shape[:2], bool)) is None
    assert divide(IMAGE, np.zeros(IMAGE.shape[:2], bool)) is None


def test_the_tube_is_no_part_of_the_picture() -> None:
    framed = IMAGE.copy()
    framed[:, :20] = 3
    assert not field_of_view(framed)[:, :20].any()
    assert field_of_view(framed)[:, 30:].all()
    assert field_of_view(IMAGE).all()


def test_a_removed_lesion_leaves_skin() -> None:
    parts = divide(IMAGE, MASK)
    assert parts is not None
    assert not (parts.skin & parts.lesion).any() and (parts.lesion >= MASK).all()
    bare = without_lesion(IMAGE, parts, np.random.default_rng(0))
    far = np.hypot(*np.gradient(parts.lesion.astype(float))) == 0
    for _ in range(4):  # away from the soft border
        far &= np.roll(far, 1, 0) & np.roll(far, -1, 0) & np.roll(far, 1, 1) & np.roll(far, -1, 1)
    assert (bare[far & ~parts.lesion] == IMAGE[far & ~parts.lesion]).all()
    skin, inside = IMAGE[parts.skin].astype(float), bare[MASK].astype(float)
    assert inside.mean(0) == pytest.approx(skin.mean(0), abs=12)
    assert np.abs(IMAGE[MASK].mean(0) - skin.mean(0)).max() > 30, "the lesion was another colour"
    assert find_lesion(bare) is None or overlap(find_lesion(bare), MASK) < 0.4


def test_a_lesion_alone_has_one_colour_around_it() -> None:
    parts = divide(IMAGE, MASK)
    assert parts is not None
    alone = lesion_only(IMAGE, parts)
    corner = alone[:6, :6].reshape(-1, 3)
    assert np.ptp(corner, axis=0).max() == 0
    assert corner[0] == pytest.approx(IMAGE[parts.skin].mean(0), abs=1)
    assert (alone[MASK].astype(int) - IMAGE[MASK]).max() <= 1


def test_scattered_paint_is_the_same_paint_elsewhere() -> None:
    image = np.full((96, 96, 3), 128, np.uint8)
    drawn = image.copy()
    drawn[40:44] = (10, 20, 200)
    control = scatter(image, drawn, np.random.default_rng(0))
    assert sorted(map(tuple, control.reshape(-1, 3))) == sorted(map(tuple, drawn.reshape(-1, 3)))
    rows = (control != image).any(axis=(1, 2))
    assert rows.sum() > 12, "the line is one no longer"
    assert (scatter(image, image, np.random.default_rng(0)) == image).all()


def test_marks_are_drawn_as_their_dice_fall() -> None:
    for mark in build_marks(()).values():
        first, again, other = (draw(mark, IMAGE, np.random.default_rng(s)) for s in (1, 1, 2))
        assert first.shape == IMAGE.shape and first.dtype == np.uint8
        assert (first == again).all()
        assert (first != IMAGE).any() and (first != other).any()
    assert list(build_marks(())) == list(USUAL)


@pytest.mark.parametrize(("name", "told"), [("rulr-ticks", "ruler-ticks"), ("flip", "probability")])
def test_marks_that_cannot_be_drawn_are_told(name: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        build_marks((name,))


def test_versions_show_a_mark_on_the_picture_and_on_its_skin() -> None:
    versions = Versions(build_marks(("ruler-ticks",)), 5, [3])
    made = versions(ViewedImage(3, IMAGE, MASK))
    of = dict(zip(versions.names, made, strict=True))
    assert (of[SAME] == IMAGE).all()
    over = (of["ruler-ticks"] != IMAGE).any(2)
    on = (of[on_skin("ruler-ticks")] != of[REMOVED]).any(2)
    assert overlap(over, on) > 0.8, "the same dice draw the same mark"
    assert (of[ONLY] != of[REMOVED]).any()
    assert versions.masks == {3: "mask"} and (versions.kept[3] == made).all()
    again = versions(ViewedImage(3, IMAGE, MASK))
    assert (again == made).all()
    versions(ViewedImage(4, IMAGE, None))
    flat = np.full_like(IMAGE, 200)
    blind = dict(zip(versions.names, versions(ViewedImage(5, flat, None)), strict=True))
    assert versions.masks == {3: "mask", 4: "segmentation", 5: ""} and list(versions.kept) == [3]
    assert (blind[REMOVED] == flat).all() and (blind[ONLY] == flat).all()


def test_a_lesion_is_known_where_every_network_of_an_ensemble_knows_it() -> None:
    versions = Versions({}, 5, [3])
    made = versions(ViewedImage(3, IMAGE, MASK))
    versions(ViewedImage(3, IMAGE[:48, :48], np.ones((48, 48), bool)))  # no skin is left
    versions(ViewedImage(3, IMAGE, MASK))
    assert versions.masks == {3: ""}
    assert (versions.kept[3] == made).all(), "the figure shows what the first network sees"
