"""Read tables of data sets that are CSV or Parquet, with the same promises for both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.errors import SkinfwError
from skinfw.files.csv_lines import (
    CURE,
    HARMFUL,
    MAX_BYTES,
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    line_error,
)
from skinfw.files.csv_tables import check_header, read_csv, rows_of
from skinfw.files.extras import import_extra

if TYPE_CHECKING:
    import pandas as pd

PARQUET = ".parquet"
_MAX_CELLS = MAX_BYTES // 2
"""As a CSV has a letter and a comma for each."""
_ROWS, _BYTES = 65_536, 1 << 26
"""What is read at one time: rows, and the letters that they may have."""


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
    cure = "pip install 'skinfw[parquet]', or save the table as CSV"
    arrow, parquet = (
        import_extra(name, "reading Parquet", str(file), cure)
        for name in ("pyarrow", "pyarrow.parquet")
    )
    try:
        with file.open("rb") as source, parquet.ParquetFile(source) as content:
            names = list(content.schema_arrow.names)
            check_header(file, _bounded(file, content, names), required, False)
            kept = list(columns) if columns is not None else names
            table = _read(file, content, kept)
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


def _read(file: Path, content: Any, columns: list[str]) -> Any:
    """Return the columns of a table, once none can be more than a CSV may hold.

    A file of a kilobyte may say that one text, or nothing at all, stands in a billion cells.
    """
    import pyarrow as arrow

    if content.metadata.num_rows * len(columns) > _MAX_CELLS:
        cells = content.metadata.num_rows * len(columns)
        raise line_error(file, 0, f"{cells:,} cells would be read", f"{_MAX_CELLS:,} may be")
    kinds = {name: _kind(file, name, content.schema_arrow.field(name).type) for name in columns}
    schema = arrow.schema(list(kinds.items()))
    parts, total = [], 0
    for batch in content.iter_batches(
        _rows_at_once(file, content, kinds), columns=columns, use_threads=False
    ):  # each thread would hold a column
        part = arrow.Table.from_batches([batch]).select(columns).cast(schema)
        parts.append(part)
        total += part.nbytes
        if total > 2 * MAX_BYTES:
            why = f"a table may have {2 * MAX_BYTES // 2**20} MiB"
            raise line_error(file, 0, "the file is too large for a table", why)
    return arrow.concat_tables(parts) if parts else schema.empty_table()


def _rows_at_once(file: Path, content: Any, kinds: Mapping[str, Any]) -> int:
    """Return how many rows are read at one time, so that even the longest texts fit.

    kinds: of the columns that are read.
    """
    import pyarrow as arrow
    import pyarrow.compute as compute
    from pyarrow import parquet

    texts = [name for name, kind in kinds.items() if str(kind) in ("string", "large_string")]
    groups = content.metadata.num_row_groups if texts else 0
    width = 0
    with file.open("rb") as source, parquet.ParquetFile(source, read_dictionary=texts) as coded:
        for group in range(groups):
            first = next(coded.iter_batches(1, [group], texts, use_threads=False), None)
            widths = []
            for column in first.columns if first else ():
                if arrow.types.is_dictionary(column.type) and len(column.dictionary):
                    widths.append(compute.max(compute.binary_length(column.dictionary)).as_py())
            width = max(width, sum(own or 0 for own in widths))
    return max(1, min(_ROWS, _BYTES // max(1, width)))


def _kind(file: Path, name: str, kind: Any) -> Any:
    """Return the kind of a column's values, which texts can be made of."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    simple = (types.is_string, types.is_large_string, types.is_integer, types.is_floating,
              types.is_boolean, types.is_null)  # fmt: skip
    if not any(own(kind) for own in simple):
        what = f"the column {name} holds {kind}"
        raise line_error(file, 0, what, "texts, numbers, true and false are read")
    return kind


def _texts(file: Path, table: Any) -> pd.DataFrame:
    """Return a table of Arrow as one of texts."""
    import pandas as pd
    import pyarrow as arrow
    import pyarrow.compute as compute

    made = {}
    for name in table.column_names:
        values, kind = table.column(name), table.column(name).type
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
