"""The tables and sentences of the triage report for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from skinfw import Cell, Estimate, FindingsTable

_NUMBERS = {
    "deferred": "lesions deferred",
    "missed_alone": "malignant, dismissed by the network",
    "missed": "malignant, missed",
    "biopsied": "benign, biopsied",
    "cost": "cost per lesion",
}
_WHERE = {"recipe": "of the recipe", "validation": "of validation"}
_COSTS = ("deferred", "cost")
_ERRORS = ("missed_alone", "missed", "biopsied")
_CURVE = ("deferred", "missed", "biopsied", "cost")
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
        *(_promise(data, name) for name in _BOUNDS),
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


def costs_table(data: Mapping[str, Any], whose: str) -> FindingsTable:
    """Return what each rule defers and costs at one prevalence.

    whose: "recipe" or "validation".
    """
    at = data["at"][whose]
    rows = [
        [name, _range(rule["low"], rule["high"]), *(_cell(rule[key]) for key in _COSTS)]
        for name, rule in at["rules"].items()
    ]
    caption = (
        f"Costs at the prevalence {_WHERE[whose]}, {at['prevalence']:.1%} malignant lesions, with "
        "the chances of malignancy that each rule defers"
    )
    return FindingsTable(caption, ["rule", "chances deferred", *_heads(_COSTS)], rows)


def errors_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return what each rule misses and biopsies at the recipe's prevalence."""
    rows = [
        [name, *(_cell(rule[key]) for key in _ERRORS)]
        for name, rule in data["at"]["recipe"]["rules"].items()
    ]
    caption = (
        "Errors of the rules for the prevalence of the recipe: shares of the malignant lesions "
        "that the network dismisses, and that it or the reader does; share of the benign lesions "
        "that either has biopsied"
    )
    return FindingsTable(caption, ["rule", *_heads(_ERRORS)], rows)


def bounds_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return both bounds with what they rest on."""
    rows = []
    for name, title in _BOUNDS.items():
        bound = data["bounds"][name]
        counts = [f"{bound[key]:,}" for key in ("lesions", "least")]
        kept = [f"{bound['below']:,}", bound["limit"], bound["risk"], bound["confidence"]]
        rows.append([title, *counts, *(kept if bound["guaranteed"] else ["nothing"] * 4)])
    caption = (
        f"Bounds of what the network dismisses, at most {data['miss_rate']:.1%} of the malignant "
        "lesions: how many malignant validation lesions there are, are needed and lie below the "
        "limit; the share below it, at most, on average over validation parts; and how often it is "
        "small enough"
    )
    head = ["bound", "lesions", "needed", "below", "limit", "share", "confidence"]
    return FindingsTable(caption, head, rows)


def curve_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return every second point of the curve at the recipe's prevalence."""
    rows = [
        [f"{point['share']:.0%}", *(_cell(point[key]) for key in _CURVE)]
        for point in data["at"]["recipe"]["curve"][::2]
    ]
    caption = (
        "Cost against the share deferred, at the prevalence of the recipe: of the validation "
        "lesions those are deferred for whom it spares most, and the same band is measured on test"
    )
    return FindingsTable(caption, ["deferred of validation", *_heads(_CURVE)], rows)


def _heads(keys: Iterable[str]) -> list[str]:
    return [_NUMBERS[key] for key in keys]


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
