"""Copies among real images, where these are at hand; what is counted here is in docs/leakage.md."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from campaigns.copies import copied
from scipy.cluster.hierarchy import DisjointSet

from skinfw.data.decoding import read_image
from skinfw.data.table import split_data
from skinfw.errors import RecipeError
from skinfw.recipe.plan import load_plan
from skinfw.recipe.settings import ImageSettings
from skinfw_audit.audit import Audit, Shared, audit
from skinfw_duplicates.component import NearDuplicates
from skinfw_duplicates.duplicates import find_copies
from skinfw_isic.isic2017 import Isic2017
from skinfw_isic.isic2018 import Isic2018
from skinfw_isic.isic2019 import Isic2019

SHARED = Path(__file__).parents[4] / "shared" / "data"


def root(year: int) -> Path:
    return Path(os.environ.get(f"SKINFW_ISIC{year}", SHARED / f"ISIC_{year}"))


def needs(*years: int) -> pytest.MarkDecorator:
    absent = [f"SKINFW_ISIC{year}" for year in years if not root(year).is_dir()]
    return pytest.mark.skipif(bool(absent), reason=f"{absent} name no folders of real images")


@needs(2018)
def test_two_hundred_planted_copies_are_found_and_no_neighbours(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    table = Isic2018(root=root(2018), missing="drop").table().rows.sample(1500, random_state=1)
    paths, lesions = table["path"].tolist(), table["lesion"].tolist()
    sources = rng.choice(len(paths), 200, replace=False).tolist()
    for number, source in enumerate(sources):
        file = tmp_path / f"{number}.jpg"
        pixels = copied(read_image(paths[source]), rng)[..., ::-1]
        quality = int(rng.integers(40, 95))
        cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        paths.append(str(file))
        lesions.append(lesions[source])
    pairs = find_copies(paths, tmp_path / "cache", lambda line: None).pairs
    joined = DisjointSet(range(len(paths)))
    for one, other, _ in pairs:
        joined.merge(one, other)
    result = sum(joined.connected(1500 + number, source)
                for number, source in enumerate(sources))  # fmt: skip
    wrong = sum(lesions[one] != lesions[other] for one, other, _ in pairs)
    assert result / 200 >= 0.98
    assert result / (result + wrong) >= 0.99


def divided(tmp_path: Path, *sets: str, **more: Any) -> Any:
    (tmp_path / "real.toml").write_text(
        f'[dataset]\nuse = "isic2018"\nroot = "{root(2018)}"\nmissing = "drop"\n'
        '[backbone]\nuse = "torchvision/resnet18"\n'
    )
    return split_data(load_plan(tmp_path / "real.toml", sets), **more)


@needs(2018)
def test_a_row_split_is_refused_with_the_count_and_a_lesion_split_passes(tmp_path: Path) -> None:
    rows = ("split.use=rows", "split.val=0.1")
    with pytest.raises(RecipeError, match=r"the split leaks: \d{3} lesions have images"):
        divided(tmp_path, *rows, compare=False)
    result = divided(tmp_path, compare=False)
    assert result.rows.groupby("lesion")["part"].nunique().max() == 1


@needs(2018)
@pytest.mark.slow
def test_whole_ham10000_with_its_images_compared(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the split leaks: 944 lesions"):
        divided(tmp_path, "split.use=rows", "split.val=0.1")
    result = divided(tmp_path)
    assert result.leakage.straddling == 0
    assert 0 < result.rows["lesion"].nunique() - result.rows["component"].nunique() < 10


@needs(2017, 2019)
@pytest.mark.slow
def test_isic_2017_inside_isic_2019() -> None:
    sets = {
        "2017": Isic2017(root=root(2017), missing="drop"),
        "2019": Isic2019(root=root(2019), missing="drop"),
    }
    tables = {name: data.table() for name, data in sets.items()}
    classes = {name: data.classes for name, data in sets.items()}
    result = audit(tables, classes, (), NearDuplicates(ImageSettings()), lambda line: None)
    inside = between(result, "2017", "2019")
    ids, others = set(tables["2017"].rows["id"]), set(tables["2019"].rows["id"])
    suffixed = {name + "_downsampled" for name in ids} & others
    assert inside.by["id"] == len(ids & others) + len(suffixed)
    assert inside.renamed == len(suffixed) > 2000
    assert inside.images == len(ids)  # all of ISIC 2017 is in ISIC 2019
    assert 20 < result.contents[0].straddling < 50  # and its official parts share lesions


def between(result: Audit, inside: str, also_in: str) -> Shared:
    (shared,) = (one for one in result.shared if (one.inside, one.also_in) == (inside, also_in))
    return shared
