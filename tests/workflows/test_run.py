"""What a user relies on when a recipe runs."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from skinfw import hookimpl
from skinfw.errors import SkinfwError
from skinfw.recipe.plan import load_plan
from skinfw.recipe.settings import ImageSettings
from skinfw.training.trainer import best_epoch
from skinfw.workflows.run import execute_run, open_run
from skinfw.workflows.run_folder import RunFolder

Train = Callable[..., Any]
ALL_REPORTS = (
    'report=[{use="history"}, {use="confusion-matrix"}, {use="curves"}, {use="explanations"}]'
)


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    return torch.load(folder.path / "last" / "state.pt", weights_only=True)["model"]


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def numbers(history: Any) -> list[str]:
    """Return a history without what depends on the clock, as text, in which NaN equals NaN."""
    clock = ("seconds", "images_per_second")
    return [repr({k: v for k, v in row.items() if k not in clock}) for row in history]


def test_a_run_leaves_everything_in_its_folder(train: Train) -> None:
    result, folder = train(ALL_REPORTS)
    record = json.loads((folder.path / "run.json").read_text())
    assert record["status"] == "done"
    assert record["results"]["test"]["balanced_accuracy"] == pytest.approx(
        result.metrics["test"]["balanced_accuracy"]
    )
    assert record["recipe"]["optimizer"]["use"] == "adamw"
    assert record["recipe"]["train"]["select"] == "balanced_accuracy"
    assert {"skinfw", "torch"} <= record["versions"].keys()
    for name in (
        "splits.csv",
        "history.csv",
        "predictions.csv",
        "metrics.json",
        "intervals.json",
        "best.safetensors",
        "confusion_matrix.png",
        "curves.png",
        "explanations/grad-cam-predicted.png",
    ):
        assert (folder.path / name).stat().st_size > 0, name
    assert not list(folder.path.rglob("*.partial"))
    history = pd.read_csv(folder.path / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    predictions = pd.read_csv(folder.path / "predictions.csv")
    assert list(predictions.columns) == ["id", "true", "predicted", *result.classes, "path"]
    chances = predictions[list(result.classes)].to_numpy()
    assert chances.sum(1) == pytest.approx(np.ones(len(chances)))
    assert (np.array(result.classes)[chances.argmax(1)] == predictions["predicted"]).all()
    splits = pd.read_csv(folder.path / "splits.csv")
    assert set(predictions["id"]) == set(splits.loc[splits["part"] == "test", "id"])
    assert splits.groupby("lesion")["part"].nunique().max() == 1


def test_every_number_has_its_interval_once_the_training_is_done(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skinfw.evaluation import numbers as evaluation

    resampled: list[int] = []
    estimate = evaluation.confidence_intervals
    monkeypatch.setattr(
        evaluation,
        "confidence_intervals",
        lambda *words: resampled.append(len(words[1].ids)) or estimate(*words),
    )
    result, folder = train("evaluate.replicates=50")
    kept = json.loads((folder.path / "intervals.json").read_text())
    assert kept["replicates"] == 50 and kept["level"] == 0.95
    for part in ("val", "test"):
        intervals = result.intervals[part]
        assert intervals.keys() == result.metrics[part].keys() == kept["parts"][part][
            "intervals"].keys()  # fmt: skip
        assert kept["parts"][part]["few_lesions"].keys() <= set(result.classes)
        low, high = intervals["balanced_accuracy"]
        assert low <= result.metrics[part]["balanced_accuracy"] <= high
        assert kept["parts"][part]["intervals"]["balanced_accuracy"] == [low, high]
    assert len(resampled) == 2 * len(load_plan(Path("tiny.toml")).components.metric)
    resampled.clear()
    without, folder = train("evaluate.replicates=0", "train.epochs=1")
    assert not resampled and not without.intervals
    assert not (folder.path / "intervals.json").exists()


def test_the_same_recipe_gives_the_same_numbers(train: Train) -> None:
    first, one = train()
    second, two = train()
    assert equal(weights(one), weights(two))
    assert numbers(first.history) == numbers(second.history)
    assert repr(first.intervals) == repr(second.intervals)


def test_another_seed_gives_another_split_and_other_weights(train: Train) -> None:
    _, one = train()
    _, two = train("seed=7")
    assert one.record["split_hash"] != two.record["split_hash"]
    assert not equal(weights(one), weights(two))


def test_adding_an_augmentation_does_not_reshuffle_the_split_or_the_draw(train: Train) -> None:
    _, one = train("train.limit_batches=1")
    _, two = train("train.limit_batches=1", 'augment.0.use="colour-jitter"', 'view.use="center"',
                   "augment=[]")  # fmt: skip
    assert one.record["split_hash"] == two.record["split_hash"]
    assert one.record["draw_hash"] == two.record["draw_hash"]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_worker_count_changes_no_number(train: Train, workers: int) -> None:
    alone, one = train("train.epochs=1")
    helped, two = train("train.epochs=1", f"engine.workers={workers}")
    assert equal(weights(one), weights(two))
    assert numbers(alone.history) == numbers(helped.history)


def write_archive(folder: Path) -> str:
    from skinfw_synthetic.dataset import Synthetic
    from skinfw_synthetic.export import write

    list(write(Synthetic(images=60, size=64), folder))
    return f"dataset={{use='isic2019', root='{folder}'}}"


def test_the_cache_changes_no_number(train: Train, tmp_path: Path) -> None:
    files = write_archive(tmp_path / "archive")
    said: list[str] = []
    cached, one = train("train.epochs=1", files, said=said)
    assert any("60 images are decoded once" in line for line in said)
    decoded, two = train("train.epochs=1", files, "engine.cache=false", said=said[:])
    assert equal(weights(one), weights(two))
    assert numbers(cached.history) == numbers(decoded.history)


def test_a_quick_look_fills_no_cache(train: Train, tmp_path: Path) -> None:
    said: list[str] = []
    train("train.limit_batches=1", write_archive(tmp_path / "archive"), said=said)
    assert not any("decoded once" in line for line in said)


def test_training_may_grow_its_images(train: Train) -> None:
    _, grown = train("image.train_sizes=[32,40,48]", "train.epochs=3")
    _, plain = train("train.epochs=3")
    assert not equal(weights(grown), weights(plain))
    settings = ImageSettings(size=64, train_sizes=(32, 48))
    assert [settings.train_size(epoch, 5) for epoch in range(1, 6)] == [32, 32, 32, 48, 48]
    assert ImageSettings(size=64).train_size(1, 5) == 64


class StopAfter:
    """Press Ctrl-C after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    @hookimpl
    def step_end(self, step: int) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


OPTIONS = {
    "plain": [],
    "average and accumulation": ["train.ema=0.9", "train.accumulate=2", "train.clip_norm=0.5"],
    "one-cycle": ['schedule.use="one-cycle"', 'optimizer.use="sgd"'],
    "by features": [
        'sampler.use="kmeans-hybrid"',
        "sampler.at_most={NV=12}",
        'sampler.features="backbone"',
        "sampler.clusters=3",
    ],
    "drop-block and mixup": [
        'modify=[{use="drop-block", after=["0"], block=3}]',
        'mix={use="mixup"}',
    ],
    "weights averaged over epochs": [
        "train.swa=0.7",
        'schedule.use="constant"',
        'loss={use="ghm-c", momentum=0.75}',
    ],
    "redrawn": ['sampler.use="kmeans-hybrid"', "sampler.exactly={NV=12}", "sampler.clusters=3"],
}


# An epoch has five batches: in the first, at its end, and in the second.
SHORT = ("plain", "average and accumulation")
LONG = [("plain", 3), ("plain", 8), ("weights averaged over epochs", 10)]
LONG += [(name, 5) for name in OPTIONS if name not in (*SHORT, "weights averaged over epochs")]
STOPS = [
    *((name, 5) for name in SHORT),
    *(pytest.param(*stop, marks=pytest.mark.slow) for stop in LONG),
]


@pytest.mark.parametrize(("name", "batches"), STOPS)
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(
    train: Train, name: str, batches: int
) -> None:
    options = OPTIONS[name]
    whole, straight = train("train.epochs=3", *options)
    nothing, stopped = train("train.epochs=3", *options, listeners=(StopAfter(batches),))
    assert nothing is None and stopped.record["status"] == "stopped"
    again = open_run(stopped.path)
    resumed = execute_run(load_plan(stopped.path), again, print, resume=True)
    assert resumed is not None and again.record["status"] == "done"
    assert numbers(resumed.history) == numbers(whole.history)
    assert equal(weights(straight), weights(again))
    assert equal(
        load_file(straight.path / "best.safetensors"), load_file(again.path / "best.safetensors")
    )
    assert len(pd.read_csv(again.path / "history.csv")) == 3


def test_a_run_whose_data_changed_cannot_go_on(train: Train) -> None:
    _, folder = train("train.epochs=3", listeners=(StopAfter(3),))
    record = json.loads((folder.path / "run.json").read_text())
    record["recipe"]["dataset"]["seed"] = 5
    (folder.path / "run.json").write_text(json.dumps(record))
    with pytest.raises(SkinfwError, match="cannot go on") as error:
        execute_run(load_plan(folder.path), open_run(folder.path), print, resume=True)
    assert "start a new run" in error.value.cure
    assert len(pd.read_csv(folder.path / "splits.csv")) == 80


def test_a_run_that_saved_nothing_starts_over_in_its_folder(train: Train) -> None:
    _, folder = train("train.epochs=1", listeners=(StopAfter(1),))
    for state in (folder.path / "last").iterdir():
        state.unlink()
    said: list[str] = []
    again = open_run(folder.path)
    result = execute_run(load_plan(folder.path), again, said.append, resume=True)
    assert result is not None and any("starting from its first epoch" in line for line in said)


def test_explained_images_are_those_that_were_predicted(train: Train) -> None:
    result, _ = train("train.limit_eval_batches=1", "train.batch_size=4", "train.epochs=1")
    (plan,) = result.explanations
    assert set(plan.predictions.ids) <= set(result.predictions["test"].ids)
    whole = dict(zip(result.predictions["test"].ids, result.predictions["test"].true, strict=True))
    dataset = load_plan(Path("tiny.toml")).dataset
    from skinfw.data.warping import apply_steps, fold_steps
    from skinfw_augment.views import Center

    for name, true, image in zip(
        plan.predictions.ids, plan.predictions.true, plan.images, strict=True
    ):
        assert whole[name] == true
        original = dataset.image(name)
        (steps,) = Center(32).plan(original.shape[:2])
        assert (apply_steps(original, fold_steps(steps)) == image).all()


def test_a_backbone_is_tried_before_training(train: Train, tiny: Path) -> None:
    (tiny.parent / "bad.py").write_text(
        "from torch import nn\n"
        "def wide(classes) -> nn.Module:\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 99))\n"
        "def blind(classes) -> nn.Module:\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(3072, len(classes)))\n"
    )
    with pytest.raises(SkinfwError, match=r"returns a tensor of float32 \[1, 99\] for 1 images"):
        train("backbone.use=./bad.py:wide")
    with pytest.raises(SkinfwError, match="cam_layer"):
        train("backbone.use=./bad.py:blind")


def test_a_component_that_exits_fails_the_run(train: Train, tiny: Path, tmp_path: Path) -> None:
    (tiny.parent / "bad.py").write_text(
        "import sys\nclass Bad:\n    def draw(self, labels, context):\n        sys.exit(0)\n"
    )
    with pytest.raises(SkinfwError, match="SystemExit"):
        train("sampler.use=./bad.py:Bad")
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"


def test_a_hook_that_raises_is_named(train: Train, tiny: Path) -> None:
    (tiny.parent / "bad.py").write_text(
        "from skinfw import hookimpl\nclass Bad:\n    @hookimpl\n"
        "    def epoch_end(self, record):\n        1 / 0\n"
    )
    result, _ = train("track=[{use='./bad.py:Bad'}]")
    (failure,) = result.failures
    assert "track" in failure.error.what and "bad.py:5" in failure.error.why


def test_a_damaged_image_is_named_with_and_without_workers(train: Train, tiny: Path) -> None:
    (tiny.parent / "data.py").write_text(
        "from skinfw_synthetic.dataset import Synthetic\n"
        "class Data(Synthetic):\n"
        "    def __init__(self):\n        super().__init__(images=80, size=64)\n"
        "    def image(self, path):\n        raise ValueError('broken ' + path)\n"
    )
    for workers in (0, 1):
        with pytest.raises(SkinfwError, match="broken SYN_") as error:
            train("dataset.use=./data.py:Data", f"engine.workers={workers}")
        assert 'dataset "Data"' in str(error.value)


def test_a_finished_run_cannot_be_resumed(train: Train) -> None:
    _, folder = train("train.epochs=1")
    with pytest.raises(SkinfwError, match="nothing to resume"):
        open_run(folder.path)


def test_a_run_folder_repeats_the_run_and_says_what_differs(train: Train) -> None:
    first, folder = train("train.epochs=1")
    repeated = load_plan(folder.path)
    said: list[str] = []
    new = RunFolder.create(folder.path.parent, repeated)
    second = execute_run(repeated, new, said.append)
    assert second is not None and numbers(first.history) == numbers(second.history)
    assert any("nothing that decides the numbers has changed" in line for line in said)
    old = json.loads((folder.path / "run.json").read_text())
    old["versions"]["torch"] = "1.5.1"
    old["split_hash"] = "0"
    (folder.path / "run.json").write_text(json.dumps(old))
    changed = load_plan(folder.path)
    execute_run(changed, RunFolder.create(folder.path.parent, changed), said.append)
    assert any("torch: 1.5.1 then" in line for line in said)
    assert any("split hash: differs" in line for line in said)


def test_accumulation_equals_the_larger_batch(train: Train, tiny: Path) -> None:
    """Without batch statistics and dropout, two halves make one whole."""
    (tiny.parent / "flat.py").write_text(
        "from torch import nn\n"
        "def flat(classes) -> nn.Module:\n"
        "    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(48, len(classes)))\n"
    )
    common = [
        "backbone.use=./flat.py:flat",
        "train.epochs=1",
        'optimizer.use="sgd"',
        "explainer=[]",
    ]
    _, whole = train(*common, "train.batch_size=16")
    _, halves = train(*common, "train.batch_size=8", "train.accumulate=2")
    for name, tensor in weights(whole).items():
        assert torch.allclose(tensor, weights(halves)[name], atol=1e-6), name


def test_early_stopping_ends_the_run(train: Train) -> None:
    result, _ = train("train.epochs=9", "train.early_stopping=1", "optimizer.lr=1e-12")
    assert len(result.history) == 2 and result.best_epoch == 1


def test_the_best_epoch_is_the_first_of_the_best() -> None:
    rows = [(1, 0.5, 0.9), (2, 0.7, 0.4), (3, 0.7, 0.6), (4, float("nan"), float("nan"))]
    history = [{"epoch": e, "balanced_accuracy": b, "val_loss": v} for e, b, v in rows]
    assert best_epoch(history, "balanced_accuracy") == 2
    assert best_epoch(history, "val_loss") == 2
    assert best_epoch(history[:1] + history[3:], "val_loss") == 1


def test_the_kept_weights_are_those_of_the_best_epoch(train: Train) -> None:
    result, _folder = train("train.epochs=3")
    record = result.history[result.best_epoch - 1]
    validated = result.metrics["val"]
    assert validated["balanced_accuracy"] == pytest.approx(record["balanced_accuracy"])
    assert result.predictions["val"].loss == pytest.approx(record["val_loss"])


def test_an_unknown_select_is_refused_before_training(train: Train) -> None:
    with pytest.raises(SkinfwError, match="balanced_acuracy") as error:
        train("train.select=balanced_acuracy")
    assert 'did you mean "balanced_accuracy"' in str(error.value)


def test_quick_looks_are_marked(train: Train) -> None:
    result, folder = train("train.limit_batches=1", "train.limit_eval_batches=1")
    assert any("quick look" in mark for mark in folder.record["marks"])
    assert len(result.predictions["test"].ids) <= 16


def test_selection_on_test_and_leaking_lesions_are_marked(train: Train) -> None:
    result, _ = train(
        'split.use="rows"', "split.allow_leakage=true", "train.validation=test", "train.epochs=1"
    )
    assert any("lesions have images in more than one part" in mark for mark in result.marks)
    assert any("chosen on the test part" in mark for mark in result.marks)


def test_a_diverging_run_fails_with_a_cure_and_keeps_its_last_state(
    train: Train, tmp_path: Path
) -> None:
    with pytest.raises(SkinfwError, match="training loss is") as error:
        train('optimizer.use="sgd"', "optimizer.lr=1e30", "train.epochs=4")
    assert "lower optimizer.lr" in error.value.cure
    (folder,) = (tmp_path / "runs").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed" and "training loss" in record["error"]


def test_a_component_that_raises_is_named_with_its_line(train: Train, tiny: Path) -> None:
    (tiny.parent / "bad.py").write_text(
        "class Bad:\n    def draw(self, labels, context):\n        return 1 / 0\n"
    )
    with pytest.raises(SkinfwError) as error:
        train("sampler.use=./bad.py:Bad")
    text = str(error.value)
    assert 'sampler "Bad"' in text and "ZeroDivisionError" in text and "--set sampler.use" in text


def test_synthetic_images_are_marked(train: Train) -> None:
    result, folder = train("train.epochs=1")
    assert "synthetic images, not patients" in result.marks
    assert "synthetic images, not patients" in folder.record["marks"]


def test_augmentation_that_leaves_the_wrong_size_is_refused(train: Train) -> None:
    with pytest.raises(SkinfwError, match=r"not at image\.size 32"):
        train('augment=[{use = "flip"}]')


def test_bf16_trains_on_a_cpu_when_asked(train: Train) -> None:
    result, folder = train("engine.precision=bf16", "train.epochs=1")
    assert folder.record["hardware"]["precision"] == "bf16"
    assert np.isfinite(result.history[0]["train_loss"])


def test_a_device_that_is_absent_is_refused(train: Train) -> None:
    absent = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(SkinfwError, match="does not have"):
        train(f"engine.device={absent}")


def test_class_weights_reach_the_loss(train: Train) -> None:
    plain, _ = train("train.epochs=1")
    weighted, _ = train("train.epochs=1", 'weighting.use="inverse-frequency"')
    assert plain.history[0]["train_loss"] != weighted.history[0]["train_loss"]
