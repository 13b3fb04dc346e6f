"""Write the images of a data set into few large files, tar archives, with an index."""

from __future__ import annotations

import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError, atomic_write, write_csv, write_json
from skinfw.toolkit import Limits, import_extra, piece_name, prefetch, read_file, reading_threads
from skinfw_datasets.shards import FORMAT, INDEX, RECORD

if TYPE_CHECKING:
    from skinfw import DataTable

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_HEADER = 512
"""Bytes before each file of a tar archive."""
_AHEAD = 64


def write_shards(
    data: DataTable,
    classes: Sequence[str],
    pictures: Sequence[str],
    limits: Limits,
    out: Path,
    most: int,
    parquet: bool,
    say: Callable[[str], None],
) -> None:
    """Write shards, their index and what must be said of the data set.

    data: of the data set, whose images are files.
    classes: in their order.
    pictures: columns with the paths of further pictures.
    limits: what a file may cost.
    out: the folder to write into.
    most: bytes after which a new shard begins.
    parquet: write the index as Parquet instead of CSV.
    say: told of each shard.
    The bytes of an image are those of its file. What is written is the same each time.
    """
    if (out / RECORD).exists():
        raise SkinfwError(
            "the folder holds shards already", str(out), cure="name another folder, or remove it"
        )
    columns = ["path", *pictures]
    rows = data.rows.drop(columns=[name for name in ("component", "part") if name in data.rows])
    out.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Any]] = []
    places: dict[str, list[str]] = {name: [] for name in columns}
    samples = _samples(rows.to_dict("records"), columns, limits)
    with closing(samples):
        waiting = next(samples, None)
        while waiting is not None:
            name = f"shard-{len(shards):05d}.tar"
            with atomic_write(out / name) as made:
                waiting = _write_shard(made, name, waiting, samples, places, most)
            shards.append({"file": name, "bytes": (out / name).stat().st_size})
            say(f"{name}: {shards[-1]['bytes'] / 1e6:,.1f} MB, "
                f"{len(places['path']):,} of {len(rows):,} images")  # fmt: skip
    _write_index(out, rows.assign(**places), parquet)
    record = {"format": FORMAT, "classes": list(classes), "pictures": list(pictures),
              "images": len(rows), "notes": list(data.notes), "marks": list(data.marks),
              "shards": shards}  # fmt: skip
    write_json(out / RECORD, record)  # last, so that what is half written is no data set


Sample = tuple[str, dict[str, Any], list[tuple[str, str, bytes]]]
"""The name of an image, its row, and of each picture the column, the ending and the bytes."""


def _samples(
    rows: Sequence[Mapping[Any, Any]], columns: Sequence[str], limits: Limits
) -> Generator[Sample, None, None]:
    """Yield the images in the order of the table, read ahead by threads."""
    plain = all(_PLAIN.fullmatch(str(row["id"])) for row in rows)

    def read(number: int, row: Mapping[Any, Any]) -> Sample:
        key = str(row["id"]) if plain else f"{number:08d}"
        files = []
        for column in columns:
            ending = PurePosixPath(str(row[column])).suffix.lower()
            ending = ending if _ENDING.fullmatch(ending) else ".jpg"
            prefix = "" if column == "path" else f".{column}"
            files.append((column, prefix + ending, read_file(str(row[column]), limits)))
        return key, {name: own for name, own in row.items() if name not in columns}, files

    threads = reading_threads(str(row["path"]) for row in rows[:_AHEAD])
    yield from prefetch((partial(read, *own) for own in enumerate(rows)), threads)


def _write_shard(
    target: Path,
    name: str,
    sample: Sample,
    samples: Iterator[Sample],
    places: dict[str, list[str]],
    most: int,
) -> Sample | None:
    """Write one archive, and note where its images are; return the image that no longer fits."""
    following: Sample | None = sample
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        while following is not None and (archive.offset < most or not archive.offset):
            key, about, files = following
            for column, ending, content in files:
                start = archive.offset + _HEADER
                _add(archive, key + ending, content)
                crc = zlib.crc32(content)
                places[column].append(piece_name(name, start, len(content), key + ending, crc))
            text = json.dumps(about, ensure_ascii=False, default=str, sort_keys=True)
            _add(archive, f"{key}.json", text.encode())
            following = next(samples, None)
    return following


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Append a file without owner and time, so that the archive is the same each time."""
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(content), 0o644
    archive.addfile(about, io.BytesIO(content))


def _write_index(out: Path, table: Any, parquet: bool) -> None:
    """Write the table, whose paths say where in which shard the images are."""
    if not parquet:
        write_csv(out / f"{INDEX}.csv", list(table.columns), table.itertuples(index=False))
        return
    cure = "pip install 'skinfw[parquet]', or leave --parquet out"
    pyarrow, files = (
        import_extra(name, "writing Parquet", str(out), cure)
        for name in ("pyarrow", "pyarrow.parquet")
    )
    texts = {name: table[name].astype(str).tolist() for name in table.columns}
    with atomic_write(out / f"{INDEX}.parquet") as partial_file:
        files.write_table(pyarrow.table(texts), partial_file, compression="zstd")
