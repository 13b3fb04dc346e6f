"""Read a CSV that people have touched, and say exactly what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import SkinfwError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(file: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a CSV with a header; all values are texts without blanks around them.

    file: the CSV.
    required: columns that must be there.
    Raises SkinfwError with the file and the line.
    """
    import pandas as pd

    try:
        table = pd.read_csv(
            file,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
            skip_blank_lines=False,  # so that row numbers are line numbers
        )
    except FileNotFoundError:
        raise wrong(file, 0, "the file does not exist") from None
    except pd.errors.EmptyDataError:
        raise wrong(file, 1, "the file is empty") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise wrong(file, 0, "the file is no readable CSV", str(error)) from error
    missing = [name for name in required if name not in table.columns]
    if missing:
        header = ",".join(map(str, table.columns))
        raise wrong(file, 1, f"the header lacks {', '.join(missing)}", f"it is {header[:160]}")
    return table.apply(lambda column: column.str.strip())


def refuse(file: Path, rows: pd.Series[bool], values: pd.Series[str], what: str) -> None:
    """Raise with the line of the first wrong row and the number of all.

    rows: which are wrong.
    values: shown for the first one.
    """
    if rows.any():
        row, count = int(rows.to_numpy().argmax()), int(rows.sum())
        more = f" (and {count - 1} more rows)" if count > 1 else ""
        raise wrong(file, row + 2, what, f'it is "{values.iloc[row]}"{more}')


def wrong(file: Path, line: int, what: str, why: str = "") -> SkinfwError:
    """Return the error about a line of a file; 0 for the whole file."""
    where = f"{file}:{line}" if line else str(file)
    return SkinfwError(what, where, why, "mend the file, or download it again")
