"""Read the tables that data sets come with, and say exactly what is wrong with one."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw.errors import SkinfwError
from skinfw.interfaces.values import DataTable

if TYPE_CHECKING:
    import pandas as pd

CURE = "mend the file, or get it again from where it came"


def csv_rows(file: Path, required: Sequence[str] = ()) -> Iterator[tuple[int, list[str]]]:
    """Yield the header of a CSV as line 1, then each row with its line; nothing is guessed.

    file: in UTF-8. Blanks around cells are left out, and columns without a name.
    required: columns that must be there.
    Raises SkinfwError with the file and the line where a row has too few or too many cells, or
    where a quote would make one row of several lines.
    """
    line, blank = 0, 0
    header: list[str] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            for row in reader:
                line, cells = line + 1, [cell.strip() for cell in row]
                if reader.line_num > line:
                    why = f"a quote that opens there closes in line {reader.line_num}"
                    raise line_error(file, line, "one row goes over several lines", why)
                if line == 1:
                    header = cells
                    yield 1, _check_header(file, header, required)
                elif not any(cells):
                    blank = blank or line  # nothing is lost where no row comes after it
                elif blank:
                    raise line_error(file, blank, "a blank line stands between the rows")
                elif len(cells) < len(header) or any(cells[len(header) :]):
                    what = f"the row has {len(cells)} cells, the header {len(header)}"
                    raise line_error(file, line, what)
                else:
                    named = zip(header, cells, strict=False)
                    yield line, [cell for name, cell in named if name]
    except FileNotFoundError:
        raise line_error(file, 0, "the file does not exist") from None
    except csv.Error as error:
        raise line_error(file, line + 1, "the line is no CSV", str(error)) from error
    except (UnicodeDecodeError, OSError) as error:
        raise line_error(file, 0, "the file is no readable CSV", str(error)) from error
    if not line:
        raise line_error(file, 1, "the file is empty")


def _check_header(file: Path, header: Sequence[str], required: Sequence[str]) -> list[str]:
    """Return the names of the columns, once they are known to be what is needed."""
    names = [name for name in header if name]
    is_header = f"it is {','.join(header)[:160]}"
    if missing := [name for name in required if name not in names]:
        raise line_error(file, 1, f"the header lacks {', '.join(missing)}", is_header)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise line_error(file, 1, f"the header has {', '.join(twice)} twice", is_header)
    return names


def read_csv(file: Path, required: Sequence[str], filled: bool = False) -> pd.DataFrame:
    """Read a CSV with a header as `csv_rows` does; all values are texts.

    file: the CSV.
    required: columns that must be there.
    filled: whether a header alone is wrong.
    Row n of the table is line n + 2 of the file. Raises SkinfwError with the file and the line.
    """
    import pandas as pd  # data sets are imported with their recipe, which must not wait for it

    lines = csv_rows(file, required)
    _, header = next(lines)
    rows = [cells for _, cells in lines]
    if filled and not rows:
        raise line_error(file, 2, "there is a header and no row")
    return pd.DataFrame(rows, columns=header, dtype=str)


def refuse_rows(file: Path, rows: pd.Series[bool], values: pd.Series[str], what: str) -> None:
    """Raise with the line of the first wrong row and the number of all.

    rows: which are wrong.
    values: shown for the first one.
    """
    if rows.any():
        row, count = int(rows.to_numpy().argmax()), int(rows.sum())
        more = f" (and {count - 1} more rows)" if count > 1 else ""
        raise line_error(file, row + 2, what, f'it is "{values.iloc[row]}"{more}')


def line_error(file: Path, line: int, what: str, why: str = "") -> SkinfwError:
    """Return the error about a line of a file; 0 for the whole file."""
    return SkinfwError(what, f"{file}:{line}" if line else str(file), why, CURE)


def present_rows(
    table: pd.DataFrame, absent: pd.Series[bool], missing: Literal["error", "drop"], where: str
) -> DataTable:
    """Return the rows whose images exist, with a note about the others, if there are any.

    table: with the column id.
    absent: whose images do not exist.
    missing: raise where an image is absent, or drop its row.
    where: the place, for the message.
    """
    count, total = int(absent.sum()), len(table)
    if not count:
        return DataTable(table.reset_index(drop=True))
    if missing == "error":
        raise SkinfwError(
            f"{count:,} of {total:,} images are absent",
            where,
            f"the first is that of {table.loc[absent, 'id'].iloc[0]}",
            'complete the download, or set dataset.missing = "drop"',
        )
    note = f"{count:,} of {total:,} images are absent and left out"
    return DataTable(table[~absent].reset_index(drop=True), (note,), absent=count)
