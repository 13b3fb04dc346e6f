"""Compare a file of a run with the one that was derived again, and name each place that differs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import csv_rows

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


def csv_differences(
    old: Path, new: Path, source: str, without: Collection[str] = ()
) -> Iterator[str]:
    """Yield what differs between two tables, by line and column.

    old, new, source: as `json_differences` takes them, as files.
    without: columns that may differ or be absent.
    Raises SkinfwError where the new one cannot be read.
    """
    others = list(csv_rows(new, own=True))
    try:
        rows = list(csv_rows(old, own=True))
    except SkinfwError as error:
        yield unreadable(error)
        return
    columns, head = rows[0][1], others[0][1]
    if [own for own in columns if own not in without] != [
        own for own in head if own not in without
    ]:
        yield f"the columns are {', '.join(columns)}, {source} {', '.join(head)}"
        return
    if len(rows) != len(others):
        yield f"there are {len(rows) - 1:,} rows, {source} {len(others) - 1:,}"
    for (line, row), (_, other) in zip(rows[1:], others[1:], strict=False):
        again = dict(zip(head, other, strict=True))
        for column, own in zip(columns, row, strict=True):
            if column not in without and not _same(_number(own), _number(again[column])):
                yield f'line {line} ("{row[0]}"), {column} says {own}, {source} {again[column]}'


def unreadable(error: Exception) -> str:
    """Return a line that says why a file cannot be compared."""
    if not isinstance(error, SkinfwError):
        return f"cannot be read: {error}"
    line = error.where.rpartition(":")[2]
    place = f"line {line}: " if line.isdecimal() else ""
    return f"{place}{error.what}{f', {error.why}' if error.why else ''}"


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
