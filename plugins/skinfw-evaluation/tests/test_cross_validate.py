"""`skinfw cross-validate`: every image is tested once, and nothing is lost on the way."""

import json
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from support import TINY, TINY_BACKBONE

from skinfw.cli import main
from skinfw.training.trainer import Trainer

SETS = [
    "--set", 'split={use="kfold", folds=3}', "--set", "train.epochs=1", "--set", "explainer=[]",
    "--set", 'report=[]', "--set", "dataset.images=64",
]  # fmt: skip


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def skinfw(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_cross_validation_stops_goes_on_and_evaluates_every_image_once(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch, trained = Trainer._epoch, []

    def stops_once(self: Trainer, stop: Any) -> bool:
        trained.append(self.weights.parent.name)
        if trained == ["fold-0", "fold-1"]:
            signal.raise_signal(signal.SIGINT)
        return epoch(self, stop)

    monkeypatch.setattr(Trainer, "_epoch", stops_once)
    first = skinfw("cross-validate", "tiny.toml", *SETS)
    assert first.exit_code == 130 and "--resume" in first.output
    (folder,) = (there / "runs").iterdir()
    second = skinfw("cross-validate", str(folder), "--resume")
    assert second.exit_code == 0, second.output
    assert trained == ["fold-0", "fold-1", "fold-1", "fold-2"], "fold 0 is not trained again"
    assert "all folds together" in second.output and "95 % interval" in second.output
    evaluated = pd.read_csv(folder / "predictions.csv")
    assert evaluated["id"].is_unique and len(evaluated) == 64
    record = json.loads((folder / "metrics.json").read_text())
    right = (evaluated["true"] == evaluated["predicted"]).mean()
    assert record["test"]["accuracy"] == pytest.approx(right)
    folds = [pd.read_csv(folder / f"fold-{n}" / "predictions.csv") for n in range(3)]
    shares = [(one["true"] == one["predicted"]).mean() for one in folds]
    assert [one["accuracy"] for one in record["folds"]] == pytest.approx(shares)
    lesions = [set(pd.read_csv(folder / "splits.csv").set_index("id").loc[one["id"], "lesion"])
               for one in folds]  # fmt: skip
    assert not lesions[0] & lesions[1] and not lesions[1] & lesions[2]


@pytest.mark.slow
def test_all_folds_have_the_batch_size_that_auto_came_to_in_the_first(there: Path) -> None:
    result = skinfw("cross-validate", "tiny.toml", *SETS, "--set", "train.batch_size=auto")
    assert result.exit_code == 0, result.output
    (folder,) = (there / "runs").iterdir()
    records = [json.loads((folder / f"fold-{n}" / "run.json").read_text()) for n in range(3)]
    (size,) = {own["recipe"]["train"]["batch_size"] for own in records}
    assert isinstance(size, int)


@pytest.mark.slow
def test_a_recipe_that_changed_on_the_way_is_refused(there: Path) -> None:
    assert skinfw("cross-validate", "tiny.toml", *SETS).exit_code == 0
    (folder,) = (there / "runs").iterdir()
    recipe = there / "tiny.toml"
    recipe.write_text(recipe.read_text().replace("batch_size = 8", "batch_size = 4"))
    result = skinfw("cross-validate", str(folder), "--resume")
    assert result.exit_code == 1 and "changed since the first fold" in result.output
    assert "train" in result.output


@pytest.mark.slow
def test_a_shipped_recipe_goes_on_by_its_name_and_quiet_leaves_the_last_lines(there: Path) -> None:
    small = ["--set", 'backbone={use="./tiny.py:tiny"}', "--set", "image.size=32", "-q"]
    done = skinfw("cross-validate", "quickstart", *SETS, *small)
    assert done.exit_code == 0, done.output
    assert "epoch 1/1" not in done.output and "run folder" not in done.output
    assert done.output.count("synthetic · tiny.py:tiny · best epoch 1 · ") == 3
    together = done.output[done.output.index("all folds together") :]
    assert together.count("\ntest  ") == 4 and "test  64 images" in together
    (folder,) = (there / "runs").iterdir()
    again = skinfw("cross-validate", str(folder), "--resume", "--verbose")
    assert again.exit_code == 0, again.output
    assert again.output.count("\ntest  ") > 4 and "best epoch" not in again.output


def test_a_split_without_folds_is_refused(there: Path) -> None:
    result = skinfw("cross-validate", "tiny.toml")
    assert result.exit_code == 2 and "has no folds" in result.output and "kfold" in result.output
