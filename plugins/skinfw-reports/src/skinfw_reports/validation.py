"""The page and the plot of one run on several data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import Estimate, Validation, ValidationNumber, ValidationSet, atomic_write
from skinfw_reports.cells import interval, number, plain_table, words
from skinfw_reports.drawings import Drawing, svg
from skinfw_reports.figures import GREY, TRAIN, VALIDATION, draw, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRST = (
    "balanced_accuracy", "accuracy", "macro_auc",
    "malignant_auc", "malignant_sensitivity", "malignant_specificity",
)  # fmt: skip
"""The numbers that are drawn, those of classes before those of malignancy."""

REASONS = {
    "learned": "the network has learned from them, by id or lesion",
    "home": "they are the run's own test part, by id or lesion",
    "no_counterpart": "no class of the network answers their label; not in the numbers of classes",
    "no_malignancy": "whether they are malignant is unknown; not in the numbers of malignancy",
}


def validation_content(validation: Validation) -> dict[str, Any]:
    """Return everything that the template of a validation names."""
    return {
        "run": validation.run,
        "count": len(validation.sets),
        "marks": list(validation.marks),
        "threshold": f"{validation.threshold:g}",
        "overview": _overview(validation),
        "drawing": _drawing(validation),
        "numbers": [table for name in FIRST if (table := _number_table(validation, name))],
        "sets": [_set_section(place, own) for place, own in enumerate(validation.sets)],
    }


def write_plot(validation: Validation, file: Path) -> None:
    """Write what the page draws as a picture of its own."""
    with atomic_write(file) as partial:
        draw(_figure(validation), partial, format="png")


def _overview(validation: Validation) -> dict[str, Any]:
    rows = []
    for own in (validation.home, *validation.sets):
        out = sum(own.left_out.get(reason, 0) for reason in ("learned", "home"))
        judged = f"{len(own.groups)} classes" if own.groups else "malignancy alone"
        judged = f"failed: {own.failure}" if own.failure else judged
        rows.append([own.name, own.dataset, f"{own.images:,}", f"{own.lesions:,}", f"{out:,}",
                     judged])  # fmt: skip
    head = ["", "read by", "images", "lesions", "known, left out", "judged by"]
    return plain_table("What the network was judged on", head, rows)


def _number_table(validation: Validation, name: str) -> dict[str, Any] | None:
    """Return a number on each data set; None where it was measured nowhere."""
    rows = [
        [own.name, *_cells(own.numbers[name])]
        for own in (validation.home, *validation.sets)
        if name in own.numbers
    ]
    head = ["", "value", "home, same classes", "drop", "images", "lesions"]
    return plain_table(words(name), head, rows) if rows else None


def _cells(one: ValidationNumber) -> list[str]:
    estimates = _estimate(one.there), _estimate(one.home), _estimate(one.drop, "+")
    return [*estimates, f"{one.images:,}", f"{one.lesions:,}"]


def _estimate(estimate: Estimate, sign: str = "") -> str:
    if math.isnan(estimate.value):
        return ""
    ends = [f"{end:{sign}.3f}" for end in (estimate.low, estimate.high) if not math.isnan(end)]
    return f"{estimate.value:{sign}.3f}" + (f" ({' to '.join(ends)})" if ends else "")


def _set_section(place: int, own: ValidationSet) -> dict[str, Any]:
    """Return what is told of one data set."""
    groups = [[group.name, ", ".join(group.labels), " + ".join(group.classes)]
              for group in own.groups]  # fmt: skip
    left = [[f"{count:,}", REASONS.get(reason, words(reason))]
            for reason, count in own.left_out.items() if count]  # fmt: skip
    single = [[words(name).replace("/", ", "), *_cells(one)] for name, one in own.numbers.items()
              if name not in FIRST]  # fmt: skip
    head = ["number", "value", "home, same classes", "drop", "images", "lesions"]
    return {
        "key": f"set{place}",
        "name": own.name,
        "failure": own.failure,
        "notes": list(own.notes),
        "groups": plain_table(
            "How labels and classes were aligned", ["class", "labels there", "sum of"], groups
        ) if groups else None,
        "left": plain_table("What was left out", ["images", "because"], left) if left else None,
        "single": plain_table("All other numbers", head, single) if single else None,
    }  # fmt: skip


def _drawing(validation: Validation) -> Drawing:
    said = "; ".join(
        f"{own.name}: "
        + ", ".join(f"{words(name)} {number(own.numbers[name].there.value)}"
                    f" {interval((own.numbers[name].there.low, own.numbers[name].there.high))}"
                    for name in FIRST if name in own.numbers)
        for own in (validation.home, *validation.sets) if not own.failure
    )  # fmt: skip
    caption = (
        "Dots with 95 % intervals over lesions: the data set. Open diamonds: home, in the same "
        "classes."
    )
    return Drawing(svg(_figure(validation), "validation"), f"First numbers. {said}.", caption)


def _figure(validation: Validation) -> Figure:
    """Return a panel for each first number, a line for each data set."""
    sets = [validation.home, *(own for own in validation.sets if not own.failure)]
    names = [name for name in FIRST if any(name in own.numbers for own in sets)]
    rows = math.ceil(len(names) / 2)
    figure = new_figure(8.6, rows * (1.05 + 0.3 * len(sets)))
    panels = figure.subplots(rows, 2, squeeze=False, sharey=True).ravel()
    for panel, name in zip(panels, names, strict=False):
        _panel(panel, name, sets)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    return figure


def _panel(axes: Axes, name: str, sets: Sequence[ValidationSet]) -> None:
    for line, own in enumerate(sets):
        one = own.numbers.get(name)
        if one is None or math.isnan(one.there.value):
            continue
        axes.plot([one.there.low, one.there.high], [line, line], color=GREY, linewidth=1.4)
        axes.plot([one.there.value], [line], "o", color=VALIDATION, markersize=6)
        if not math.isnan(one.home.value):
            axes.plot([one.home.value], [line], "D", markerfacecolor="none", color=TRAIN,
                      markersize=6)  # fmt: skip
    axes.set_title(words(name), fontsize=10, loc="left")
    axes.set_yticks(range(len(sets)), [own.name for own in sets])
    axes.set_ylim(len(sets) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
