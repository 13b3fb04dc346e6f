"""What is left of an image whose lesion alone is shown, or all but the lesion."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support import ONE_EPOCH

from skinfw.data.decoding import Decoding
from skinfw.data.kept_part import KeptPart
from skinfw.data.loader import Source
from skinfw.errors import RecipeError, SkinfwError
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.plan import load_data_plan

WHITE = np.full((4, 6, 3), 200, np.uint8)
MASK = np.zeros((8, 12), bool)  # of the whole image, twice as large
MASK[2:4, 2:8] = MASK[4:6, 6:8] = True


def seen(part: Any) -> list[list[int]]:
    """Return which pixels of an image are left."""
    image = KeptPart(part, lambda path: MASK)(WHITE, "a")
    assert set(np.unique(image)) == {0, 200}
    assert (image[..., 0] == image[..., 2]).all()
    return (image[..., 0] > 0).astype(int).tolist()


def test_a_part_is_kept_and_the_rest_is_black() -> None:
    lesion = [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]]
    assert seen("lesion") == lesion
    assert seen("skin") == [[1 - own for own in row] for row in lesion]
    box = [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]
    assert seen("surroundings") == [[1 - own for own in row] for row in box]
    assert (WHITE == 200).all(), "the image itself stays"


def test_the_mask_fits_the_image_before_it_is_prepared() -> None:
    rows = pd.DataFrame({"id": ["a"], "path": ["a"]})
    cut = Decoding(prepare=lambda image: image[:, 2:])
    keep = KeptPart("lesion", lambda path: MASK)
    image = Source.of(rows, lambda path: WHITE, cut, keep=keep).read(0)
    assert (image[..., 0] > 0).astype(int).tolist()[1:3] == [[1, 1, 0, 0], [0, 1, 0, 0]]


def test_an_image_without_a_mask_is_named() -> None:
    with pytest.raises(SkinfwError, match="has no mask") as caught:
        KeptPart("skin", lambda path: None)(WHITE, "b.jpg")
    assert caught.value.where == "b.jpg"


def test_a_data_set_without_masks_is_refused_at_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[image]\nkeep = "lesion"\n[dataset]\nuse = "folder"\nroot = "images"\n'
    )
    for name in ("images/MEL", "images/NV"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(RecipeError, match="does not know where the lesions are") as caught:
        load_data_plan(tmp_path / "x.toml")
    assert caught.value.where.endswith("x.toml:2")


def test_a_part_of_several_pictures_is_refused_at_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[modalities]\npictures = ["clinic"]\n[image]\nkeep = "lesion"\n'
        '[dataset]\nuse = "synthetic"\n'
    )
    with pytest.raises(RecipeError, match="cannot go with modalities") as caught:
        load_data_plan(tmp_path / "x.toml")
    assert caught.value.where.endswith("x.toml:4")


def test_a_network_of_a_part_answers_no_image_without_a_mask(
    train: Callable[..., Any], tiny: Path
) -> None:
    tiny.write_text(tiny.read_text().partition("[backbone]")[0] + ONE_EPOCH)
    (whole, _), (result, folder) = train(), train("image.keep=surroundings")
    numbers = [own.predictions["test"].probabilities for own in (whole, result)]
    assert not np.allclose(*numbers)
    assert "of each image the network sees its surroundings alone (image.keep)" in result.marks
    with pytest.raises(SkinfwError, match="sees a part of each image alone"):
        load_trained_model(folder.path, trust=True).check_whole_images()
