"""`skinfw sweep`: what is tried, that each trial is carried out once, and what comes of all."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support import ONE_EPOCH, Run

from skinfw import RecipeError, SkinfwError, Task, TaskEnd
from skinfw.toolkit import Detail, Plan, RunFolder, launch_tasks, load_plan
from skinfw_sweep import pruning, search
from skinfw_sweep import trial as trials
from skinfw_sweep.definition import read_definition
from skinfw_sweep.importance import importances
from skinfw_sweep.pruning import is_hopeless
from skinfw_sweep.results import pareto_front, summarize, write_results
from skinfw_sweep.study import Study, create_study, open_study
from skinfw_sweep.trial import run_trial
from skinfw_sweep.workers import TrialQueue, trial_task

BASE = '[dataset]\nuse = "synthetic"\nimages = 80\nsize = 64\n'
SEARCH = """
extends = "tiny.toml"
[sweep]
method = "tpe"
trials = 9
parallel = 3
[sweep.space]
"optimizer.lr" = { low = 1e-4, high = 1e-1, log = true }
"backbone.width" = { low = 2, high = 32 }
"train.ema" = [0.0, 0.9]
"""
FEW = SEARCH.replace("tpe", "random").replace("trials = 9", "trials = 5")


@pytest.fixture
def begin(tiny: Path) -> Callable[..., Study]:
    """Return what makes the folder of a sweep of a text, with `--set` keys."""
    tiny.write_text(BASE + ONE_EPOCH)

    def make(text: str, *sets: str) -> Study:
        file = tiny.parent / "my-sweep.toml"
        file.write_text(text)
        definition, plan = read_definition(file, sets, None)
        return create_study(tiny.parent / f"runs-{random.random()}", definition, plan)

    return make


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let runs come to numbers of their settings without training; returns who has run."""
    ran: list[int] = []

    def run(
        plan: Plan, folder: RunFolder, resume: bool, detail: Detail | None,
        listeners: Sequence[Any] = (),
    ) -> bool:  # fmt: skip
        ran.append(folder.record["lineage"]["value"])
        recipe = folder.record["recipe"]
        worth = -abs(math.log10(recipe["optimizer"]["lr"]) + 2) + 0.3 * (recipe["train"]["ema"] > 0)
        history = [
            {"epoch": epoch, "val_loss": -worth, "balanced_accuracy": worth - 1 / epoch,
             "accuracy": -worth}
            for epoch in range(1, plan.train.epochs + 1)
        ]  # fmt: skip
        with folder.hold():
            folder.begin()
            try:
                for record in history:
                    for one in listeners:
                        one.epoch_end(record=record)
            except KeyboardInterrupt:
                folder.finish("stopped")
                return False
            result = SimpleNamespace(
                history=history, best_epoch=len(history), metrics={"val": history[-1]}, intervals={}
            )
            for one in listeners:
                one.run_end(result=result)
            folder.finish("done")
        return True

    monkeypatch.setattr(trials, "run_with_progress", run)
    return ran


def carry_out(study: Study) -> list[Any]:
    queue = TrialQueue(study)
    for number in queue:
        run_trial(study, number)
        queue.end(number)
    return what_came(study)


def what_came(study: Study) -> list[Any]:
    return [(own.values, own.state, own.epochs, own.objectives) for own in study.trials()]


def test_all_problems_come_at_once_with_their_lines(tiny: Path) -> None:
    tiny.write_text(BASE + ONE_EPOCH)
    file = tiny.parent / "wrong.toml"
    file.write_text("""extends = "tiny.toml"
[sweep]
method = "tpe"
trails = 6
objectives = ["balanced_acuracy"]
[sweep.space]
optimizer.lr = { low = 1e-4, high = 1e-1, lag = true }
backbone.widht = [4, 8]
loss.label_smoothing = { low = 0, high = 1 }
train.validation = ["val", "test"]
sampler = [
  { use = "kmeans-hybird" },
  { use = "power", q = 2.5 },
]
""")
    with pytest.raises(RecipeError) as raised:
        read_definition(file, (), None)
    said = [(one.where.split()[0].rpartition(":")[2], one.what) for one in raised.value.problems]
    assert said == [
        ("4", "sweep.trails is not a known key; did you mean \"trials\"?"),
        ("5", 'sweep.objectives names no number: "balanced_acuracy"; did you mean '
              '"balanced_accuracy"?'),
        ("7", "optimizer.lr cannot be tried like this"),
        ("8", 'backbone.widht is not a known key; did you mean "width"?'),
        ("9", "loss.label_smoothing must be a number in [0, 1), not 1"),
        ("9", "loss.label_smoothing takes numbers, and its range has whole ones alone"),
        ("10", "train.validation cannot be tried like this"),
        ("12", 'no sampler is called "kmeans-hybird"'),
        ("13", "sampler.q must be a number in [-2, 1], not 2.5"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[sweep.space]\n"train.ema" = { low = 0.1, high = 0.5 }', "train.ema is a range"),
        ("[sweep]", "the sweep tries nothing"),
        ("[sweep]\nfolds = true", "sweep.folds needs a split with folds"),
        ('[sweep]\nmethod="random"\n[sweep.space]\n"train.ema" = { low = 0, high = 1 }', "must be"),
        ('[sweep]\nmethod="random"\n[sweep.space]\n"optimizer.lr" = { low = 1, high = 2 }',
         "optimizer.lr takes numbers, and its range has whole ones alone"),
        ('[sweep]\nmethod="random"\nseeds=2\n[sweep.space]\n"train.ema" = [0.1, 0.5]',
         "a search takes no seeds and no folds"),
        ('[train]\nvalidation = "test"\n[sweep]\nseeds = 2', "a sweep chooses by validation"),
    ],
)  # fmt: skip
def test_what_makes_no_sweep_is_refused(tiny: Path, text: str, what: str) -> None:
    tiny.write_text(BASE + ONE_EPOCH)
    file = tiny.parent / "wrong.toml"
    file.write_text(f'extends = "tiny.toml"\n{text}\n')
    with pytest.raises(RecipeError) as raised:
        read_definition(file, (), None)
    assert any(what in one.what for one in raised.value.problems)


def test_a_grid_multiplies_a_list_its_space_and_seeds(begin: Callable[..., Study]) -> None:
    study = begin("""
extends = "tiny.toml"
[sweep]
seeds = 2
[[sweep.trial]]
"optimizer.lr" = 0.1
[[sweep.trial]]
loss = { use = "focal", gamma = 3.0 }
[sweep.space]
"train.ema" = [0.0, 0.5]
""")
    focal = {"use": "focal", "gamma": 3.0}
    assert study.grid == [
        {**first, "train.ema": ema, "seed": seed}
        for first in ({"optimizer.lr": 0.1}, {"loss": focal})
        for ema in (0.0, 0.5)
        for seed in (1, 2)
    ]
    recipe = study.plan_of(study.grid[7]).resolved()
    assert recipe["loss"]["use"] == "focal" and recipe["loss"]["gamma"] == 3.0
    assert recipe["seed"] == 2 and recipe["train"]["ema"] == 0.5


@pytest.mark.usefixtures("no_training")
def test_a_search_is_the_same_however_its_workers_die(
    begin: Callable[..., Study], no_training: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna", reason="a search needs Optuna")
    monkeypatch.setattr(search, "STARTING", 3)
    expected = carry_out(begin(SEARCH))
    assert len(expected) == 9 and sorted(no_training) == list(range(9))
    no_training.clear()
    study, dice = begin(SEARCH), random.Random(1)
    queues = [TrialQueue(study), TrialQueue(study)]
    claimed: list[tuple[int, int]] = []
    while len(came := study.trials()) < 9 or any(own.state == "open" for own in came):
        way = dice.random()
        which = dice.randrange(2)
        if way < 0.15:  # the process dies, and with it what it was at; another takes its place
            queues[which].close()
            claimed = [own for own in claimed if own[0] != which]
            queues[which] = TrialQueue(study)
        elif way < 0.6 and (number := queues[which]._take()) is not None:
            assert number not in [own for _, own in claimed]
            claimed.append((which, number))
        elif claimed:  # a trial ends, not in the order of the beginnings
            owner, number = claimed.pop(dice.randrange(len(claimed)))
            if dice.random() < 0.8:
                run_trial(study, number)
            queues[owner].end(number)
    assert what_came(study) == expected
    assert sorted(no_training) == list(range(9))  # none was carried out twice


@pytest.mark.usefixtures("no_training")
def test_a_failed_trial_is_tried_again_unless_later_ones_know_it(
    begin: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begin(SEARCH.replace('method = "tpe"', "prune = 0.5").replace("trials = 9", "")
                  .replace("{ low = 1e-4, high = 1e-1, log = true }", "[0.1, 0.01, 0.001]")
                  .replace("{ low = 2, high = 32 }", "[4, 8]"))  # fmt: skip
    for number in TrialQueue(study):
        if number == 5:
            break
        run = RunFolder.open(study.folder / study.name(number))
        run.finish("failed" if number in (1, 4) else "done")
    assert [own.state for own in study.trials()] == ["done", "failed", "done", "done", "failed",
                                                     "open"]  # fmt: skip
    assert TrialQueue(study)._again == {4}  # trial 1 decides on trial 4, which has begun


def test_a_launcher_asks_again_for_a_trial_that_waits_for_another(tmp_path: Path) -> None:
    first, second = (Task(name, ("run",), tmp_path / name) for name in ("first", "second"))
    ended: list[Task] = []
    left = [first, second]

    class Waiting:
        def __iter__(self) -> Iterator[Task]:
            return self

        def __next__(self) -> Task:
            if not left or (left[0] is second and first not in ended):
                raise StopIteration
            return left.pop(0)

    class Two:
        def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
            waiting, running = iter(tasks), list[Task]()
            while running := [*running, *islice(waiting, 2 - len(running))]:
                yield TaskEnd(running.pop(), 0)

    component: Any = SimpleNamespace(make=Two, guard=lambda _: nullcontext())
    for end in launch_tasks(component, Waiting(), print):
        ended.append(end.task)
    assert ended == [first, second]


def test_hopeless_is_what_optuna_prunes() -> None:
    optuna = pytest.importorskip("optuna", reason="it is the oracle")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(60):
        known = [rng.random(rng.integers(2, 6)).tolist() for _ in range(rng.integers(4, 12))]
        values, share = rng.random(rng.integers(1, 4)).tolist(), float(rng.choice([0.5, 0.75]))
        pruner = optuna.pruners.PercentilePruner(
            100 - 100 * share, n_startup_trials=0, n_warmup_steps=0, n_min_trials=5
        )
        study = optuna.create_study(direction="maximize", pruner=pruner)
        for own in known:
            trial = optuna.trial.create_trial(
                value=own[-1], intermediate_values=dict(enumerate(own, 1))
            )
            study.add_trial(trial)
        asked = study.ask()
        for epoch, value in enumerate(values, 1):
            asked.report(value, epoch)
        answers.append(asked.should_prune())
        assert is_hopeless(values, known, share, 1) == answers[-1]
    assert 5 < sum(answers) < 55


@pytest.mark.slow
def test_pruned_trials_end_early_and_are_told_as_such(
    begin: Callable[..., Study], no_training: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("optuna", reason="a search needs Optuna")
    monkeypatch.setattr(pruning, "FEWEST", 2)
    text = SEARCH.replace("[sweep.space]", "prune = 0.8\n[sweep.space]").replace("tpe", "random")
    study = begin(text.replace("trials = 9", "trials = 7"), "train.epochs=4")
    carry_out(study)
    summary = summarize(study, study.trials())
    pruned = [own for own in summary.settings if own.state == "pruned"]
    assert 1 <= len(pruned) <= 4  # the first ones stop nobody
    assert all(own.epochs < 4 and not own.numbers for own in pruned)
    best = summary.settings[summary.best]
    done = [own.numbers["balanced_accuracy"] for own in summary.settings if own.state == "done"]
    assert best.numbers["balanced_accuracy"] == max(done)
    record = json.loads((study.folder / study.name(pruned[0].trials[0]) / "run.json").read_text())
    assert record["status"] == "stopped" and record["trial"]["pruned"]
    before = list(no_training)
    assert run_trial(study, pruned[0].trials[0]).state == "pruned" and no_training == before


def test_results_are_a_table_a_journal_and_a_recipe_that_runs(
    begin: Callable[..., Study], no_training: list[int]
) -> None:
    optuna = pytest.importorskip("optuna", reason="a search needs Optuna")
    study = begin(FEW.replace("[sweep.space]", 'objectives = ["balanced_accuracy", "val_loss"]'
                                 "\n[sweep.space]"), 'train.refit="train+val"')  # fmt: skip
    carry_out(study)
    write_results(open_study(study.folder, True), study.trials())
    best = max(study.trials(), key=lambda own: own.objectives["balanced_accuracy"])
    plan = load_plan(study.folder / "best.toml")
    assert plan.components.optimizer.arguments["lr"] == best.values["optimizer.lr"]
    assert plan.train.refit == "train+val"
    backend = optuna.storages.journal.JournalFileBackend(str(study.folder / "journal.log"))
    storage = optuna.storages.JournalStorage(backend)
    told = optuna.load_study(study_name=study.folder.name, storage=storage)
    assert [own.values for own in told.trials] == [
        [own.objectives["balanced_accuracy"], own.objectives["val_loss"]] for own in study.trials()
    ]
    assert best.number in [own.number for own in told.best_trials]
    assert len((study.folder / "sweep.csv").read_text().splitlines()) == 6


def test_a_search_without_optuna_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SkinfwError, match="a search needs Optuna") as raised:
        search.check_optuna()
    assert "skinfw[sweep]" in raised.value.cure


def test_a_front_is_what_nobody_dominates() -> None:
    points = np.random.default_rng(3).integers(0, 6, (40, 3)).tolist()
    expected = [
        place for place, own in enumerate(points)
        if not any(all(b >= a for a, b in zip(own, other, strict=True)) and other != own
                   for other in points)
    ]  # fmt: skip
    assert pareto_front(points) == expected and 1 < len(expected) < 40


def test_importance_is_the_share_of_the_variance() -> None:
    rng = np.random.default_rng(5)
    points = rng.random((400, 3))
    points[:, 2] = rng.integers(0, 2, 400)
    values = 3 * points[:, 0] + 1 * points[:, 2]
    # Variances of 3 x and of a coin: 9 / 12 and 1 / 4.
    shares = importances(points, values, [0, 0, 2])
    assert shares == pytest.approx([0.75, 0, 0.25], abs=0.06)
    assert all(math.isnan(one) for one in importances(points[:5], values[:5], [0, 0, 2]))


def test_none_done_is_an_error_with_its_reason(begin: Callable[..., Study]) -> None:
    study = begin('extends = "tiny.toml"\n[sweep]\nseeds = 2\n')
    for number in TrialQueue(study):
        run = RunFolder.open(study.folder / study.name(number))
        run.finish("failed", ValueError("the disk is gone"))
        if number:
            break
    with pytest.raises(SkinfwError, match="none of 2 trials") as raised:
        summarize(study, study.trials())
    assert "the disk is gone" in raised.value.why


def test_a_sweep_of_somebody_else_runs_no_python_file_unseen(
    begin: Callable[..., Study], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("raise RuntimeError('it was imported')")
    study = begin('extends = "tiny.toml"\n[sweep.space]\nloss = ["cross-entropy", "focal"]\n'
                  .replace('"cross-entropy", "focal"',
                           '{ use = "cross-entropy" }, { use = "focal" }'))  # fmt: skip
    file = study.folder / "sweep.json"
    record = json.loads(file.read_text())
    record["axes"][0]["choices"][0] = {"use": f"{mine}:Loss"}
    file.write_text(json.dumps(record))
    assert "--trust" in trial_task(study, 0).words
    unknown = open_study(study.folder, False)
    assert "--trust" not in trial_task(unknown, 0).words  # nor do its workers trust it
    with pytest.raises(SkinfwError, match="not trusted yet") as raised:
        next(TrialQueue(unknown))
    assert "sweep.json" in raised.value.where


def test_files_that_are_tried_lie_beside_the_sweep_and_are_trusted(
    begin: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.py").write_bytes((tmp_path / "tiny.py").read_bytes() + b"# another one\n")
    study = begin("""
extends = "tiny.toml"
[sweep.space]
"backbone" = [{ use = "./tiny.py:tiny" }, { use = "./other.py:tiny" }]
""")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    queue = TrialQueue(open_study(study.folder.resolve(), False))  # as workers open it
    assert list(islice(queue, 2)) == [0, 1]
    queue.close()
    above = tmp_path / "elsewhere" / "above.toml"
    above.write_text('extends = "../my-sweep.toml"\n')
    study = create_study(tmp_path / "runs", *read_definition(above, (), None))
    used = [study.plan_of(values).components.backbone.entry.file for values in study.grid]
    assert used == [tmp_path / "tiny.py", tmp_path / "other.py"]


def test_values_that_look_alike_stay_apart(
    begin: Callable[..., Study], no_training: list[int]
) -> None:
    study = begin("""
extends = "tiny.toml"
[sweep.space]
"optimizer.lr" = [0.00123412, 0.00123413]
"train.ema" = [0.12341, 0.123412]
""")
    carry_out(study)
    summary = summarize(study, study.trials())
    assert len({tuple(own.values.items()) for own in summary.settings}) == 4
    assert len({tuple(own.labels.items()) for own in summary.settings}) == 4
    write_results(study, study.trials())
    assert "0.00123413,0.123412," in (study.folder / "sweep.csv").read_text()
    axis = study.definition.axes[0]
    assert [search._value(axis, search._drawn(axis, own)) for own in axis.choices] == [
        *axis.choices
    ]


def test_one_setting_twice_is_no_second_training(begin: Callable[..., Study]) -> None:
    with pytest.raises(RecipeError, match="set the same") as raised:
        begin('extends = "tiny.toml"\n' + 2 * "[[sweep.trial]]\noptimizer.lr = 0.01\n")
    assert "my-sweep.toml:4" in raised.value.where


def test_two_sweeps_of_one_second_have_two_folders(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinfw_sweep.study.time.strftime", lambda _: "20260101-000000")
    tiny.write_text(BASE + ONE_EPOCH)
    file = tiny.parent / "s.toml"
    file.write_text('extends = "tiny.toml"\n[sweep]\nseeds = 2\n')
    made = [create_study(tiny.parent / "runs", *read_definition(file, (), None)) for _ in "12"]
    assert [own.folder.name for own in made] == [
        "s-sweep-20260101-000000", "s-sweep-20260101-000000-2",
    ]  # fmt: skip


def test_a_folder_and_a_file_mixed_up_are_told_apart(
    begin: Callable[..., Study], skinfw: Run
) -> None:
    study = begin('extends = "tiny.toml"\n[sweep]\nseeds = 2\n')
    ended = skinfw("sweep", str(study.folder))
    assert ended.returncode == 2
    assert f"{study.folder.name} --resume" in ended.stderr
    ended = skinfw("sweep", "my-sweep.toml", "--resume")
    assert ended.returncode == 2 and "no folder of a sweep" in ended.stderr


@pytest.mark.slow
def test_seeds_of_a_setting_count_together(skinfw: Run, tiny: Path) -> None:
    tiny.write_text(BASE + ONE_EPOCH)
    tiny.with_name("s.toml").write_text("""
extends = "tiny.toml"
[sweep]
seeds = 2
""")
    done = skinfw("sweep", "s.toml", "--quiet")
    assert done.returncode == 0, done.stderr
    (study,) = (tiny.parent / "runs").iterdir()
    records = [json.loads((study / f"trial-000{own}" / "run.json").read_text()) for own in (0, 1)]
    assert [own["recipe"]["seed"] for own in records] == [1, 2]
    assert records[1]["lineage"] == {
        "study": study.name, "word": "trial", "value": 1, "count": 2,
    }  # fmt: skip
    values = [own["results"]["val"]["balanced_accuracy"] for own in records]
    head, row = ((study / "sweep.csv").read_text()).splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))
    assert float(cells["balanced_accuracy"]) == pytest.approx(np.mean(values), abs=1e-6)
    assert float(cells["balanced_accuracy low"]) < np.mean(values)
    again = skinfw("sweep", str(study), "--resume", "--quiet")
    assert again.returncode == 0 and "trial 0 of 2" not in again.stdout  # nothing was left to do
    assert "trials 0, 1" in again.stdout
