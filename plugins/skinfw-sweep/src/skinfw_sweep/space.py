"""What may stand in [sweep.space], and why something may not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

RANGE_KEYS = {"low", "high", "step", "log"}


def flatten(table: Mapping[str, Any], ranges: bool, before: str = "") -> dict[str, Any]:
    """Return the values of nested tables by their keys with dots.

    ranges: whether a table such as { low = 1, high = 2 } is a value. A table with `use` is one.
    """
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{before}{key}"
        inner = isinstance(value, Mapping) and value and "use" not in value
        if inner and not (ranges and {"low", "high"} & {*value}):
            values |= flatten(value, ranges, f"{name}.")
        else:
            values[name] = value
    return values


_FAULTS: tuple[tuple[Callable[[dict[str, Any]], bool], str], ...] = (
    (lambda own: not {"low", "high"} <= {*own} <= RANGE_KEYS, "a range has low, high, step, log"),
    (lambda own: not isinstance(own.get("log", False), bool), "log is true or false"),
    (lambda own: not all(map(_is_number, _ends(own))), "low, high and step are numbers"),
    (lambda own: not own["low"] < own["high"], "low lies below high"),
    (lambda own: own.get("log", False) and own["low"] <= 0, "a logarithm needs low above 0"),
    (lambda own: own.get("log", False) and "step" in own, "log and step exclude each other"),
    (lambda own: own.get("step", 1) <= 0, "step lies above 0"),
    (lambda own: "step" in own and not _divides(own), "step does not lead from low to high"),
    (lambda own: len({isinstance(end, int) for end in _ends(own)}) > 1,
     "write all its numbers with a point, or none of them"),
)  # fmt: skip


def axis_fault(value: Any) -> str:
    """Return why a value of [sweep.space] is none, "" where it is one."""
    if isinstance(value, list):
        texts = [repr(item) for item in value]
        if len(value) < 2:
            return "there is nothing to choose from fewer than two values"
        return "a value stands in it twice" if len({*texts}) < len(texts) else ""
    if not isinstance(value, dict):
        return "it is one value"
    return next((why for wrong, why in _FAULTS if wrong(value)), "")


def _ends(own: dict[str, Any]) -> list[Any]:
    return [own[key] for key in ("low", "high", "step") if key in own]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _divides(own: dict[str, Any]) -> bool:
    steps = (own["high"] - own["low"]) / own["step"]
    return math.isclose(steps, round(steps), abs_tol=1e-9)
