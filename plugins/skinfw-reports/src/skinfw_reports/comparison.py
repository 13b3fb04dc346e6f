"""The page of several runs beside each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from skinfw import Comparison, ComparisonEntry
from skinfw_reports.cells import interval, number, words
from skinfw_reports.definitions import Glossary
from skinfw_reports.drawings import Drawing, svg
from skinfw_reports.figures import GREY, VALIDATION, new_figure


def comparison_content(comparison: Comparison) -> dict[str, Any]:
    """Return everything that the template of the comparison names."""
    counts = zip(comparison.runs, comparison.images, comparison.lesions, strict=True)
    seeds = bool(comparison.seeds)
    head = ["run", "value", "interval", "difference", "interval", "p"]
    if seeds:
        head = ["recipe", "mean", "interval", "between seeds", "difference", "interval", ""]
    return {
        "seeds": list(comparison.seeds),
        "head": head,
        "runs": [
            {"name": name, "images": f"{images:,}", "lesions": f"{lesions:,}"}
            for name, images, lesions in counts
        ],
        "notes": list(comparison.notes),
        "glossary": Glossary(),
        "numbers": [
            {
                "name": words(name),
                "drawing": _drawing(place, name, comparison.runs, entries),
                "rows": [
                    _row(run, one, seeds) for run, one in zip(comparison.runs, entries, strict=True)
                ],
            }
            for place, (name, entries) in enumerate(comparison.numbers.items())
        ],
    }


def _row(run: str, one: ComparisonEntry, seeds: bool) -> list[str]:
    row = [run, number(one.value), interval(one.interval)]
    if seeds:
        row.append(number(one.deviation))
    if math.isnan(one.difference):
        return [*row, "", "", ""]
    low, high = one.difference_interval
    ends = "no interval" if math.isnan(low) else f"{low:+.3f} to {high:+.3f}"
    last = f"{one.p:.3f}"
    if seeds:
        last = "holds" if one.holds else "not shown"
    return [*row, f"{one.difference:+.3f}", ends, last]


def _drawing(
    place: int, name: str, runs: Sequence[str], entries: Sequence[ComparisonEntry]
) -> Drawing:
    """Return dots with their intervals, a line for each run."""
    figure = new_figure(8.0, 0.7 + 0.32 * len(runs))
    axes = figure.subplots()
    for line, one in enumerate(entries):
        low, high = one.interval
        axes.plot([low, high], [line, line], color=GREY, linewidth=1.4)
        axes.plot([one.value], [line], "o", color=VALIDATION, markersize=6)
    axes.set_yticks(range(len(runs)), list(runs))
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    said = ", ".join(f"{run} {number(one.value)}" for run, one in zip(runs, entries, strict=True))
    return Drawing(svg(figure, f"number{place}"), f"{words(name)} of each run: {said}.", "")
