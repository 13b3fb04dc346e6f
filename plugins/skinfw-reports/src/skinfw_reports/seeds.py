"""The page of a recipe that was trained with several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skinfw import SeedNumber, SeedsSummary, headline_numbers
from skinfw_reports.cells import interval, number, plain_table, words
from skinfw_reports.definitions import Glossary
from skinfw_reports.drawings import Drawing, svg
from skinfw_reports.figures import GREY, VALIDATION, new_figure

HEAD = ("number", "mean", "95 % interval", "between seeds", "lowest", "highest")


def seeds_content(summary: SeedsSummary) -> dict[str, Any]:
    """Return everything that the template of several seeds names."""
    numbers = summary.numbers
    chosen = headline_numbers(summary.select, numbers) or list(numbers)[:3]
    whole = [name for name in numbers if "/" not in name]
    of_classes = [name for name in numbers if "/" in name]
    return {
        "glossary": Glossary(),
        "name": summary.name,
        "count": len(summary.trainings),
        "one_division": summary.one_division,
        "notes": list(summary.notes),
        "headline": [
            {
                "label": words(name),
                "value": number(numbers[name].mean),
                "interval": interval(numbers[name].interval),
                "deviation": number(numbers[name].deviation),
            }
            for name in chosen
        ],
        "drawings": [_drawing(place, name, summary) for place, name in enumerate(chosen)],
        "trainings": plain_table(
            "Each training on its test part",
            ["training", "images", "lesions", *map(words, chosen)],
            _trainings(summary, chosen),
        ),
        "numbers": plain_table("All numbers", HEAD, _rows(numbers, whole)),
        "classes": plain_table("Numbers of single classes", HEAD, _rows(numbers, of_classes)),
    }


def _trainings(summary: SeedsSummary, names: Sequence[str]) -> list[list[str]]:
    counts = zip(summary.trainings, summary.images, summary.lesions, strict=True)
    return [
        [training, f"{images:,}", f"{lesions:,}"]
        + [number(summary.numbers[name].values[place]) for name in names]
        for place, (training, images, lesions) in enumerate(counts)
    ]


def _rows(numbers: Mapping[str, SeedNumber], names: Sequence[str]) -> list[list[str]]:
    rows = []
    for name in names:
        one = numbers[name]
        measured = [value for value in one.values if value == value]
        ends = [number(min(measured)), number(max(measured))] if measured else ["", ""]
        row = [words(name), number(one.mean), interval(one.interval), number(one.deviation), *ends]
        rows.append(row)
    return rows


def _drawing(place: int, name: str, summary: SeedsSummary) -> Drawing:
    """Return a dot for each training, and the mean with its interval below them."""
    one, labels = summary.numbers[name], [*summary.trainings, "mean"]
    figure = new_figure(8.0, 0.9 + 0.26 * len(labels))
    axes = figure.subplots()
    last = len(labels) - 1
    axes.plot(one.values, range(last), "o", color=GREY, markersize=5)
    axes.plot(one.interval, [last, last], color=VALIDATION, linewidth=2)
    axes.plot([one.mean], [last], "o", color=VALIDATION, markersize=7)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(last + 0.5, -0.5)
    axes.set_title(words(name), fontsize=10, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    said = ", ".join(number(value) for value in one.values)
    alt = f"{words(name)} of each seed: {said}; their mean: {number(one.mean)}."
    return Drawing(svg(figure, f"number{place}"), alt, "")
