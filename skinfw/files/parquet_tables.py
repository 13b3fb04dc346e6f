"""Read tables of data sets that are CSV or Parquet, with the same promises for both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.errors import SkinfwError
from skinfw.files.csv_lines import CURE, HARMFUL, MAX_CELL, MAX_COLUMNS, MAX_ROWS, line_error
from skinfw.files.csv_tables import check_header, read_csv, rows_of

if TYPE_CHECKING:
    import pandas as pd

PARQUET = ".parquet"


def read_table(
    file: Path,
    required: Sequence[str],
    filled: bool = False,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read a table of texts: Parquet where the file's name ends in .parquet, else a CSV.

    file, required, filled, columns: as for `read_csv`.
    Numbers of Parquet are written as digits, what is absent is blank. Raises SkinfwError with the
    file and the line or row.
    """
    if file.suffix != PARQUET:
        return read_csv(file, required, filled, columns=columns)
    arrow, parquet = _pyarrow(file)
    try:
        with file.open("rb") as source, parquet.ParquetFile(source) as content:
            names = list(content.schema_arrow.names)
            check_header(file, _bounded(file, content, names), required, False)
            kept = list(columns) if columns is not None else names
            table = content.read(kept, use_threads=False)  # each thread would hold a column
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these
        why = " ".join(str(error).split())
        raise line_error(file, 0, "the file is no readable Parquet", why) from error
    if filled and not table.num_rows:
        raise line_error(file, 0, "the table has no row")
    made = _texts(file, table.select(kept))
    del table
    arrow.default_memory_pool().release_unused()
    return made


def _bounded(file: Path, content: Any, names: Sequence[str]) -> Sequence[str]:
    """Return the names of the columns, once the table is known to be no larger than tables are."""
    rows = content.metadata.num_rows
    for count, most, what in ((rows, MAX_ROWS, "rows"), (len(names), MAX_COLUMNS, "columns")):
        if count > most:
            why = f"a table may have {most:,}"
            raise line_error(file, 0, f"the file has {count:,} {what}", why)
    if "" in names:
        raise line_error(file, 0, "a column has no name")
    return names


def _texts(file: Path, table: Any) -> pd.DataFrame:
    """Return a table of Arrow as one of texts."""
    import pandas as pd
    import pyarrow as arrow
    import pyarrow.compute as compute

    made = {}
    for name in table.column_names:
        values, kind = table.column(name), table.column(name).type
        if arrow.types.is_dictionary(kind):
            kind = kind.value_type
            values = values.cast(kind)
        simple = (arrow.types.is_string, arrow.types.is_large_string, arrow.types.is_integer,
                  arrow.types.is_floating, arrow.types.is_boolean, arrow.types.is_null)  # fmt: skip
        if not any(own(kind) for own in simple):
            what = f"the column {name} holds {kind}"
            raise line_error(file, 0, what, "texts, numbers, true and false are read")
        if arrow.types.is_floating(kind):
            values = compute.if_else(compute.is_nan(values), arrow.scalar(None, kind), values)
        texts = compute.utf8_trim_whitespace(values.cast(arrow.string())).fill_null("")
        _refuse_hidden(file, name, texts)
        made[name] = texts.to_pandas().astype(str)
        del values, texts
    return pd.DataFrame(made)


def _refuse_hidden(file: Path, name: str, texts: Any) -> None:
    """Raise for a cell that is too long, or holds letters that cannot be seen."""
    import pyarrow.compute as compute

    doubtful = compute.or_(
        compute.invert(compute.utf8_is_printable(texts)),
        compute.greater(compute.utf8_length(texts), MAX_CELL),
    )
    for row in compute.indices_nonzero(doubtful).to_pylist():
        text = texts[row].as_py()
        if len(text) > MAX_CELL:
            what = f"a cell of {name} has {len(text):,} letters"
            raise SkinfwError(what, rows_of(file)(row), f"a cell may have {MAX_CELL:,}", CURE)
        if hidden := re.search(HARMFUL.pattern + "|[\r\n]", text):
            what = f"{name} holds U+{ord(hidden[0]):04X}, which cannot be seen"
            raise SkinfwError(what, rows_of(file)(row), "", CURE)


def _pyarrow(file: Path) -> tuple[Any, Any]:
    """Return pyarrow, and its part for Parquet."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        cure = "pip install 'skinfw[parquet]', or save the table as CSV"
        raise SkinfwError(
            "reading Parquet needs pyarrow, which is not installed", str(file), str(error), cure
        ) from error
    return pyarrow, parquet
