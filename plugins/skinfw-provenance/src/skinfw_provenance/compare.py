"""Compare a file of a run with the one that was derived again, and name each place that differs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far numbers may be apart that another processor has summed in another order."""

_ABSENT = object()


def json_differences(old: Any, new: Any, source: str, place: str = "") -> Iterator[str]:
    """Yield what differs between two values of JSON.

    old: as the run has it.
    new: as it was derived again.
    source: what it was derived from, such as "the predictions give".
    place: where both stand.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            own, other = old.get(key, _ABSENT), new.get(key, _ABSENT)
            yield from json_differences(own, other, source, f"{place}.{key}" if place else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (own, other) in enumerate(zip(old, new, strict=True)):
            yield from json_differences(own, other, source, f"{place}[{index}]")
    elif old is _ABSENT:
        yield f"{place} is not there, {source} {_said(new)}"
    elif new is _ABSENT:
        yield f"{place} says {_said(old)}, {source} no such value"
    elif not _same(old, new):
        yield f"{place} says {_said(old)}, {source} {_said(new)}"


def csv_differences(old: Path, new: Path, source: str) -> Iterator[str]:
    """Yield what differs between two tables, by line and column.

    old, new, source: as `json_differences` takes them, as files.
    """
    rows, others = _rows(old), _rows(new)
    head = others[0] if others else []
    if rows[:1] != others[:1]:
        yield f"the columns are {', '.join(rows[0]) if rows else 'absent'}, {source} {head}"
        return
    if len(rows) != len(others):
        yield f"there are {len(rows) - 1:,} rows, {source} {len(others) - 1:,}"
    for line, (row, other) in enumerate(zip(rows, others, strict=False), 1):
        if len(row) != len(other):
            yield f"line {line} has {len(row)} cells, {source} {len(other)}"
            continue
        for column, own, derived in zip(head, row, other, strict=True):
            if not _same(_number(own), _number(derived)):
                yield f'line {line} ("{row[0]}"), {column} says {own}, {source} {derived}'


def count_values(value: Any) -> int:
    """Return how many values JSON holds."""
    if isinstance(value, Mapping):
        return sum(map(count_values, value.values()))
    return sum(map(count_values, value)) if isinstance(value, list) else 1


def same_picture(old: Path, new: Path) -> bool:
    """Tell whether two pictures have the same pixels; one that cannot be read has none."""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(old, formats=["PNG"]) as own, Image.open(new, formats=["PNG"]) as other:
            return own.size == other.size and bool(
                (np.asarray(own.convert("RGBA")) == np.asarray(other.convert("RGBA"))).all()
            )
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def read_json(file: Path) -> Any:
    """Return the JSON of a file; what is none is a text that says so."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"what is no JSON: {error}"


def _rows(file: Path) -> list[list[str]]:
    try:
        with file.open(encoding="utf-8", newline="") as source:
            return list(csv.reader(source))
    except (OSError, ValueError, csv.Error):
        return []


def _number(cell: str) -> str | float:
    try:
        return float(cell)
    except ValueError:
        return cell


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool) or not _are_numbers(old, new):
        return bool(old == new)
    if math.isnan(old) or math.isnan(new):
        return math.isnan(old) and math.isnan(new)
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _said(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:80]} ..."
