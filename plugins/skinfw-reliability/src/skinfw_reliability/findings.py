"""Estimates as tables have them, and the files of what a report found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinfw import Cell, Estimate, Findings, write_csv, write_json


def estimate_cell(numbers: Mapping[str, Any] | None, remark: str = "") -> Cell:
    """Return a number with its interval for a table; "not measured" where there is none.

    numbers: with value, low and high.
    """
    if not numbers or numbers["value"] != numbers["value"]:
        return "not measured"
    without = "no interval" if "no_interval" in numbers else ""
    remark = ", ".join(filter(None, (without, remark)))
    return Estimate(numbers["value"], numbers["low"], numbers["high"], remark)


def write_findings(findings: Findings, name: str, folder: Path) -> None:
    """Write what was found: NAME.json, and its CSV files."""
    write_json(folder / f"{name}.json", findings.data)
    for file, table in findings.files.items():
        write_csv(folder / file, table.head, table.rows)
