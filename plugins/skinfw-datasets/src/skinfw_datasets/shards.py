"""Images in few large files, as `skinfw data shard` writes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skinfw import (
    DataTable,
    SkinfwError,
    read_csv,
    read_table,
    refuse_ids,
    refuse_names,
    refuse_rows,
    rows_of,
)
from skinfw.toolkit import Schema, read_record

FORMAT = 1
RECORD, INDEX = "shards.json", "index"
_CURE = "write the shards again: skinfw data shard"
_PLACE = r"shard-[0-9]{5,9}\.tar#[0-9]{1,15}\+[0-9]{1,12}\+[0-9a-f]{8}/[A-Za-z0-9_-][A-Za-z0-9._-]*"
"""Nothing in it leads out of the folder, whoever wrote the index."""


class _ShardsSchema(Schema):
    """Say what of shards.json is read."""

    format: int
    classes: list[str]
    pictures: list[str]
    images: int
    notes: list[str]
    marks: list[str]


@dataclass(frozen=True, kw_only=True)
class Shards:
    """Read a data set from the shards that `skinfw data shard` has written.

    Classes, the order of rows, metadata, notes and marks are those of the data set that was
    written, so that a run draws the same as from its files. Each image is read from its place in
    its shard, and its CRC-32 is checked every time.

    root: the folder with shards.json, the index, and the shards.
    """

    root: Path

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return tuple(self._record.classes)

    def table(self) -> DataTable:
        """Return a row per image."""
        record = self._record
        wanted = ["id", "path", "label", "lesion", *record.pictures]
        file = self.root / f"{INDEX}.parquet"
        if file.is_file():
            table = read_table(file, wanted, filled=True)
        else:
            file = self.root / f"{INDEX}.csv"
            table = read_csv(file, wanted, filled=True, own=True)
        if len(table) != record.images:
            raise SkinfwError(
                f"the index has {len(table):,} of {record.images:,} images", str(file), cure=_CURE
            )
        refuse_ids(table["id"].tolist(), rows_of(file))
        for column in ("label", "lesion"):
            refuse_names(table[column], rows_of(file))
        for column in ("path", *record.pictures):
            what = f"the {column} names no piece of a shard"
            wrong = ~table[column].str.fullmatch(_PLACE)
            refuse_rows(file, wrong, table[column], what)
            table[column] = f"{self.root}/" + table[column]
        return DataTable(table, tuple(record.notes), tuple(record.marks))

    @cached_property
    def _record(self) -> _ShardsSchema:
        """Return what the writer has said of the data set."""
        file = self.root / RECORD
        if not file.is_file():
            raise SkinfwError(
                "the data set's root holds no shards",
                str(self.root),
                f"there is no {RECORD}, which is written last",
                "set its root to what skinfw data shard wrote as --out",
            )
        record = _ShardsSchema.model_validate(read_record(_ShardsSchema, file, _CURE))
        if record.format != FORMAT:
            what = f"the shards have the format {record.format}, and this skinfw reads {FORMAT}"
            raise SkinfwError(what, str(file), cure=_CURE)
        return record
