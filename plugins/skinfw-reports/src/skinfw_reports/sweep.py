"""The page of a sweep: its settings beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from skinfw import SweepAxis, SweepSetting, SweepSummary
from skinfw_reports.cells import interval, number, plain_table, words
from skinfw_reports.definitions import Glossary
from skinfw_reports.drawings import Drawing, svg
from skinfw_reports.figures import GREY, TRAIN, VALIDATION, new_figure

MOST_FRONTS = 6
"""Pairs of objectives that are drawn."""


def sweep_content(summary: SweepSummary) -> dict[str, Any]:
    """Return everything that the template of a sweep names."""
    best = summary.settings[summary.best]
    done = [own for own in summary.settings if own.state == "done"]
    return {
        "glossary": Glossary(),
        "name": summary.name,
        "method": summary.method,
        "count": len(summary.settings),
        "trials": sum(len(own.trials) for own in summary.settings),
        "states": {word: sum(own.state == word for own in summary.settings)
                   for word in ("done", "pruned", "failed")},
        "several": any(len(own.trials) > 1 for own in summary.settings),
        "objectives": [
            f"{words(name)} ({'least' if name in summary.smaller else 'largest'})"
            for name in summary.objectives
        ],
        "best": best,
        "headline": [
            {"label": words(name), "value": number(best.numbers[name]),
             "interval": interval(best.intervals.get(name))}
            for name in summary.objectives
        ],
        "test": [
            f"{words(name)} {number(value)} ({interval(summary.test_intervals.get(name))})"
            for name, value in summary.test.items()
        ],
        "notes": list(summary.notes),
        "axes": _axes_drawings(summary, done),
        "importance": _importance(summary),
        "fronts": _fronts(summary, done),
        "table": _table(summary),
        "failures": [
            {"trials": _numbers(own), "error": own.error}
            for own in summary.settings if own.state == "failed"
        ],
    }  # fmt: skip


def _numbers(setting: SweepSetting) -> str:
    return ", ".join(map(str, setting.trials))


def _table(summary: SweepSummary) -> dict[str, Any]:
    """Return a row for each setting, the best by the first objective on top."""
    first, smaller = summary.objectives[0], summary.objectives[0] in summary.smaller
    several = len(summary.objectives) > 1

    def rank(own: SweepSetting) -> float:
        value = own.numbers.get(first, math.nan)
        return math.inf if math.isnan(value) else value if smaller else -value

    keys = list(dict.fromkeys(key for own in summary.settings for key in own.labels))
    head = ["trial", *keys]
    for name in summary.objectives:
        head += [words(name), "95 % interval"]
    head += ["Pareto front", "epochs"] if several else ["epochs"]
    rows = []
    for own in sorted(summary.settings, key=rank):
        row = [_numbers(own), *(own.labels.get(key, "") for key in keys)]
        for name in summary.objectives:
            value = number(own.numbers[name]) if own.numbers else own.state
            row += [value, interval(own.intervals.get(name))]
        row += ["yes" if own.on_front else ""] if several else []
        rows.append([*row, str(own.epochs)])
    return plain_table("Settings, the best first, on the validation part", head, rows)


def _axes_drawings(summary: SweepSummary, done: Sequence[SweepSetting]) -> list[Drawing]:
    """Return parallel coordinates, a line for each setting, dark where the objective is good."""
    axes = [axis for axis in summary.axes if all(axis.key in own.values for own in done)]
    name = summary.objectives[0]
    if not axes or len(done) < 2:
        return []
    columns = [_scaled(axis, [own.values[axis.key] for own in done]) for axis in axes]
    numbers = [own.numbers[name] for own in done]
    columns.append(_scaled(SweepAxis(name), numbers))
    order = sorted(range(len(done)), key=numbers.__getitem__, reverse=name in summary.smaller)
    figure = new_figure(max(5.0, 1.7 * len(columns)), 3.6)
    plane = figure.subplots()
    for rank, place in enumerate(order):
        last = rank == len(order) - 1
        plane.plot(
            range(len(columns)),
            [column[place] for column in columns],
            color=TRAIN if last else VALIDATION,
            linewidth=2.4 if last else 1.1,
            alpha=1.0 if last else 0.12 + 0.6 * rank / len(order),
        )
    for place, axis in enumerate(axes):
        _ticks(plane, place, axis, [own.values[axis.key] for own in done])
    _ticks(plane, len(axes), SweepAxis(name), numbers)
    plane.set_xticks(range(len(columns)), [*(axis.key for axis in axes), words(name)], fontsize=9)
    plane.set_xlim(-0.25, len(columns) - 0.4)
    plane.set_yticks([])
    plane.spines[["top", "right", "left", "bottom"]].set_visible(False)
    plane.tick_params(axis="x", length=0, pad=8)
    best = done[order[-1]]
    said = ", ".join(f"{key} {text}" for key, text in best.labels.items())
    return [
        Drawing(
            svg(figure, "axes"),
            f"Parallel coordinates of {len(done)} settings. The best has {said}.",
            f"A line for each setting that is done, darker for a better {words(name)}; the thick "
            "one is the best.",
        )
    ]


def _scaled(axis: SweepAxis, values: Sequence[float]) -> list[float]:
    """Return values between 0 and 1, by the logarithm where the axis has it."""
    own = [math.log(value) if axis.log else value for value in values]
    low, high = (0, len(axis.choices) - 1) if axis.choices else (min(own), max(own))
    return [(value - low) / (high - low) if high > low else 0.5 for value in own]


def _ticks(plane: Any, place: int, axis: SweepAxis, values: Sequence[float]) -> None:
    """Draw an axis with its ends, or with its choices."""
    plane.plot([place, place], [0, 1], color=GREY, linewidth=0.8)
    ends = {0.0: f"{min(values):.3g}", 1.0: f"{max(values):.3g}"}
    count = len(axis.choices)
    if count:
        ends = {one / max(1, count - 1) if count > 1 else 0.5: text[:18]
                for one, text in enumerate(axis.choices)}  # fmt: skip
    for height, text in ends.items():
        plane.text(
            place + 0.04, height, text, fontsize=8, color="#555555", va="center", parse_math=False
        )


def _importance(summary: SweepSummary) -> list[Drawing]:
    """Return what each axis explains of each objective."""
    drawings = []
    for place, name in enumerate(summary.objectives):
        shares = {key: share for key, share in summary.importance.get(name, {}).items()
                  if not math.isnan(share)}  # fmt: skip
        if not shares:
            continue
        order = sorted(shares, key=shares.__getitem__)
        figure = new_figure(6.4, 0.9 + 0.32 * len(order))
        plane = figure.subplots()
        plane.barh(order, [shares[key] for key in order], color=VALIDATION, height=0.55)
        plane.set_xlim(0, 1)
        plane.set_xlabel("share of the variance", fontsize=9)
        plane.set_title(words(name), fontsize=10, loc="left")
        plane.spines[["top", "right"]].set_visible(False)
        said = ", ".join(f"{key} {shares[key]:.2f}" for key in reversed(order))
        alt = f"What each key alone explains of {words(name)}: {said}."
        drawings.append(Drawing(svg(figure, f"importance{place}"), alt, ""))
    return drawings


def _fronts(summary: SweepSummary, done: Sequence[SweepSetting]) -> list[Drawing]:
    """Return the settings on the plane of two objectives, for each pair of them."""
    names = summary.objectives
    pairs = [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
    drawings = []
    for place, (one, other) in enumerate(pairs[:MOST_FRONTS]):
        figure = new_figure(5.6, 4.0)
        plane = figure.subplots()
        for front, colour, size in ((False, GREY, 4), (True, VALIDATION, 6)):
            own = [setting for setting in done if setting.on_front == front]
            plane.plot(
                [setting.numbers[one] for setting in own],
                [setting.numbers[other] for setting in own],
                "o", color=colour, markersize=size,
            )  # fmt: skip
        for setting in done:
            if setting.on_front:
                at = (setting.numbers[one], setting.numbers[other])
                plane.annotate(
                    str(setting.trials[0]), at, (5, 3), textcoords="offset points", fontsize=8
                )
        plane.set(xlabel=_axis_name(summary, one), ylabel=_axis_name(summary, other))
        plane.spines[["top", "right"]].set_visible(False)
        on = ", ".join(_numbers(own) for own in done if own.on_front)
        drawings.append(
            Drawing(
                svg(figure, f"front{place}"),
                f"{words(one)} and {words(other)} of {len(done)} settings. On the front: trials "
                f"{on}.",
                "Blue, with the number of the trial: no other setting is better in one objective "
                "and as good in all others.",
            )
        )
    return drawings


def _axis_name(summary: SweepSummary, name: str) -> str:
    return f"{words(name)}, better {'small' if name in summary.smaller else 'large'}"
