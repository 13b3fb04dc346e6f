"""What a sweep came to: the table, the page, the best recipe, and a journal for Optuna."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skinfw import (
    SkinfwError,
    SweepAxis,
    SweepReport,
    SweepSetting,
    SweepSummary,
    atomic_write,
    write_csv,
)
from skinfw.toolkit import (
    Catalog,
    applicable_metrics,
    as_toml,
    build_components,
    changed_recipe,
    display_path,
    load_recipe,
    make_plan,
    measure_seeds,
    number_cell,
    read_json,
    read_run,
    run_predictions,
)
from skinfw_sweep.definition import REPEATED
from skinfw_sweep.importance import importances
from skinfw_sweep.search import write_journal
from skinfw_sweep.settings import Axis, exact_label, label
from skinfw_sweep.study import Study, Trial, signed

TABLE, BEST, PAGE = "sweep.csv", "best.toml", "sweep.html"

_METHODS = {
    "grid": "every combination",
    "random": "random search",
    "tpe": "tree-structured Parzen estimator",
}
_OPTIMISTIC = (
    "the best of many looks better on the validation part than it is, for it was chosen there; its "
    "numbers on the test part, which chose nothing, do not"
)


def write_results(study: Study, trials: Sequence[Trial]) -> list[str]:
    """Write what came of all trials, and return what a user must hear of it.

    Raises SkinfwError where none is done.
    """
    summary = summarize(study, trials)
    best = summary.settings[summary.best]
    _write_table(study.folder / TABLE, summary, trials)
    _write_best(study, trials[best.trials[0]])
    if study.definition.settings.searches:
        write_journal(study, trials)
    for component, report in build_components(study.plan.components.report, study.plan.classes):
        if isinstance(report, SweepReport):
            with component.guard():
                report.sweep(summary, study.folder)
    states = [trial.state for trial in trials]
    counts = [f"{states.count(word)} {word}" for word in ("done", "pruned", "failed")
              if word in states]  # fmt: skip
    numbers = [_number_text(name, best) for name in summary.objectives]
    word = "trials" if len(best.trials) > 1 else "trial"
    said = ": ".join(filter(None, [
        f"{word} {', '.join(map(str, best.trials))}",
        ", ".join(f"{key} = {text}" for key, text in best.labels.items()),
    ]))  # fmt: skip
    files = sorted(path for path in study.folder.iterdir() if path.is_file())
    return [
        f"{len(trials)} trials: {', '.join(counts)}",
        f"best on the validation part: {', '.join(numbers)}",
        f"  {said}",
        f"note: {_OPTIMISTIC}",
        *(f"  {display_path(file)}" for file in files),
    ]


def _number_text(name: str, setting: SweepSetting) -> str:
    ends = setting.intervals.get(name, (math.nan, math.nan))
    text = f"{name.replace('_', ' ')} {setting.numbers[name]:.3f}"
    return text if math.isnan(ends[0]) else f"{text} ({ends[0]:.3f} to {ends[1]:.3f})"


def summarize(study: Study, trials: Sequence[Trial]) -> SweepSummary:
    """Return the settings that were tried, beside each other.

    Raises SkinfwError where none is done.
    """
    objectives = study.definition.settings.objectives
    axes = [axis for axis in _axes(study) if axis.key not in REPEATED]
    settings = [_setting(study, axes, group) for group in _groups(trials)]
    done = [place for place, own in enumerate(settings) if own.state == "done"]
    if not done:
        first = next((trial for trial in trials if trial.state == "failed"), trials[0])
        raise SkinfwError(
            f"none of {len(trials)} trials came to a number",
            display_path(first.folder),
            f"trial {first.number}: {first.error or first.state}",
            "mend what they failed of, and go on with: " + study.resume_command,
        )
    ranks = {place: [signed(settings[place].numbers[name], name in study.smaller)
                     for name in objectives] for place in done}  # fmt: skip
    front = pareto_front(list(ranks.values()))
    for place in (done[own] for own in front):
        settings[place] = SweepSetting(**{**vars(settings[place]), "on_front": True})
    best = max(done, key=lambda place: (ranks[place][0], -place))
    test, intervals = _test_numbers(trials[settings[best].trials[0]].folder, objectives)
    return SweepSummary(
        study.recipe.name,
        _METHODS[study.definition.settings.method],
        objectives,
        frozenset(objectives) & study.smaller,
        tuple(SweepAxis(axis.key, tuple(axis.labels), axis.log) for axis in axes),
        settings,
        best,
        {name: _importance(axes, [settings[place] for place in done], name)
         for name in objectives},
        test,
        intervals,
        _notes(trials),
    )  # fmt: skip


def pareto_front(points: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of points that no other is above in one number and below in none."""
    array = np.asarray(points, float)
    return [
        place
        for place, own in enumerate(array)
        if not ((array >= own).all(1) & (array > own).any(1)).any()
    ]


def _axes(study: Study) -> list[Axis]:
    """Return the axes of what was tried, those of a list made of what stands in it."""
    listed = study.definition.listed
    keys = dict.fromkeys(key for own in listed for key in own)
    own = []
    for key in keys:
        values = {json.dumps(one[key]): one[key] for one in listed if key in one}
        own.append(Axis(key, tuple(values.values())))
    return [*own, *study.definition.axes]


def _groups(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Return the trials of each setting, which differ in seed or fold alone."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(json.dumps(_setting_values(trial)), []).append(trial)
    return list(groups.values())


def _setting_values(trial: Trial) -> dict[str, Any]:
    return {key: value for key, value in trial.values.items() if key not in REPEATED}


def _setting(study: Study, axes: Sequence[Axis], group: Sequence[Trial]) -> SweepSetting:
    states = [trial.state for trial in group]
    state = next((word for word in ("failed", "pruned") if word in states), "done")
    values = _setting_values(group[0])
    places = {axis.key: _place(axis, values[axis.key]) for axis in axes if axis.key in values}
    labels = {axis.key: axis.labels[axis.place(values[axis.key])] if axis.choices
              else label(values[axis.key]) for axis in axes if axis.key in values}  # fmt: skip
    numbers, intervals = dict(group[0].objectives), dict(group[0].intervals)
    if state == "done" and len(group) > 1:
        numbers, intervals = _together(study, group)
    return SweepSetting(
        tuple(trial.number for trial in group),
        places,
        labels,
        state,  # type: ignore[arg-type]
        sum(len(trial.epochs) for trial in group),
        numbers if state == "done" else {},
        intervals if state == "done" else {},
        error=next((trial.error for trial in group if trial.error), ""),
    )


def _place(axis: Axis, value: Any) -> float:
    return float(axis.place(value) if axis.choices else value)


def _together(
    study: Study, group: Sequence[Trial]
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return the objectives of several trials of one setting, over lesions and trials."""
    predictions = [run_predictions(trial.folder, "val") for trial in group]
    built = build_components(study.plan.components.metric, study.plan.classes)
    metrics, _ = applicable_metrics(built, predictions[0])
    found = measure_seeds(metrics, predictions, study.plan.evaluate.replicates)
    numbers, intervals = {}, {}
    for name in study.definition.settings.objectives:
        numbers[name] = float(np.mean([trial.objectives[name] for trial in group]))
        if name in found:
            intervals[name] = (float(found[name].interval[0]), float(found[name].interval[1]))
    return numbers, intervals


def _importance(
    axes: Sequence[Axis], settings: Sequence[SweepSetting], name: str
) -> dict[str, float]:
    """Return the share of an objective's variance that each axis alone explains."""
    whole = [axis for axis in axes if all(axis.key in own.values for own in settings)]
    if not whole:
        return {}
    columns = [_even(axis, [own.values[axis.key] for own in settings]) for axis in whole]
    values = np.array([own.numbers[name] for own in settings])
    shares = importances(np.array(columns).T, values, [len(axis.choices) for axis in whole])
    return {axis.key: share for axis, share in zip(whole, shares, strict=True)}


def _even(axis: Axis, values: Sequence[float]) -> np.ndarray[Any, Any]:
    """Return the numbers of an axis between 0 and 1, as they are drawn; choices by their places."""
    own = np.asarray(values, float)
    if axis.choices:
        return own
    ends = np.array([axis.low, axis.high], float)
    if axis.log:
        own, ends = np.log(own), np.log(ends)
    scaled: np.ndarray[Any, Any] = (own - ends[0]) / (ends[1] - ends[0])
    return scaled


def _test_numbers(
    folder: Path, names: Sequence[str]
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return the objectives of a run on its test part."""
    measured = read_run(folder)["results"].get("test", {})
    bounds: Mapping[str, Any] = {}
    if (file := folder / "intervals.json").is_file():
        bounds = read_json(file)["parts"]["test"]["intervals"]
    numbers = {name: float(measured[name]) for name in names if measured.get(name) is not None}
    ends = {name: bounds[name] for name in numbers if bounds.get(name)}
    intervals = {name: (float(own[0]), float(own[1])) for name, own in ends.items()
                 if own[0] is not None}  # fmt: skip
    return numbers, intervals


def _notes(trials: Sequence[Trial]) -> list[str]:
    """Return what must be known before believing the numbers."""
    records = [read_run(trial.folder) for trial in trials if trial.state == "done"]
    notes = dict.fromkeys(mark for record in records for mark in record.get("marks", ()))
    if len({record.get("data_fingerprint") for record in records}) > 1:
        notes["the data differ between trials"] = None
    if len({record.get("split_hash") for record in records}) > 1:
        notes["the division differs between trials: they were judged on other lesions"] = None
    return [*notes, _OPTIMISTIC]


def _write_table(file: Path, summary: SweepSummary, trials: Sequence[Trial]) -> None:
    """Write a row for each setting, with all digits of what it set."""
    keys = list(dict.fromkeys(key for own in summary.settings for key in own.labels))
    ends = [f"{name} {end}" for name in summary.objectives for end in ("low", "high")]
    head = ["trials", "state", *keys, *summary.objectives, *ends, "front", "epochs", "error"]
    rows = []
    for own in summary.settings:
        nothing = (math.nan, math.nan)
        bounds = [end for name in summary.objectives for end in own.intervals.get(name, nothing)]
        numbers = [own.numbers.get(name, math.nan) for name in summary.objectives]
        cells = [number_cell(value) for value in (*numbers, *bounds)]
        tried = trials[own.trials[0]].values
        rows.append(
            [
                " ".join(map(str, own.trials)),
                own.state,
                *(exact_label(tried[key]) if key in tried else "" for key in keys),
                *cells,
                "yes" if own.on_front else "",
                own.epochs,
                own.error,
            ]
        )
    write_csv(file, head, rows)


def _write_best(study: Study, trial: Trial) -> None:
    """Write the recipe of the best setting, with the refit that the sweep left out."""
    recorded = load_recipe(trial.folder, trust=study.trusted)
    recipe = changed_recipe(recorded, {"train.refit": study.plan.train.refit})
    plan = make_plan(recipe, Catalog())
    with atomic_write(study.folder / BEST) as partial:
        partial.write_text(
            f"# The best setting of {study.folder.name} by its validation part: trial "
            f"{trial.number}.\n\n{as_toml(plan)}",
            encoding="utf-8",
        )
