"""What a person should see, or be refused, before hours are spent."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skinfw.errors import SkinfwError
from skinfw.interfaces.values import Draw
from skinfw.training.xray import xray, xray_lines

ROWS = pd.DataFrame({"label": ["NV"] * 4 + ["DF"], "lesion": ["1", "1", "2", "3", "9"]})


def test_draws_repeats_and_shares_are_counted() -> None:
    draw = Draw(np.array([0, 1, 2, 4, 4, 4]))
    weights = np.array([[1.0, 1.0], [0.5, 1.5]])
    nevi, fibromas = xray(ROWS, ("NV", "DF"), draw, weights)
    assert nevi == {
        "class": "NV", "images": 4, "lesions": 3, "drawn": 3, "most_repeated": 1,
        "share_of_loss": [0.5, 0.25],
    }  # fmt: skip
    assert fibromas["most_repeated"] == 3 and fibromas["share_of_loss"] == [0.5, 0.75]


def test_the_table_shows_how_shares_change() -> None:
    weights = np.array([[1.0, 1.0], [0.5, 1.5]])
    head, nevi, _ = xray_lines(xray(ROWS, ("NV", "DF"), Draw(np.array([0, 4])), weights))
    assert "share of the loss" in head
    assert nevi.split() == ["NV", "4", "3", "1", "1", "50%", "to", "25%"]


def test_a_run_tells_and_keeps_it(train: Any) -> None:
    said: list[str] = []
    sets = ('sampler.use="oversample"', "train.epochs=1")
    _, folder = train(*sets, said=said)
    record = folder.record["xray"]
    assert len({entry["drawn"] for entry in record}) == 1, "oversampled to the largest class"
    assert sum(entry["images"] for entry in record) < sum(entry["drawn"] for entry in record)
    assert all(entry["share_of_loss"] == [0.125] for entry in record)
    assert any("share of the loss" in line for line in said)


HIDES = '''
class Hides:
    """Put all images of the first class into the test part."""

    def assign(self, table, rng):
        first = table["label"] == table["label"].iloc[0]
        parts = ["val" if place % 4 == 0 else "train" for place in range(len(table))]
        return ["test" if own else part for own, part in zip(first, parts)]
'''


def test_a_class_that_training_never_shows_is_refused(train: Any, tiny: Path) -> None:
    (tiny.parent / "hides.py").write_text(HIDES)
    with pytest.raises(SkinfwError) as error:
        train('split={use="./hides.py:Hides", allow_leakage=true}')
    assert "no training image shows" in error.value.what
    assert "never sees" in error.value.why


def test_a_number_that_is_better_small_chooses_no_epoch(train: Any) -> None:
    with pytest.raises(SkinfwError) as error:
        train('metric=[{use="probability"}]', 'train.select="brier"')
    assert "better small" in error.value.what and "val_loss" in error.value.cure
