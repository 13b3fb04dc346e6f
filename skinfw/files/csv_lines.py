"""From the bytes of a CSV to its rows: a line is a row, and two readings of it must agree."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from skinfw.errors import SkinfwError

MAX_BYTES = 256 * 2**20
MAX_ROWS = 5_000_000
MAX_LINE = 2_000_000  # characters
MAX_COLUMNS = 10_000
MAX_CELL = 100_000  # characters
CURE = "mend the file, or get it again from where it came"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')


def line_error(file: Path, line: int, what: str, why: str = "", cure: str = CURE) -> SkinfwError:
    """Return the error about a line of a file; 0 for the whole file."""
    return SkinfwError(what, f"{file}:{line}" if line else str(file), why, cure)


def csv_lines(file: Path) -> Iterator[list[str]]:
    """Yield the cells of each line of a CSV, blanks around them left out.

    file: in UTF-8, its cells parted by commas, a row in each line, quotes as RFC 4180 has them.
    What is yielded was read twice: by the csv module, which reads a stream of letters, and by
    `split_line`, which knows lines. Raises SkinfwError with file and line where they disagree,
    where either cannot read, or where the file is larger than a table for images can be.
    """
    lines = _physical_lines(file)
    reader = csv.reader(lines, strict=True)
    for line, text in enumerate(lines, 1):
        cells = split_line(file, line, text, lines)
        try:
            other = next(reader, None)
        except csv.Error as error:
            raise line_error(file, line, "the line is no CSV", str(error)) from error
        if (other or [""]) != cells:
            raise line_error(file, line, "the line is no CSV", "it can be read in two ways")
        yield [cell.strip() for cell in cells]


def split_line(file: Path, line: int, text: str, lines: Sequence[str] = ()) -> list[str]:
    """Return the cells of one line.

    file, line: where it stands.
    text: the line.
    lines: all of the file, to tell where a quote closes.
    """
    if text.count(",") >= MAX_COLUMNS:
        what = f"the line has {text.count(',') + 1:,} cells"
        raise line_error(file, line, what, f"a table may have {MAX_COLUMNS:,} columns")
    cells = _quoted_cells(file, line, text, lines) if '"' in text else text.split(",")
    if len(text) > MAX_CELL and (longest := max(map(len, cells))) > MAX_CELL:
        what = f"a cell has {longest:,} letters"
        raise line_error(file, line, what, f"a cell may have {MAX_CELL:,}")
    return cells


def _quoted_cells(file: Path, line: int, text: str, lines: Sequence[str]) -> list[str]:
    """Return the cells of a line with quotes: around a whole cell, and twice inside of it."""
    cells, place = [], 0
    while True:
        if text.startswith('"', place):
            quoted = _QUOTED.match(text, place)
            if quoted is None:
                raise _open_quote(file, line, lines)
            cell, end = quoted[1].replace('""', '"'), quoted.end()
        else:
            end = text.find(",", place)
            end = len(text) if end < 0 else end
            cell = text[place:end]
            if '"' in cell:
                why = "a cell with quotes has them around all of it, and twice inside"
                raise line_error(file, line, "a stray quote stands in a cell", why)
        cells.append(cell)
        if end == len(text):
            return cells
        if text[end] != ",":
            what = "the line is no CSV"
            raise line_error(file, line, what, "letters stand behind a quote that closes a cell")
        place = end + 1


def _open_quote(file: Path, line: int, lines: Sequence[str]) -> SkinfwError:
    """Return the error about a quote that does not close in its line."""
    later = (number for number, text in enumerate(lines, 1) if number > line and '"' in text)
    closes = next(later, None)
    if closes is None:
        return line_error(file, line, "a quote opens there and never closes")
    why = f"a quote that opens there closes in line {closes}"
    return line_error(file, line, "one row goes over several lines", why)


def _physical_lines(file: Path) -> list[str]:
    """Return the lines of a file without their ends, once nothing hides in them."""
    text = _text(file)
    if not text:
        raise line_error(file, 1, "the file is empty")
    if text.count("\n") > MAX_ROWS:
        what = f"the file has {text.count(chr(10)):,} lines"
        raise line_error(file, 0, what, f"a table may have {MAX_ROWS:,}")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if bad := next((place for place, line in enumerate(lines, 1) if len(line) > MAX_LINE), 0):
        what = f"the line has {len(lines[bad - 1]):,} letters"
        raise line_error(file, bad, what, f"a line may have {MAX_LINE:,}")
    seen = text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
        if bad := next((place for place, line in enumerate(lines, 1) if "\r" in line), 0):
            why = "a carriage return without a line feed is there; to some programs it ends a row"
            raise line_error(file, bad, "the file ends its lines in two ways", why)
    for number, line in () if seen else enumerate(lines, 1):
        if hidden := _HARMFUL.search(line):
            what = f"the line holds U+{ord(hidden[0]):04X}, which cannot be seen"
            raise line_error(file, number, what)
    return lines


def _text(file: Path) -> str:
    """Return what a file holds."""
    try:
        with file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise line_error(file, 0, "the file does not exist") from None
    except (OSError, ValueError) as error:
        raise line_error(file, 0, "the file is no readable CSV", str(error)) from error
    if len(content) > MAX_BYTES:
        why = f"a table may have {MAX_BYTES // 2**20} MiB"
        raise line_error(file, 0, "the file is too large for a table", why)
    cure = "save it as CSV in UTF-8"
    if content.startswith(_UTF16):
        raise line_error(file, 0, "the file is no readable CSV", "it is in UTF-16", cure)
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = f"the byte 0x{content[error.start]:02x} is there, which is no UTF-8"
        raise line_error(file, line, "the file is no readable CSV", why, cure) from error
