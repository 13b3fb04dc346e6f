"""The report in a whole run, and about images that are evaluated later."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinfw import RecipeError, Result
from skinfw.recipe.plan import load_plan
from skinfw_shortcuts.report import Shortcuts

REPORTS = """
[[report]]
use = "shortcuts"
images = 0
marks = ["ruler-ticks"]

[[report]]
use = "page"
"""


@pytest.mark.slow
def test_a_run_and_an_evaluation_look_for_shortcuts(
    train: Callable[..., Any], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write_text(tiny.read_text() + REPORTS)
    result, folder = train("train.epochs=1")
    assert not result.failures
    told = json.loads((folder.path / "shortcuts.json").read_text())
    assert told["images"] == told["masks"] + told["not_told_apart"]
    assert told["segmentations"] == 0, "synthetic data know their masks"
    assert [one["shortcut"] for one in told["verdicts"]] == [
        "ruler-ticks",
        "what is around the lesion",
    ]
    for one in told["verdicts"]:
        low = one["estimate"]["low"]
        found = "found" if low is not None and low > one["bound"] else "not found"
        assert one["verdict"] == ("not measured" if low is None else found)
    with (folder.path / "shortcuts.csv").open() as file:
        numbers = {row["number"]: row for row in csv.DictReader(file)}
    for name in ("rise_beyond_scattered/ruler-ticks/to MEL", "to_malignant/lesion removed/NV"):
        low, value, high = (float(numbers[name][key]) for key in ("low", "value", "high"))
        assert low <= value <= high
    assert (folder.path / "shortcuts.png").read_bytes().startswith(b"\x89PNG")
    page = (folder.path / "report.html").read_text()
    assert "Shortcuts" in page and "data:image/png;base64," in page

    from skinfw.inference.labelled_rows import own_rows
    from skinfw.toolkit import load_trained_model
    from skinfw_evaluation.evaluate import evaluate_rows

    plan = load_plan(folder.path)
    rows = own_rows(plan, "test", json.loads((folder.path / "run.json").read_text()), folder.path)
    out = folder.path.parent / "again"
    evaluate_rows(load_trained_model(folder.path), rows, plan, "again", "test", out, True)
    again = json.loads((out / "shortcuts.json").read_text())
    ours, theirs = (
        [one["estimate"]["value"] for one in some["verdicts"]] for some in (told, again)
    )
    assert theirs == pytest.approx(ours, abs=1e-5)


def test_a_mark_that_is_not_there_is_told_before_the_training() -> None:
    with pytest.raises(RecipeError, match="ruler-ticks"):
        Shortcuts(marks=("ruler-tick",))


def test_predictions_alone_tell_of_no_shortcut(tmp_path: Path) -> None:
    result = Result(tmp_path, "saved", ("MEL", "NV"), [], 1, "accuracy")
    (own,) = Shortcuts().analyse(result)
    assert "need the network" in own.text[0] and not own.tables
