"""Run the comparisons and write their figures: `python -m benchmarks`."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchmarks import machine, pictures, tables
from benchmarks.comparisons import COMPARISONS
from benchmarks.harness import Bench, Comparison, Row, Skip

NAMES = [comparison.name for comparison in COMPARISONS]
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--list", "listing", is_flag=True, help="Name the comparisons and stop.")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Run these; can repeat.")
@click.option("--rounds", type=click.IntRange(1), help="Pairs per comparison; 7, or 1 in a smoke.")
@click.option("--images", type=FOLDER, help="JPEG files to measure with; synthetic without.")
@click.option("--isic2019", type=FOLDER, help="The unpacked ISIC 2019 archive.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/benchmarks"))
@click.option("--write", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Also put the table between the markers of this document.")  # fmt: skip
@click.option("--smoke", is_flag=True, help="One small round of everything, to see that it runs.")
def main(
    listing: bool,
    only: tuple[str, ...],
    rounds: int | None,
    images: Path | None,
    isic2019: Path | None,
    out: Path,
    write: Path | None,
    smoke: bool,
) -> None:
    """Measure skinfw beside its peers; write benchmarks.json and benchmarks.md."""
    wanted = [item for item in COMPARISONS if not only or item.name in only]
    if listing:
        for item in wanted:
            click.echo(f"{item.name:20} {item.summary}")
        return
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(rounds or (1 if smoke else 7), smoke, Path(scratch), images, isic2019)
        record: dict[str, Any] = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine.describe(),
            "rounds": bench.rounds,
            "smoke": smoke,
            "images": pictures.describe(bench),
            "comparisons": {},
        }
        for item in wanted:
            click.echo(f"{item.name}: {item.summary}")
            record["comparisons"][item.name] = _run(item, bench)
            # After each, so that an interrupted run keeps what it has measured.
            text = json.dumps(record, indent=1, ensure_ascii=False)
            (out / "benchmarks.json").write_text(text + "\n", encoding="utf-8")
    table = tables.markdown(record)
    (out / "benchmarks.md").write_text(table, encoding="utf-8")
    if write:
        tables.write_between(write, table)
    click.echo(table)
    raise SystemExit(any("failed" in outcome for outcome in record["comparisons"].values()))


def _run(item: Comparison, bench: Bench) -> dict[str, Any]:
    """Run one comparison; one that fails does not cost the others."""
    load, start = machine.load(), time.perf_counter()
    try:
        outcome: dict[str, Any] = {"rows": [_record(row) for row in item.run(bench)]}
    except Skip as reason:
        outcome = {"skipped": f"skipped: {reason}"}
        click.echo(f"  skipped: {reason}")
    except Exception as error:
        outcome = {"failed": f"failed: {type(error).__name__}: {error}"}
        click.echo(traceback.format_exc())
    for row in outcome.get("rows", ()):
        click.echo(f"  {row['ratio']:6.2f}  {row['work']} / {row['peer']}")
    return {"load_before": load, "seconds": round(time.perf_counter() - start, 1), **outcome}


def _record(row: Row) -> dict[str, Any]:
    return vars(row) | {
        "our_median": statistics.median(row.ours),
        "their_median": statistics.median(row.theirs),
        "ratio": row.ratio,
        "met": row.met,
    }


if __name__ == "__main__":
    main()
