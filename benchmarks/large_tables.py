"""What a table of many images costs: `python -m benchmarks.large_tables --rows 400000`.

The rows are made up, in the index of shards: nobody looks at an image. Each number of rows has a
process of its own, so that the peak of its memory is its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.machine import peak_memory

RECIPE = """
[dataset]
use = "shards"
root = "shards"

[split]
use = "lesion-stratified"
check = "ids"

[backbone]
use = "lite/efficientnet-lite0"

[sampler]
use = "power"
q = 0.5
"""
CLASSES = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
SITES = ("torso", "head/neck", "upper extremity", "lower extremity")
BYTES = 4_000


@click.command()
@click.option("--rows", type=click.IntRange(100), multiple=True, default=(400_000, 4_000_000))
@click.option("--csv", is_flag=True, help="An index as CSV instead of Parquet.")
def main(rows: tuple[int, ...], csv: bool) -> None:
    """Tell seconds and the peak of memory of opening, dividing, drawing and ordering."""
    for count in rows:
        with tempfile.TemporaryDirectory() as scratch:
            write_index(Path(scratch), count, csv)
            click.echo(f"{count:,} rows, {'CSV' if csv else 'Parquet'}")
            for steps in ("open", "all"):
                command = [sys.executable, "-m", "benchmarks.large_tables", scratch, steps]
                subprocess.run(command, check=True)


def write_index(folder: Path, count: int, csv: bool) -> None:
    """Write the index of shards that hold no image."""
    from skinfw import write_csv, write_json

    shards = folder / "shards"
    shards.mkdir()
    (folder / "large.toml").write_text(RECIPE)
    (shards / "shard-00000.tar").touch()
    names = ("id", "path", "label", "lesion", "patient", "age_approx", "anatom_site_general")
    if csv:
        write_csv(shards / "index.csv", names, _rows(count))
    else:
        import pyarrow
        from pyarrow import parquet

        columns = dict(zip(names, map(list, zip(*_rows(count), strict=True)), strict=True))
        parquet.write_table(pyarrow.table(columns), shards / "index.parquet")
    record: dict[str, Any] = {"format": 1, "classes": list(CLASSES), "pictures": [],
                              "images": count, "notes": [], "marks": []}  # fmt: skip
    write_json(shards / "shards.json", record)


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    """Yield rows with about three images of a lesion, and forty of a patient."""
    rng = np.random.default_rng(0)
    shares = [0.11, 0.67, 0.05, 0.03, 0.11, 0.015, 0.015]
    labels = rng.choice(len(CLASSES), count, p=shares)
    ages = 5 * rng.integers(3, 18, count)
    for number in range(count):
        # A lesion has one label.
        name, lesion = f"ISIC_{number:07d}", number // 3
        piece = f"shard-00000.tar#{512 + number * BYTES}+{BYTES}+{number:08x}/{name}.jpg"
        yield (name, piece, CLASSES[labels[3 * lesion]], f"IL_{lesion:07d}",
               f"IP_{number // 39:07d}", str(ages[number]), SITES[number % 4])  # fmt: skip


def measure(folder: Path, steps: str) -> None:
    """Open the rows of a folder, or divide, draw and order them too; tell what each step cost."""
    from skinfw.data.loader import Source, labels_of
    from skinfw.data.table import load_data, split_data
    from skinfw.models.forward import in_batches
    from skinfw.recipe.plan import load_plan
    from skinfw.runtime.device import choose_hardware
    from skinfw.training.sampling import EpochSampler

    plan = load_plan(folder / "large.toml")
    machine, base = choose_hardware(plan.engine), peak_memory()
    tell = _Teller()
    if steps == "open":
        click.echo(f"  {'nothing read':22} {base:7,.0f} MB")
        load_data(plan)
        tell("opened")
        return
    rows = split_data(plan, compare=False).rows
    tell("opened and divided")
    rows = rows[rows["part"] == "train"].reset_index(drop=True)
    sampler = plan.components.sampler
    labels = labels_of(rows, plan.classes)
    source = Source(rows["path"].tolist(), rows["id"].tolist())
    drawing = EpochSampler(
        sampler, sampler.make(), labels, tuple(rows["component"]), plan.classes, source,
        lambda indices: np.zeros((len(indices), 1), np.float32), plan.seed, machine,
    )  # fmt: skip
    draw = drawing.draw(1)
    tell("drawn")
    batches = list(in_batches(len(draw.indices), int(plan.train.batch_size)))
    order = [draw.indices[own.start : own.stop] for own in batches]
    tell(f"ordered, {len(order):,} batches")


class _Teller:
    """Tell of each step how long it took, and the peak of memory so far."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def __call__(self, step: str) -> None:
        now = time.perf_counter()
        click.echo(f"  {step:22} {peak_memory():7,.0f} MB  {now - self._last:7.1f} s")
        self._last = time.perf_counter()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[2] in ("open", "all"):
        measure(Path(sys.argv[1]), sys.argv[2])
    else:
        main()
