"""Shards against files: `python -m benchmarks.shards --images FOLDER`.

The same images are read from their files and from shards, in the order of the table and shuffled,
after the system has forgotten what it had read of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

ENDINGS = (".jpg", ".jpeg", ".png")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--images", type=FOLDER, required=True, help="Where image files lie, however deep.")
@click.option("--most", type=click.IntRange(1), default=20_000, help="No more than these.")
@click.option("--megabytes", type=click.IntRange(1), default=256, help="Of a shard.")
@click.option("--scratch", type=FOLDER, help="Where the shards are written, for a time.")
def main(images: Path, most: int, megabytes: int, scratch: Path | None) -> None:
    """Tell images per second and files opened, read alone and read and decoded."""
    from skinfw import DataTable
    from skinfw.data.decoding import Decoding, read_file
    from skinfw.data.structure.bounds import Limits
    from skinfw_datasets.shard_writer import write_shards
    from skinfw_datasets.shards import Shards

    files = sorted(file for file in images.rglob("*") if file.suffix.lower() in ENDINGS)[:most]
    ids = [f"image-{number}" for number in range(len(files))]
    table = {"id": ids, "path": list(map(str, files)), "label": "NV", "lesion": ids}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        out, data, start = Path(folder) / "shards", DataTable(pd.DataFrame(table)), time.time()
        write_shards(data, ["NV"], (), Limits(), out, megabytes * 10**6, False, lambda _: None)
        written = sorted(out.glob("*.tar"))
        click.echo(
            f"{len(files):,} images into {len(written)} shards in {time.time() - start:.0f} s"
        )
        pieces = Shards(root=out).table().rows["path"].tolist()
        shuffled = np.random.default_rng(0).permutation(len(files)).tolist()
        for work, task in (("read", read_file), ("read and decode", Decoding(short=224).read)):
            for order, places in (("in order", range(len(files))), ("shuffled", shuffled)):
                for kind, paths, held in (
                    ("files", table["path"], files),
                    ("shards", pieces, written),
                ):
                    rate, opened = measure(task, [paths[place] for place in places], held)
                    click.echo(f"{work:16} {order:9} {kind:7} {rate:8,.0f} images/s"
                               f"  {opened:7,} files opened")  # fmt: skip


def measure(
    task: Callable[[str], Any], paths: Sequence[str], held: Sequence[Path]
) -> tuple[float, int]:
    """Return images per second and how many files were opened, nothing being known of them."""
    from skinfw.runtime.prefetch import prefetch, usable_cores

    for file in held:
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    before, start = _opened[0], time.perf_counter()
    with closing(prefetch((partial(task, path) for path in paths), usable_cores())) as made:
        for _ in made:
            pass
    return len(paths) / (time.perf_counter() - start), _opened[0] - before


_opened = [0]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    _opened[0] += event == "open" and arguments[1] is None  # io.open tells of os.open once more


if __name__ == "__main__":
    sys.addaudithook(_hear)
    main()
