"""What the scorecard tells a reader."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from skinfw import Cell, Estimate, Findings, FindingsPicture, FindingsTable
from skinfw_explain.scorecard.location import BORDER, CORNER
from skinfw_explain.scorecard.measures import (
    BY_NAME,
    LOCATIONS,
    PROBES,
    Measurements,
    compared_measures,
)
from skinfw_explain.scorecard.numbers import ALL, BEYOND, GAUSSIAN

KEY, TITLE = "explanation-scorecard", "How good the explanations are"
FILE = "explanation_scorecard"
BASELINES = (GAUSSIAN, "random-map")
"""Explainers that look at neither image nor network."""

_ABOUT = (
    "Maps are measured against the lesion's mask, by what the network says when their pixels are "
    "taken away, by whether they change when the network forgets what it learned, and by whether "
    "they follow the image when it moves. A map that looks at nothing, a Gaussian in the middle of "
    "the image, is what they must beat."
)
_NO_MASKS = (
    "The data set has no masks that say where the lesion is, so that pointing and energies in the "
    "lesion and at its border are not measured."
)
_BLIND = (
    "A map may lie on the lesion and yet not be why the network answers so, and the other way "
    "round: no number here says that the network is right."
)


def tell(
    measured: Measurements,
    numbers: Mapping[str, Estimate],
    explains: str,
    pictures: Sequence[FindingsPicture] = (),
) -> Findings:
    """Return the findings: sentences, tables, files and pictures.

    numbers: of `Scores`.
    explains: which class the maps are about.
    """
    own, masks = measured.predictions, measured.masks > 0
    looked = (
        f"{len(own.ids):,} images of {len(set(own.lesions)):,} lesions, evenly over the classes, "
        f"were explained for the {explains} class; the lesion is known of {measured.masks:,}. "
        f"{measured.probed:,} of them were changed, and shown to networks that forgot."
    )
    verdicts = [verdict(name, numbers, masks) for name in measured.values if name not in BASELINES]
    text = [_ABOUT, looked, *([] if masks else [_NO_MASKS]), *verdicts, *_black(measured), _BLIND]
    head = ["number", "value", "low", "high"]
    rows: list[list[Cell]] = [[name, one.value, one.low, one.high] for name, one in numbers.items()]
    rows += [[f"seconds/{name}", own, math.nan, math.nan] for name, own in measured.seconds.items()]
    data = {
        "images": len(own.ids),
        "lesions": len(set(own.lesions)),
        "masks": measured.masks,
        "probed": measured.probed,
        "explains": explains,
        "border": BORDER,
        "corner": CORNER,
        "seconds": dict(measured.seconds),
        "black": {name: measured.black(name) for name in measured.values},
        "verdicts": verdicts,
        "numbers": {name: [one.value, one.low, one.high] for name, one in numbers.items()},
    }
    tables = [*_overall(measured, numbers), _by_class(measured, numbers, masks)]
    return Findings(
        KEY,
        TITLE,
        text,
        tables,
        data,
        {f"{FILE}.csv": FindingsTable("", head, rows)},
        pictures=pictures,
    )


def verdict(explainer: str, numbers: Mapping[str, Estimate], masks: bool) -> str:
    """Return a sentence that says in what an explainer beats the centred Gaussian, and in what not.

    numbers: with the differences to it.
    masks: whether the lesion is known.
    It beats it where the whole interval of the difference lies on the better side of 0.
    """
    beaten, others = [], []
    for measure in compared_measures(masks):
        gap = numbers[f"{BEYOND}/{measure.name}/{explainer}/{ALL}"]
        if math.isnan(gap.value):
            continue
        words = measure.name.replace("_", " ")
        if beats(gap, measure.better):
            beaten.append(words)
        else:
            others.append(f"{words} ({_gap(gap)})")
    if not others:
        return f"{explainer} beats the centred Gaussian in {', '.join(beaten)}."
    fails = f"{explainer} does not beat the centred Gaussian in {', '.join(others)}"
    return f"{fails}; it does in {', '.join(beaten)}." if beaten else f"{fails}."


def beats(gap: Estimate, better: str) -> bool:
    """Tell whether a difference to the Gaussian is one for the better beyond doubt.

    better: "higher" or "lower".
    """
    return gap.low > 0 if better == "higher" else gap.high < 0


def compare_with_gaussian(gap: Estimate, better: str) -> str:
    """Return the words that follow an explainer's name.

    gap: its difference to the centred Gaussian.
    better: "higher" or "lower".
    """
    return f"{'beats it' if beats(gap, better) else 'does not beat it'} ({_gap(gap)})"


def _gap(gap: Estimate) -> str:
    if math.isnan(gap.low):
        return f"difference {gap.value:+.3f}, no interval"
    return f"difference {gap.value:+.3f}, {gap.low:+.3f} to {gap.high:+.3f}"


def _black(measured: Measurements) -> list[str]:
    """Return a sentence about each explainer with black maps, which only miss."""
    counts = {name: measured.black(name) for name in measured.values}
    return [
        f"{count:,} maps of {name} are black: they miss in the pointing game, and no energy or "
        "correlation of them is counted."
        for name, count in counts.items()
        if count
    ]


def _overall(measured: Measurements, numbers: Mapping[str, Estimate]) -> Iterator[FindingsTable]:
    """Yield the tables of all images: where maps lie, and what changes tell."""
    for caption, names in (
        ("Where maps lie. Higher is better, lower at the corners", LOCATIONS),
        ("What changes tell. Higher is better, lower for deletion and the correlation", PROBES),
    ):
        shown = [
            own
            for own in names
            if any(not math.isnan(numbers[f"{own}/{one}/{ALL}"].value) for one in measured.values)
        ]
        if shown:
            rows: list[list[Cell]] = [
                [
                    one,
                    *(_cell(numbers[f"{own}/{one}/{ALL}"]) for own in shown),
                    f"{measured.seconds[one]:.3g}",
                ]
                for one in measured.values
            ]
            head = ["explainer", *(own.replace("_", " ") for own in shown), "seconds of a map"]
            yield FindingsTable(caption, head, rows)


def _by_class(
    measured: Measurements, numbers: Mapping[str, Estimate], masks: bool
) -> FindingsTable:
    """Return the table of the first measure that is known, by class."""
    measure = BY_NAME["energy_in_lesion" if masks else "energy_at_corners"].name
    classes = measured.predictions.classes
    rows: list[list[Cell]] = [
        [name, *(_cell(numbers[f"{measure}/{name}/{group}"]) for group in classes)]
        for name in measured.values
    ]
    return FindingsTable(f"{measure.replace('_', ' ')} by class", ["explainer", *classes], rows)


def _cell(estimate: Estimate) -> Cell:
    return "not measured" if math.isnan(estimate.value) else estimate
