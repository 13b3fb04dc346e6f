"""Read the tables that data sets come with, and say exactly what is wrong with one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw.errors import SkinfwError
from skinfw.files.csv_lines import CURE, csv_lines, line_error
from skinfw.files.spreadsheets import original_text
from skinfw.guards.names import first_alike, id_fault, name_fault, shown
from skinfw.interfaces.values import DataTable

if TYPE_CHECKING:
    import pandas as pd


_ROWS_AT_ONCE = 50_000
"""Rows of a file that are lists of texts at one time; the table itself is smaller."""


def csv_rows(
    file: Path, required: Sequence[str] = (), own: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the header of a CSV as line 1, then each row with its line; nothing is guessed.

    file: as `csv_lines` reads it. Columns without a name are left out where they are blank, or the
        first one, where it counts the rows as pandas does.
    required: columns that must be there.
    own: whether skinfw wrote the file, so that its cells are as `write_csv` guards them.
    Raises SkinfwError with the file and the line where a row has too few or too many cells, or
    where anything in it could be read in two ways.
    """
    lines = csv_lines(file)
    if own:
        lines = ([original_text(cell) for cell in cells] for cells in lines)
    header = next(lines)
    yield 1, check_header(file, header, required, own)
    named = [place for place, name in enumerate(header) if name]
    unnamed = [place for place, name in enumerate(header) if not name]
    blank = 0
    for line, cells in enumerate(lines, 2):
        if not any(cells):
            blank = blank or line  # nothing is lost where no row comes after it
            continue
        if blank:
            raise line_error(file, blank, "a blank line stands between the rows")
        if len(cells) < len(header) or any(cells[len(header) :]):
            what = f"the row has {len(cells)} cells, the header {len(header)}"
            raise line_error(file, line, what)
        for place in unnamed:
            if cells[place] and not (place == 0 and cells[0] == str(line - 2)):
                what = f"column {place + 1} has values and no name"
                raise line_error(file, line, what, cure="name it in the header, or clear it")
        yield line, [cells[place] for place in named] if unnamed else cells[: len(header)]


def check_header(
    file: Path, header: Sequence[str], required: Sequence[str], own: bool
) -> list[str]:
    """Return the names of the columns, once they are known to be what is needed."""
    names = [name for name in header if name]
    present, is_header = set(names), f"it is {','.join(header)[:160]}"
    if missing := [name for name in required if name not in present]:
        why = _other_delimiter(header) or _other_spelling(names, missing) or is_header
        raise line_error(file, 1, f"the header lacks {', '.join(missing)}", why)
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise line_error(file, 1, f"the header has {', '.join(twice)} twice", is_header)
    if own:  # numbers of metrics have whatever names their authors gave them
        return names
    for name in names:
        if fault := name_fault(name):
            raise line_error(file, 1, f"the header cannot have the name {shown(name)}", fault)
    if alike := first_alike(names):
        one, other = (names[place] for place in alike)
        what = f"the header has {shown(one)} and {shown(other)}, which differ in no way one sees"
        raise line_error(file, 1, what, is_header)
    return names


def _other_delimiter(header: Sequence[str]) -> str:
    """Say what parts the cells of a header that has none, but no comma either."""
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(header) == 1 and sign in header[0]:
            return f"its cells are parted by {name}; they must be by commas"
    return ""


def _other_spelling(names: Sequence[str], missing: Sequence[str]) -> str:
    """Name a column that is meant, but spelled in another way."""
    for name in missing:
        for other in names:
            if first_alike([name, other]):
                return f'it has "{other}", and the column is called "{name}"'
    return ""


def read_csv(
    file: Path,
    required: Sequence[str],
    filled: bool = False,
    own: bool = False,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a CSV with a header as `csv_rows` does; all values are texts.

    file: the CSV.
    required: columns that must be there.
    filled: whether a header alone is wrong.
    own: whether skinfw wrote the file, as for `csv_rows`.
    columns: those to keep, of the required ones, in their order; None for all of the file.
    Row n of the table is line n + 2 of the file. Raises SkinfwError with the file and the line.
    """
    import pandas as pd  # data sets are imported with their recipe, which must not wait for it

    lines = csv_rows(file, required, own)
    _, header = next(lines)
    places = None if columns is None else [header.index(name) for name in columns]
    names = header if columns is None else list(columns)
    parts = []
    while rows := [cells for _, cells in islice(lines, _ROWS_AT_ONCE)]:
        if places is not None:
            rows = [[cells[place] for place in places] for cells in rows]
        parts.append(pd.DataFrame(rows, columns=names, dtype=str))
    if filled and not parts:
        raise line_error(file, 2, "there is a header and no row")
    if len(parts) < 2:
        return parts[0] if parts else pd.DataFrame([], columns=names, dtype=str)
    return pd.concat(parts, ignore_index=True)


def refuse_rows(file: Path, rows: pd.Series[bool], values: pd.Series[str], what: str) -> None:
    """Raise with the line of the first wrong row and the number of all.

    rows: which are wrong.
    values: shown for the first one.
    """
    if rows.any():
        row, count = int(rows.to_numpy().argmax()), int(rows.sum())
        more = f" (and {count - 1} more rows)" if count > 1 else ""
        why = f"it is {shown(values.iloc[row])}{more}"
        raise SkinfwError(what, rows_of(file)(row), why, CURE)


def refuse_names(values: Iterable[str], where: Callable[[int], str]) -> None:
    """Raise where a label, lesion or the like is no name, or two look the same and are not.

    values: texts of a column; blank ones are left alone.
    where: the place of a row by its number, such as `rows_of(file)`.
    """
    first: dict[str, int] = {}
    for row, value in enumerate(values):
        if value and value not in first:
            first[value] = row
            if fault := name_fault(value):
                raise SkinfwError(f"{shown(value)} cannot be a name", where(row), fault, CURE)
    names = list(first)
    if alike := first_alike(names):
        one, other = (names[place] for place in alike)
        what = f"{shown(one)} and {shown(other)} differ in no way one sees"
        raise SkinfwError(what, where(first[other]), f"the first is in {where(first[one])}", CURE)


def refuse_ids(values: Sequence[str], where: Callable[[int], str]) -> None:
    """Raise where an id is blank, a path that leads elsewhere, or one that another image has.

    values: the ids of all images.
    where: the place of a row by its number, such as `rows_of(file)`.
    """
    faults = map(id_fault, values)
    for row, (value, fault) in enumerate(zip(values, faults, strict=True)):
        if fault:
            what = f"an image cannot have the id {shown(value)}" if value else "an image has no id"
            raise SkinfwError(what, where(row), fault if value else "", CURE)
    if alike := first_alike(values):
        one, other = (values[place] for place in alike)
        what = (
            f"the id {shown(one)} occurs twice"
            if one == other
            else f"the ids {shown(one)} and {shown(other)} differ in no way one sees"
        )
        raise SkinfwError(what, where(alike[1]), f"the other one is in {where(alike[0])}", CURE)


def rows_of(file: Path) -> Callable[[int], str]:
    """Return what names the place of a row of `read_table` by its number."""
    if file.suffix == ".parquet":
        return lambda row: f"{file}, row {row + 1}"
    return lambda row: f"{file}:{row + 2}"


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
