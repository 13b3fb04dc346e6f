import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from skinfw import SkinfwError
from skinfw_acme.summarise import summarise

RECORD = {
    "status": "done",
    "name": "moles",
    "started": "2026-01-02T03:04:05+0000",
    "recipe": {},
    "marks": ["synthetic images, not patients", "quick"],
    "results": {
        "best_epoch": 7,
        "test": {"accuracy": 0.75, "balanced_accuracy": 0.5, "macro_auc": None, "f1/DF": 0.25},
    },
}
SPLITS = "id,lesion,component,label,part\nA,L1,L1,NV,test\nB,L1,L1,NV,test\nC,L2,L2,DF,test\n"
PREDICTIONS = "id,true,predicted,NV,DF\nA,NV,NV,0.9,0.1\nB,NV,NV,0.8,0.2\nC,DF,DF,0.3,0.7\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run, with what a line tells."""
    folder = tmp_path / "moles-1"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(RECORD))
    (folder / "splits.csv").write_text(SPLITS)
    (folder / "predictions.csv").write_text(PREDICTIONS)
    intervals = {"accuracy": [0.6, 0.9], "macro_auc": [None, None]}
    record = {"parts": {"test": {"intervals": intervals}}}
    (folder / "intervals.json").write_text(json.dumps(record))
    return folder


def rows(*words: object) -> list[dict[str, str]]:
    result = CliRunner().invoke(summarise, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(result.output.splitlines()))


def test_a_line_tells_the_run_its_numbers_and_what_to_know(run: Path) -> None:
    (row,) = rows(run)
    assert row == {
        "run": "moles-1",
        "recipe": "moles",
        "started": "2026-01-02T03:04:05+0000",
        "best epoch": "7",
        "images": "3",
        "lesions": "2",
        "balanced_accuracy": "0.5000",
        "balanced_accuracy low": "",
        "balanced_accuracy high": "",
        "accuracy": "0.7500",
        "accuracy low": "0.6000",
        "accuracy high": "0.9000",
        "macro_auc": "",
        "macro_auc low": "",
        "macro_auc high": "",
        "marks": "synthetic images, not patients; quick",
    }


def test_several_runs_and_other_numbers(run: Path) -> None:
    (run / "intervals.json").unlink()
    first, second = rows(run, run / "run.json", "--number", "f1/DF")
    assert first == second and first["f1/DF"] == "0.2500" and "accuracy" not in first


def refusal(*words: object) -> SkinfwError:
    error: Any = CliRunner().invoke(summarise, list(map(str, words))).exception
    assert isinstance(error, SkinfwError), error
    return error


def test_an_unknown_number_is_refused_with_a_near_one(run: Path) -> None:
    error = refusal(run, "--number", "acuracy")
    assert error.what == 'there is no number "acuracy"' and error.cure == 'did you mean "accuracy"?'


def test_a_run_that_is_not_done_is_refused(run: Path) -> None:
    (run / "run.json").write_text(json.dumps({**RECORD, "status": "stopped"}))
    error = refusal(run)
    assert "no test numbers" in error.what and "--resume" in error.cure
