"""Versions of a view: what they may be, and where the lesion lies in it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from skinfw.data.decoding import Decoding
from skinfw.data.loader import EvalImages, Source
from skinfw.errors import AnswerError
from skinfw.evaluation.changed_images import ChangedImages
from skinfw.interfaces.transforms import Warp
from skinfw.interfaces.values import ViewedImage


class Halves:
    """Look at the left half of an image, then at the right one."""

    def plan(self, size: tuple[int, int]) -> list[list[Warp]]:
        height, width = size
        right = np.array([[1.0, 0, width // 2], [0, 1, 0], [0, 0, 1]])
        return [[Warp(matrix, (height, width // 2))] for matrix in (np.eye(3), right)]


def draw(path: str) -> Any:
    """Return an image that is black on the left and white on the right."""
    image = np.zeros((8, 16, 3), np.uint8)
    image[:, 8:] = 255
    return image


def changed(change: Callable[[ViewedImage], Any], **source: Any) -> ChangedImages:
    images = EvalImages(Source(["a", "b"], ["a", "b"], draw, **source), np.array([0, 1]), Halves())
    # A mask of twice the size, for it need not be of the size that images are decoded to.
    return ChangedImages(images, lambda path: np.arange(32)[None].repeat(16, 0) < 8, change)


def test_versions_hold_all_views_and_each_its_part_of_the_mask() -> None:
    masks = []

    def change(viewed: ViewedImage) -> Any:
        masks.append(viewed.lesion)
        return np.stack([viewed.pixels, 255 - viewed.pixels, viewed.pixels // 2])

    batch = changed(change).batch([1])
    assert batch.images.shape == (1, 6, 8, 8, 3)
    assert batch.rows.tolist() == [1] and batch.targets.tolist() == [1]
    assert batch.images.numpy()[0, :, 0, 0, 0].tolist() == [0, 255, 255, 0, 0, 127]
    assert masks[0][0].tolist() == [True] * 4 + [False] * 4
    assert not masks[1].any()


def test_only_the_first_of_several_pictures_is_changed() -> None:
    batch = changed(lambda viewed: viewed.pixels[None] + 1, others=[["c", "d"]]).batch([0, 1])
    assert batch.images.shape == (2, 2, 2, 8, 8, 3)
    assert batch.images.numpy()[0, :, :, 0, 0, 0].tolist() == [[1, 0], [0, 255]]


def test_a_mask_is_not_used_where_the_preparation_cut_the_image() -> None:
    seen = []

    def change(viewed: ViewedImage) -> Any:
        seen.append(viewed.lesion)
        return viewed.pixels[None]

    changed(change, decoding=Decoding(prepare=lambda image: image[:, 2:])).batch([0])
    changed(change, decoding=Decoding(prepare=lambda image: 255 - image)).batch([0])
    assert seen[0] is seen[1] is None
    assert seen[2] is not None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda viewed: viewed.pixels,
        lambda viewed: viewed.pixels[None] / 255,
        lambda viewed: viewed.pixels[None, :4],
        lambda viewed: viewed.pixels[:0, None],
    ],
)
def test_versions_that_are_none_are_refused(wrong: Callable[[ViewedImage], Any]) -> None:
    with pytest.raises(AnswerError, match="versions of a view"):
        changed(wrong).batch([0])


def test_what_is_shown_cannot_be_written_into() -> None:
    def scribble(viewed: ViewedImage) -> Any:
        viewed.pixels[:] = 0

    with pytest.raises(ValueError, match="read-only"):
        changed(scribble).batch([0])
