import os
from pathlib import Path

import pandas as pd
import pytest

from skinfw.data.leakage.division import components_across_parts
from skinfw.data.table import counts_line, fingerprint, split_hash
from skinfw.recipe.plan import Plan, load_plan


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


@pytest.fixture
def files(tiny: Path, tmp_path: Path) -> tuple[Plan, pd.DataFrame]:
    """Return a recipe with two pictures of each lesion and an age, and its rows."""
    rows = table().assign(age=["30", "40", ""])
    for name in ("path", "clinic"):
        rows[name] = [str(tmp_path / f"{own}-{name}.jpg") for own in rows["id"]]
        for path in rows[name]:
            Path(path).write_bytes(path[-12:].encode())
    rows.to_csv(tmp_path / "rows.csv", index=False)
    sets = (f"dataset={{use='csv', file='{tmp_path / 'rows.csv'}', pictures=['clinic']}}",
            "modalities.pictures=['clinic']", "modalities.numbers=['age']")  # fmt: skip
    return load_plan(tiny, sets), rows


def test_hashes_ignore_the_order_of_rows_and_notice_every_change(
    files: tuple[Plan, pd.DataFrame],
) -> None:
    plan, rows = files
    shuffled = rows.iloc[[2, 0, 1]]
    known = fingerprint(plan, rows)
    assert fingerprint(plan, shuffled) == known
    assert split_hash(rows) == split_hash(shuffled)
    for change in ({"label": "NV"}, {"lesion": "9"}, {"age": "31"}):
        assert fingerprint(plan, rows.assign(**change)) != known
    assert split_hash(rows) != split_hash(rows.assign(part="train"))


@pytest.mark.parametrize("picture", ["path", "clinic"])
def test_a_picture_of_equal_size_and_date_is_another(
    picture: str, files: tuple[Plan, pd.DataFrame], tmp_path: Path
) -> None:
    plan, rows = files
    known = fingerprint(plan, rows)
    assert fingerprint(plan, rows) == known
    file = Path(rows[picture].iloc[1])
    about, other = file.stat(), tmp_path / "other.jpg"
    other.write_bytes(file.read_bytes()[::-1])
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    other.replace(file)
    assert file.stat().st_size == about.st_size
    assert fingerprint(plan, rows) != known


def test_counts_are_told_in_class_order() -> None:
    assert counts_line(table(), ("MEL", "NV", "DF")) == "3 images: MEL 1, NV 2, DF 0"
