import numpy as np
import pandas as pd
import pytest

from skinfw.data.leakage.division import components_across_parts
from skinfw.data.table import counts_line, fingerprint, split_hash


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["a", "b", "c"],
            "path": ["", "", ""],
            "label": ["NV", "NV", "MEL"],
            "lesion": ["1", "1", "2"],
            "component": ["1", "1", "2"],
            "part": ["train", "test", "test"],
        }
    )


def test_lesions_on_both_sides_are_found() -> None:
    assert components_across_parts(table()) == ["1"]
    assert components_across_parts(table().assign(part="train")) == []


def test_hashes_ignore_the_order_of_rows_and_notice_every_change() -> None:
    rows = table()
    shuffled = rows.iloc[[2, 0, 1]]
    assert fingerprint(rows) == fingerprint(shuffled)
    assert split_hash(rows) == split_hash(shuffled)
    assert fingerprint(rows) != fingerprint(rows.assign(label="NV"))
    assert fingerprint(rows) != fingerprint(rows.assign(lesion="9"))
    assert split_hash(rows) != split_hash(rows.assign(part="train"))


def test_counts_are_told_in_class_order() -> None:
    assert counts_line(table(), ("MEL", "NV", "DF")) == "3 images: MEL 1, NV 2, DF 0"


@pytest.mark.parametrize("count", [10, 1000])
def test_hashing_is_deterministic(count: int) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "id": [f"i{n}" for n in range(count)],
            "path": "",
            "label": rng.choice(["NV", "MEL"], count),
            "lesion": rng.integers(0, count, count).astype(str),
        }
    )
    assert fingerprint(rows) == fingerprint(rows.sample(frac=1, random_state=1))
