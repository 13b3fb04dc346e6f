"""Write CSV files whose cells no spreadsheet computes, and take the guard off again.

A spreadsheet computes a cell that begins with one of a few signs, whoever put it there, and may
call programs or send what is in the table elsewhere (OWASP, CSV injection). An apostrophe before it
makes it a text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

from skinfw.files.atomic import atomic_write

# The wide ones are what Japanese keyboards write; spreadsheets take them for the others.
_COMPUTED = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def guarded_cell(value: Any) -> Any:
    """Return a cell as it is written: a text that would be computed behind an apostrophe.

    value: numbers stay numbers, as do texts that are nothing but a number; what was not measured
        becomes blank.
    """
    if isinstance(value, str):
        computed = _COMPUTED.match(value) and not _NUMBER.fullmatch(value)
        return f"'{value}" if computed else value
    return "" if value != value else value


def original_text(cell: str) -> str:
    """Return the text that `guarded_cell` has guarded, exactly.

    cell: as it was read.
    """
    return cell[1:] if cell.startswith("'") and _COMPUTED.match(cell) else cell


class CsvWriter:
    """Write rows to an open file, their cells guarded."""

    def __init__(self, sink: TextIO) -> None:
        """Keep the file, which was opened with newline=""."""
        self._sink = sink
        # The csv module quotes a carriage return inside of a cell only where lines end in one.
        self._rows = csv.writer(self, lineterminator="\r\n")

    def write(self, line: str) -> None:
        """Write a line that the csv module made."""
        if not line.isascii():  # a file's name may hold bytes that are no text
            line = line.encode(errors="backslashreplace").decode()
        self._sink.write(line.removesuffix("\r\n") + "\n")

    def writerow(self, row: Iterable[Any]) -> None:
        """Write a row."""
        self._rows.writerow([guarded_cell(cell) for cell in row])


def write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table; a number that was not measured becomes blank.

    file: the target.
    header: names of the columns.
    rows: a cell for each column; texts that a spreadsheet would compute are guarded.
    Raises SkinfwError where it cannot be written.
    """
    with (
        atomic_write(file) as partial,
        partial.open("w", encoding="utf-8", newline="") as sink,
    ):
        lines = CsvWriter(sink)
        lines.writerow(header)
        for row in rows:
            lines.writerow(row)
