"""From the bytes of a CSV to its rows: a line is a row, and two readings of it must agree."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice, tee
from pathlib import Path
from typing import BinaryIO

from skinfw.errors import SkinfwError

MAX_BYTES = 2**30
MAX_ROWS = 5_000_000
MAX_LINE = 2_000_000  # characters
MAX_COLUMNS = 10_000
MAX_CELL = 100_000  # characters
LOOK_AHEAD = 10_000  # lines in which it is looked for where a quote closes
CURE = "mend the file, or get it again from where it came"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HARMFUL = re.compile(
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
    `split_line`, which knows lines. No more of the file is held than a line. Raises SkinfwError
    with file and line where they disagree, where either cannot read, or where the file is larger
    than a table for images can be.
    """
    lines, same = tee(_physical_lines(file))
    reader = csv.reader(same, strict=True)
    for line, text in enumerate(lines, 1):
        cells = split_line(file, line, text, lines)
        try:
            other = next(reader, None)
        except csv.Error as error:
            raise line_error(file, line, "the line is no CSV", str(error)) from error
        if (other or [""]) != cells:
            raise line_error(file, line, "the line is no CSV", "it can be read in two ways")
        yield [cell.strip() for cell in cells]


def split_line(file: Path, line: int, text: str, later: Iterable[str] = ()) -> list[str]:
    """Return the cells of one line.

    file, line: where it stands.
    text: the line.
    later: the lines behind it, to tell where a quote closes.
    """
    if text.count(",") >= MAX_COLUMNS:
        what = f"the line has {text.count(',') + 1:,} cells"
        raise line_error(file, line, what, f"a table may have {MAX_COLUMNS:,} columns")
    cells = _quoted_cells(file, line, text, later) if '"' in text else text.split(",")
    if len(text) > MAX_CELL and (longest := max(map(len, cells))) > MAX_CELL:
        what = f"a cell has {longest:,} letters"
        raise line_error(file, line, what, f"a cell may have {MAX_CELL:,}")
    return cells


def _quoted_cells(file: Path, line: int, text: str, later: Iterable[str]) -> list[str]:
    """Return the cells of a line with quotes: around a whole cell, and twice inside of it."""
    cells, place = [], 0
    while True:
        if text.startswith('"', place):
            quoted = _QUOTED.match(text, place)
            if quoted is None:
                raise _open_quote(file, line, later)
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


def _open_quote(file: Path, line: int, later: Iterable[str]) -> SkinfwError:
    """Return the error about a quote that does not close in its line."""
    last = line
    for last, text in enumerate(islice(later, LOOK_AHEAD), line + 1):
        if '"' in text:
            why = f"a quote that opens there closes in line {last}"
            return line_error(file, line, "one row goes over several lines", why)
    if last - line == LOOK_AHEAD:
        what = f"a quote opens there and closes in none of the next {LOOK_AHEAD:,} lines"
        return line_error(file, line, what)
    return line_error(file, line, "a quote opens there and never closes")


def _physical_lines(file: Path) -> Iterator[str]:
    """Yield the lines of a file without their ends, once nothing hides in them."""
    number = total = 0
    with _opened(file) as source:
        while (raw := _read_line(file, source, number + 1)) and (number or raw != codecs.BOM_UTF8):
            number, total = number + 1, total + len(raw)
            _refuse_large(file, total, number)
            line = _text(file, number, raw)
            line = line.removesuffix("\n").removesuffix("\r")
            if "\r" in line:
                why = (
                    "a carriage return without a line feed is there; to some programs it ends a row"
                )
                raise line_error(file, number, "the file ends its lines in two ways", why)
            if len(line) > MAX_LINE:
                what = f"the line has {len(line):,} letters"
                raise line_error(file, number, what, f"a line may have {MAX_LINE:,}")
            seen = line.isprintable() or line.replace("\t", "").isprintable()
            if not seen and (hidden := HARMFUL.search(line)):
                what = f"the line holds U+{ord(hidden[0]):04X}, which cannot be seen"
                raise line_error(file, number, what)
            yield line
    if not number:
        raise line_error(file, 1, "the file is empty")


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, once it is known that it is no larger than a table can be."""
    try:
        source = file.open("rb")
    except FileNotFoundError:
        raise line_error(file, 0, "the file does not exist") from None
    except (OSError, ValueError) as error:
        raise line_error(file, 0, "the file is no readable CSV", str(error)) from error
    with source:
        _refuse_large(file, file.stat().st_size, 0)
        yield source


def _read_line(file: Path, source: BinaryIO, number: int) -> bytes:
    """Return a line with its end; no more than is too long, whatever stands there."""
    try:
        return source.readline(4 * MAX_LINE + 8)
    except (OSError, ValueError) as error:
        raise line_error(file, number, "the file is no readable CSV", str(error)) from error


def _refuse_large(file: Path, total: int, lines: int) -> None:
    """Refuse a file with more bytes or lines than a table for images has."""
    if total > MAX_BYTES:
        why = f"a table may have {MAX_BYTES // 2**20} MiB"
        raise line_error(file, 0, "the file is too large for a table", why)
    if lines > MAX_ROWS:
        what = f"the file has more than {MAX_ROWS:,} lines"
        raise line_error(file, 0, what, f"a table may have {MAX_ROWS:,}")


def _text(file: Path, number: int, raw: bytes) -> str:
    """Return the letters of a line."""
    cure = "save it as CSV in UTF-8"
    if number == 1 and raw.startswith(_UTF16):
        raise line_error(file, 0, "the file is no readable CSV", "it is in UTF-16", cure)
    try:
        return (raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw).decode()
    except UnicodeDecodeError as error:
        why = f"the byte 0x{raw[error.start]:02x} is there, which is no UTF-8"
        raise line_error(file, number, "the file is no readable CSV", why, cure) from error
