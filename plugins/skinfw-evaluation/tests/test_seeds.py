"""`skinfw run --seeds` and the comparison of two such folders."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from support import TINY, TINY_BACKBONE

from skinfw.cli import main
from skinfw.recipe.settings import REFIT_ON_ALL
from skinfw.training.trainer import Trainer

SETS = [
    "--set", "train.epochs=1", "--set", "explainer=[]", "--set", "dataset.images=64",
    "--set", 'metric=[{use="classification"}]', "--set", 'report=[{use="./told.py:Told"}]', "-q",
]  # fmt: skip
REPORT = '''
class Told:
    """Write what it is told of all seeds."""

    def write(self, result, folder):
        """Write nothing of one seed."""

    def summarize(self, summary, folder):
        """Write the mean accuracy."""
        (folder / "told.txt").write_text(f"{summary.name} {summary.numbers['accuracy'].mean:.4f}")
'''


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "told.py").write_text(REPORT)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def skinfw(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == code, result.output
    return result


def accuracies(folder: Path) -> list[float]:
    tables = [pd.read_csv(folder / f"seed-{n}" / "predictions.csv") for n in (1, 2)]
    return [float((one["true"] == one["predicted"]).mean()) for one in tables]


def always_melanoma(folder: Path) -> None:
    """Let every training of a folder answer MEL."""
    for file in folder.glob("seed-*/predictions.csv"):
        table = pd.read_csv(file)
        table[table.columns[3:-1]] = 0.0
        table["MEL"], table["predicted"] = 1.0, "MEL"
        table.to_csv(file, index=False)


def test_several_seeds_stop_go_on_and_are_compared(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch, trained = Trainer._epoch, []

    def stops_once(self: Trainer, stop: Any) -> bool:
        trained.append(self.weights.parent.name)
        if trained == ["seed-1", "seed-2"]:
            signal.raise_signal(signal.SIGINT)
        return epoch(self, stop)

    monkeypatch.setattr(Trainer, "_epoch", stops_once)
    said = skinfw("run", "tiny.toml", "--seeds", "2", *SETS, "--out", "a", code=130).output
    (folder,) = (there / "a").iterdir()
    assert "each seed has a division of its own" in said and f"{folder.name} --resume" in said
    refused = skinfw("compare", str(folder), str(folder), code=1).output
    assert "seed 2 of 2 is not done" in refused
    said = skinfw("run", str(folder), "--resume", "-q").output
    assert trained == ["seed-1", "seed-2", "seed-2"], "the first seed is not trained again"
    assert "mean of 2 seeds, 95 % intervals over lesions and seeds" in said

    record = json.loads((folder / "seed-1/run.json").read_text())  # as after skinfw refit
    record["recipe"]["train"]["refit"] = "all"
    record["marks"] = [*record["marks"], REFIT_ON_ALL]
    (folder / "seed-1/run.json").write_text(json.dumps(record))
    said = skinfw("run", str(folder), "--resume", "-q").output
    assert REFIT_ON_ALL not in said, "the numbers are those of the first networks"

    values = accuracies(folder)
    row = pd.read_csv(folder / "seeds.csv", index_col="number").loc["accuracy"]
    assert row[["seed-1", "seed-2"]].tolist() == pytest.approx(values, abs=1e-6)
    assert row["mean"] == pytest.approx(np.mean(values), abs=1e-6)
    assert row["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
    assert row["low"] < row["mean"] < row["high"]
    summary = json.loads((folder / "seeds.json").read_text())["summary"]
    assert summary["numbers"]["accuracy"]["values"] == pytest.approx(values)
    assert not summary["one_division"]
    assert (folder / "told.txt").read_text() == f"tiny {np.mean(values):.4f}"

    other = shutil.copytree(folder, there / "b")
    always_melanoma(other)
    words = ("--number", "accuracy", "--replicates", "100")
    said = skinfw("compare", str(folder), "b", *words).output
    assert "between seeds" in said and ("holds" in said or "not shown" in said)
    table = pd.read_csv("comparison/comparison.csv")
    expected = np.mean(accuracies(other)) - np.mean(values)
    assert table["difference"][1] == pytest.approx(expected, abs=1e-6)
    assert table["deviation"][0] == pytest.approx(row["deviation"], abs=1e-6)
    single = skinfw("compare", str(folder), "b/seed-1", code=2).output
    assert "a single run cannot be compared with several seeds" in single


def test_what_seeds_cannot_be_together_with_is_refused(there: Path) -> None:
    own = skinfw("run", "tiny.toml", "--seeds", "2", "--set", "seed=7", code=2).output
    assert "--seeds sets the seed" in own
    assert "leave the other option out" in skinfw(
        "run", "tiny.toml", "--seeds", "2", "--locked", code=2
    ).output  # fmt: skip
    assert not (there / "runs").exists()


@pytest.mark.slow
def test_a_division_that_is_fixed_is_said(there: Path) -> None:
    said = skinfw("run", "tiny.toml", "--seeds", "2", *SETS, "--set", "split.seed=3").output
    assert said.count("note: all seeds have the same division") == 2
    (folder,) = (there / "runs").iterdir()
    divisions = [(folder / f"seed-{seed}" / "splits.csv").read_text() for seed in (1, 2)]
    assert divisions[0] == divisions[1]
    assert json.loads((folder / "seeds.json").read_text())["summary"]["one_division"]
