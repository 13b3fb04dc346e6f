"""A whole run with the three reports in its recipe."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support import TINY, TINY_BACKBONE

from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

REPORTS = """
[[report]]
use = "./reports.py:Calibration"
coverage = 0.8

[[report]]
use = "./reports.py:Subgroups"

[[report]]
use = "./reports.py:OutOfDistribution"
score = "neighbour"
features = true
"""
MODULE = """
from skinfw_reliability.calibration import Calibration
from skinfw_reliability.subgroups import Subgroups
from skinfw_reliability.out_of_distribution import OutOfDistribution
"""


def test_a_run_writes_the_reports_of_its_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "reports.py").write_text(MODULE)
    (tmp_path / "mine.toml").write_text(TINY + REPORTS)
    monkeypatch.chdir(tmp_path)
    plan = load_plan(tmp_path / "mine.toml", ())
    folder = RunFolder.create(tmp_path / "runs", plan)
    result = execute_run(plan, folder, lambda _: None)
    assert result is not None
    test = result.predictions["test"]

    calibration = json.loads((folder.path / "calibration.json").read_text())
    assert sum(calibration["images"]["test"].values()) == len(test.ids)
    assert 0 <= calibration["prediction_sets"]["all"]["coverage"]["value"] <= 1
    assert (folder.path / "reliability.png").is_file()

    with (folder.path / "subgroups.csv").open() as file:
        whole = {row["number"]: row for row in csv.DictReader(file) if row["attribute"] == "all"}
    expected = result.metrics["test"]
    assert float(whole["balanced_accuracy"]["value"]) == pytest.approx(
        expected["balanced_accuracy"]
    )
    assert float(whole["macro_auc"]["value"]) == pytest.approx(expected["macro_auc"])
    notes = json.loads((folder.path / "subgroups.json").read_text())["notes"]
    assert any("no files" in note for note in notes)

    with (folder.path / "out_of_distribution.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(test.ids)
    for name in ("one_minus_max", "entropy", "energy", "neighbour", "mahalanobis"):
        assert np.isfinite([float(row[name]) for row in rows]).all()
