"""A second training on more images: whose numbers are whose, and that it goes on after a stop."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from support import TINY, TINY_BACKBONE

from skinfw import hookimpl
from skinfw.data.table import run_marks, split_data
from skinfw.errors import RecipeError, SkinfwError
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.plan import load_plan
from skinfw.workflows.refit import open_refit, refit_rows
from skinfw.workflows.run import execute_run, open_run
from skinfw.workflows.run_folder import RunFolder

QUICK = (
    "explainer=[]", "evaluate.replicates=0", "train.ema=0.9", "train.select=val_loss",
    "optimizer.lr=0.02",
    'schedule.use="one-cycle"',
)  # fmt: skip
NUMBERS = ("best.safetensors", "predictions.csv", "predictions_val.csv", "metrics.json")


class Epochs:
    """Keep what each epoch shows, and press Ctrl-C after some batches."""

    def __init__(self, batches: int = -1) -> None:
        self.left, self.images = batches, list[int]()

    @hookimpl
    def epoch_start(self, images: int) -> None:
        self.images.append(images)

    @hookimpl
    def step_end(self, step: int) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("refit")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "tiny.toml").write_text(TINY)
    return place


def start(place: Path, *sets: str, listener: object = None) -> tuple[Any, RunFolder]:
    plan = load_plan(place / "tiny.toml", (*QUICK, *sets))
    folder = RunFolder.create(place / "runs", plan)
    return execute_run(plan, folder, lambda _: None, [listener] if listener else []), folder


@pytest.fixture(scope="module")
def whole(place: Path) -> tuple[Path, Epochs]:
    """A run with a refit, and what each of its epochs showed."""
    epochs = Epochs()
    result, folder = start(place, "train.refit=train+val", listener=epochs)
    assert result.best_epoch == 2
    return folder.path, epochs


def same(one: Path, other: Path, *names: str) -> bool:
    for name in names:
        if name.endswith(".safetensors"):
            own, its = load_file(one / name), load_file(other / name)
            if not all(torch.equal(own[key], its[key]) for key in own):
                return False
        elif (one / name).read_bytes() != (other / name).read_bytes():
            return False
    return True


def record(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text()))


def copy(run: Path, place: Path) -> Path:
    return Path(shutil.copytree(run, place / "copy"))


def test_a_refit_learns_all_that_it_should(whole: tuple[Path, Epochs]) -> None:
    run, epochs = whole
    splits = pd.read_csv(run / "splits.csv")
    learned = splits[splits["part"].isin(["train", "val"])]
    about = record(run)["refit"]
    assert about["images"] == len(learned) and about["lesions"] == learned["lesion"].nunique()
    assert about["class_counts"] == learned["label"].value_counts().to_dict()
    assert (about["epochs"], about["weights"]) == (2, "refit.safetensors")
    assert epochs.images == [int((splits["part"] == "train").sum())] * 2 + [len(learned)] * 2
    assert len(pd.read_csv(run / "history.csv")) == 2  # reports hear of the first training alone


def test_a_refit_that_comes_later_and_is_stopped_is_the_same(
    place: Path, whole: tuple[Path, Epochs]
) -> None:
    run, _ = whole
    _, folder = start(place)
    assert same(run, folder.path, *NUMBERS) and "refit" not in record(folder.path)
    plan = load_plan(folder.path, ["train.refit=train+val"])
    opened = open_refit(folder.path, plan)
    stop = Epochs(3)
    assert execute_run(plan, opened, lambda _: None, [stop], resume=True) is None
    assert len(stop.images) == 1  # nothing of the first training again
    check_resumed(run, folder.path)
    lock = json.loads((folder.path / "recipe.lock").read_text())
    assert lock["recipe"] == record(folder.path)["recipe"] == record(run)["recipe"]
    with pytest.raises(SkinfwError, match="already"):
        open_refit(folder.path, plan)


@pytest.mark.slow
def test_a_run_that_was_stopped_in_its_refit_goes_on_as_if_it_had_not(
    place: Path, whole: tuple[Path, Epochs]
) -> None:
    batches = 2 * 5 + 3  # of the first training, and of the refit
    nothing, folder = start(place, "train.refit=train+val", listener=Epochs(batches))
    assert nothing is None
    check_resumed(whole[0], folder.path)


def check_resumed(straight: Path, stopped: Path) -> None:
    """Go on with a run that was stopped in its refit, and compare it with one that was not."""
    assert record(stopped)["status"] == "stopped" and "weights" not in record(stopped)["refit"]
    assert not (stopped / "refit.safetensors").exists()
    assert load_trained_model(stopped).network == "best"
    assert execute_run(load_plan(stopped), open_run(stopped), print, resume=True)
    assert same(straight, stopped, *NUMBERS, "refit.safetensors")
    assert record(stopped)["refit"] == record(straight)["refit"]


def test_the_refit_answers_unless_the_first_network_is_named(
    whole: tuple[Path, Epochs], tmp_path: Path
) -> None:
    run = copy(whole[0], tmp_path)
    model, first = load_trained_model(run), load_trained_model(run, network="best")
    assert model.weights.name == "refit.safetensors" and first.weights.name == "best.safetensors"
    assert model.learned == first.learned == ("train", "val")
    splits = pd.read_csv(run / "splits.csv")
    for own, parts in ((model, ["train", "val"]), (first, ["train"])):
        counts = splits.loc[splits["part"].isin(parts), "label"].value_counts()
        assert own.counts == tuple(counts[name] for name in own.classes)
    assert any("numbers of the run are those of its first" in mark for mark in model.marks)
    assert first.marks == tuple(record(run)["marks"])
    (run / "refit.safetensors").unlink()
    with pytest.raises(SkinfwError, match="weights of the refit are not there"):
        load_trained_model(run)
    load_trained_model(run, network="best")
    strange = record(run)
    strange["refit"]["on"] = "everything"
    (run / "run.json").write_text(json.dumps(strange))
    with pytest.raises(RecipeError, match=r"refit\.on"):
        load_trained_model(run)


def test_what_cannot_be_refitted_is_refused_and_stays_as_it_is(
    whole: tuple[Path, Epochs], tmp_path: Path
) -> None:
    run = copy(whole[0], tmp_path)
    before = (run / "run.json").read_bytes()
    with pytest.raises(SkinfwError, match="divided otherwise"):
        open_refit(run, load_plan(run, ["train.refit=all", "split.seed=9"]))
    for state in (run / "last").glob("*.pt"):
        state.unlink()
    with pytest.raises(SkinfwError, match="its last state is not there"):
        open_refit(run, load_plan(run, ["train.refit=all"]))
    assert (run / "run.json").read_bytes() == before and (run / "refit.safetensors").is_file()
    stopped = {key: own for key, own in record(run).items() if key != "refit"}
    (run / "run.json").write_text(json.dumps({**stopped, "status": "stopped"}))
    with pytest.raises(SkinfwError, match="not chosen yet"):
        open_refit(run, load_plan(run, ["train.refit=all"]))
    with pytest.raises(SkinfwError, match="the run has no refit") as error:
        load_trained_model(run, network="refit")
    assert "skinfw refit" in error.value.cure


def test_a_refit_takes_the_parts_that_it_names(place: Path) -> None:
    rows = pd.DataFrame({"part": ["train", "val", "test", "train"]})
    for on, parts in (("train+val", ["train", "train", "test", "train"]), ("all", ["train"] * 4)):
        plan = load_plan(place / "tiny.toml", [f"train.refit={on}"])
        assert refit_rows(plan, rows)["part"].tolist() == parts
        left = any("no test part is left" in mark for mark in run_marks(plan, split_data(plan)))
        assert left == (on == "all")
    with pytest.raises(SkinfwError, match="would learn nothing new"):
        refit_rows(load_plan(place / "tiny.toml", ["train.refit=train+val"]), rows[rows != "val"])
