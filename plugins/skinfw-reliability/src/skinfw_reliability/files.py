"""Write files in one step, so that a reader never sees half of one."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def write_json(found: Any, file: Path) -> None:
    """Write JSON; what is not measured, or infinite, becomes null."""
    text = json.dumps(_plain(found), indent=2, ensure_ascii=False, allow_nan=False)
    partial = file.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(file)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], file: Path) -> None:
    """Write a table; what is not measured becomes blank."""
    partial = file.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as handle:
        lines = csv.writer(handle, lineterminator="\n")
        lines.writerow(header)
        lines.writerows([["" if value != value else value for value in row] for row in rows])
    partial.replace(file)


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _plain(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(value) for value in found]
    return None if isinstance(found, float) and not math.isfinite(found) else found
