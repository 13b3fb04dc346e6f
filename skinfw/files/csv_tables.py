"""Read the tables that data sets come with, and say exactly what is wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw.errors import SkinfwError
from skinfw.interfaces.values import DataTable

if TYPE_CHECKING:
    import pandas as pd

CURE = "mend the file, or download it again"


def read_csv(file: Path, required: Sequence[str], filled: bool = False) -> pd.DataFrame:
    """Read a CSV with a header; all values are texts without blanks around them.

    file: the CSV.
    required: columns that must be there.
    filled: whether a header alone is wrong.
    Row n of the table is line n + 2 of the file. Raises SkinfwError with the file and the line.
    """
    import pandas as pd  # data sets are imported with their recipe, which must not wait for it

    try:
        table = pd.read_csv(
            file,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,  # a comma at the end of each row must not shift the columns
            skip_blank_lines=False,  # so that row numbers are line numbers
        )
    except FileNotFoundError:
        raise line_error(file, 0, "the file does not exist") from None
    except pd.errors.EmptyDataError:
        raise line_error(file, 1, "the file is empty") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise line_error(file, 0, "the file is no readable CSV", str(error)) from error
    missing = [name for name in required if name not in table.columns]
    if missing:
        header = ",".join(map(str, table.columns))
        raise line_error(file, 1, f"the header lacks {', '.join(missing)}", f"it is {header[:160]}")
    if filled and table.empty:
        raise line_error(file, 2, "there is a header and no row")
    stripped: pd.DataFrame = table.apply(lambda column: column.str.strip())
    return stripped


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
