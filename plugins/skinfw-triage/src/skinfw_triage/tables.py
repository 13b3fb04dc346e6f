"""The tables and sentences of the triage report for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skinfw import Cell, Estimate, FindingsTable

_NUMBERS = {
    "deferred": "lesions deferred",
    "missed_alone": "malignant ones that the network dismisses",
    "missed": "malignant ones that are missed",
    "biopsied": "benign ones that are biopsied",
    "cost": "cost per lesion",
}
_BOUNDS = {"on_average": "on average", "with_confidence": "with confidence"}


def about(data: Mapping[str, Any]) -> list[str]:
    """Return what a reader must know before the tables."""
    costs, lesions = data["costs"], data["lesions"]["test"]
    return [
        "Who decides about a lesion, the network, a reader or both, what does it cost, and what is "
        "missed? These are numbers for the costs that the recipe states, and no advice.",
        f"A malignant lesion ({', '.join(data['malignant'])}) that is dismissed costs "
        f"{costs['missed']:g}, a biopsy of a benign one {costs['biopsy']:g}, a referral to the "
        f"reader {costs['referral']:g}. The reader finds {costs['sensitivity']:.0%} of the "
        f"malignant lesions and dismisses {costs['specificity']:.0%} of the benign ones, whatever "
        "the network says.",
        "All rules are fitted on validation and measured on "
        f"{lesions['malignant']:,} malignant and {lesions['benign']:,} benign test lesions. "
        "Intervals are over these lesions; prevalence, costs and reader are taken as stated, so "
        "that what hangs on them alone has none.",
        *map(_promise, [data] * len(_BOUNDS), _BOUNDS),
    ]


def _promise(data: Mapping[str, Any], name: str) -> str:
    bound, share = data["bounds"][name], data["miss_rate"]
    how = "on average" if name == "on_average" else f"with a confidence of {data['confidence']:.0%}"
    if not bound["guaranteed"]:
        return (
            f"That the network dismisses at most {share:.1%} of the malignant lesions cannot be "
            f"promised {how}: validation has {bound['lesions']:,} malignant lesions, and "
            f"{bound['least']:,} are needed. Nothing is promised, and all lesions are deferred."
        )
    return (
        f"Of malignant lesions like those of validation, the network dismisses at most {share:.1%} "
        f"{how}, where it dismisses only chances below {bound['limit']:.3g}."
    )


def rules_table(data: Mapping[str, Any], whose: str) -> FindingsTable:
    """Return what each rule gives at one prevalence.

    whose: "recipe" or "validation".
    """
    at = data["at"][whose]
    rows = [
        [name, _range(rule["low"], rule["high"]), *(_cell(rule[key]) for key in _NUMBERS)]
        for name, rule in at["rules"].items()
    ]
    caption = (
        f"At the prevalence of the {whose}, {at['prevalence']:.1%} malignant lesions: rules, the "
        "chances of malignancy that each defers, and what came of it on test"
    )
    return FindingsTable(caption, ["rule", "deferred chances", *_NUMBERS.values()], rows)


def bounds_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return both bounds with what they rest on, and what came of the limits on test."""
    rows = []
    for name, title in _BOUNDS.items():
        bound = data["bounds"][name]
        counts = [f"{bound[key]:,}" for key in ("lesions", "least")]
        kept = [f"{bound['below']:,}", bound["limit"], bound["risk"], bound["confidence"]]
        rows.append([title, *counts, *(kept if bound["guaranteed"] else ["nothing"] * 4)])
    caption = (
        f"The bounds: at most {data['miss_rate']:.1%} of the malignant lesions dismissed by the "
        "network"
    )
    head = [
        "bound", "malignant validation lesions", "needed", "of these below the limit", "limit",
        "promised on average", "confidence that it is kept",
    ]  # fmt: skip
    return FindingsTable(caption, head, rows)


def curve_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return every second point of the curve at the recipe's prevalence."""
    rows = [
        [f"{point['share']:.0%}", *(_cell(point[key]) for key in _NUMBERS)]
        for point in data["at"]["recipe"]["curve"][::2]
    ]
    caption = (
        "Cost against the share deferred, at the prevalence of the recipe: of the validation "
        "lesions those are deferred for whom it spares most, and the same band is measured on test"
    )
    return FindingsTable(caption, ["deferred of validation", *_NUMBERS.values()], rows)


def curve_file(data: Mapping[str, Any]) -> FindingsTable:
    """Return both curves for triage_curve.csv."""
    head = ["prevalence_of", "prevalence", "share", "low", "high"]
    head += [f"{key}{end}" for key in _NUMBERS for end in ("", "_low", "_high")]
    rows = [
        [whose, at["prevalence"], *(_blank(point[key]) for key in ("share", "low", "high"))]
        + [_blank(point[key][end]) for key in _NUMBERS for end in ("value", "low", "high")]
        for whose, at in data["at"].items()
        for point in at["curve"]
    ]
    return FindingsTable("", head, rows)


def _cell(number: Mapping[str, float]) -> Cell:
    if number["value"] != number["value"]:
        return "not measured"
    return Estimate(number["value"], number["low"], number["high"])


def _range(low: float, high: float) -> str:
    """Return the chances that are deferred as text."""
    if low >= high or low > 1:
        return "none"
    if low <= 0:
        return "all" if high > 1 else f"below {high:.3g}"
    return f"from {low:.3g}" if high > 1 else f"{low:.3g} to {high:.3g}"


def _blank(value: float) -> float | str:
    """Return a number for a CSV file, nothing for what was not measured and for no end."""
    return value if abs(value) < float("inf") else ""
