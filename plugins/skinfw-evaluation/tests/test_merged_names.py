"""Images that a run of several data sets has learned from are known by the names in their files."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from skinfw import write_csv
from skinfw.inference.labelled_rows import shared_with
from skinfw.recipe.plan import DataPlan, load_data_plan
from skinfw.toolkit import load_data


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Any]:
    """Recipes of the files a and b, each alone and both together, and of c, a part of either."""
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    rows = [("1", "x.png", "MEL"), ("2", "x.png", "NV")]
    for name in "ab":
        write_csv(tmp_path / f"{name}.csv", ["id", "path", "label"], rows)
    a, b = ({"use": "csv", "file": str(tmp_path / f"{name}.csv")} for name in "ab")
    write_csv(tmp_path / "c.csv", ["id", "path", "label"], rows[:1])
    return {
        "a": a,
        "moved": {"use": "csv", "file": str(tmp_path / "c.csv")},
        "both": [{**a, "source": "A"}, {**b, "source": "B"}],
        "renamed": [{**b, "source": "A"}, {**a, "source": "old"}],
    }


def run_of(folder: Path, plan: DataPlan, learned: list[int]) -> Any:
    """What evaluation reads of a run that has learned some rows of its data."""
    rows = load_data(plan).rows
    rows["part"] = ["train" if place in learned else "test" for place in range(len(rows))]
    rows.to_csv(folder / "splits.csv", index=False)
    recorded = json.loads(json.dumps({"dataset": plan.components.dataset.written()}))
    return SimpleNamespace(path=folder, tables=recorded, members=())


@pytest.mark.parametrize(
    ("run", "learned", "other", "shared"),
    [
        ("both", [0], "a", [True, False]),
        ("both", [2], "a", [False, False]),  # 1 of b, which is no image of a
        ("both", [2], "moved", [True]),  # nobody knows which one it is
        ("a", [1], "both", [False, True, False, False]),
        ("moved", [0], "both", [True, False, True, False]),
        ("both", [0], "both", [True, False, False, False]),
        ("both", [0], "renamed", [False, False, True, False]),
    ],
)
def test_what_a_run_has_learned_is_left_out_whatever_its_files_are_called(
    tables: dict[str, Any],
    tmp_path: Path,
    run: str,
    learned: list[int],
    other: str,
    shared: list[bool],
) -> None:
    model = run_of(tmp_path, load_data_plan({"dataset": tables[run]}), learned)
    plan = load_data_plan({"dataset": tables[other]})
    assert shared_with(plan, model, load_data(plan).rows, ("train",)).tolist() == shared


def test_images_without_labels_are_known_by_what_reads_them(
    tables: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    plan = load_data_plan({"dataset": {"use": "synthetic", "images": 64}})
    model = run_of(tmp_path / "run", plan, [])
    rows = load_data(load_data_plan({"dataset": tables["both"]})).rows
    splits = tmp_path / "run/splits.csv"
    own = splits.read_text()
    for lesion, shared in (
        ("csv:2", [False, True, False, True]),  # of the files of a csv, nobody knows which
        ("derm7pt:2", [False] * 4),
        (":x", [True] * 4),  # a file x.png of a folder
        (":2", [False] * 4),
    ):
        with splits.open("a") as file:
            header = own.splitlines()[0].split(",")
            row = {"id": "new", "lesion": lesion, "part": "train"}
            file.write(",".join(row.get(name, "") for name in header) + "\n")
        other = load_data_plan({"dataset": tables["both"]})
        assert shared_with(other, model, rows, ("train",)).tolist() == shared, lesion
        splits.write_text(own)
