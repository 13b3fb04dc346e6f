"""`skinfw compare`: several runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo, trust_option
from skinfw_evaluation.options import replicates_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skinfw import Comparison, Interval
    from skinfw_evaluation.compare import ComparedRun
    from skinfw_evaluation.seeds import ComparedSeeds


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--number",
    "numbers",
    multiple=True,
    help="A number to compare, such as sensitivity/MEL; those of all classes unless given.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("comparison"),
    show_default=True,
    help="The folder for the table and the page.",
)
@replicates_option
@trust_option
def compare(
    runs: tuple[Path, ...], numbers: tuple[str, ...], out: Path, replicates: int, trust: bool
) -> None:
    """Compare runs on the same lesions.

    RUNS are run folders, or folders that skinfw evaluate has made; the others are compared with
    the first. Runs that were evaluated on other images are shown, and not compared. Folders of
    skinfw run --seeds are compared over lesions and seeds: whether a difference holds for another
    training.
    """
    from skinfw import RecipeError, write_csv
    from skinfw.toolkit import ComparisonReport, build_components, display_path, unwritable
    from skinfw_evaluation.compare import HEADER, as_rows, compare_runs, read_sides
    from skinfw_evaluation.seeds import compare_seeds, holds_seeds, read_seeds

    if len(runs) < 2:
        raise RecipeError(
            "one run cannot be compared", display_path(runs[0]), cure="name two run folders or more"
        )
    sides: Sequence[ComparedRun] | Sequence[ComparedSeeds]
    if any(map(holds_seeds, runs)):
        sides = read_seeds(runs, trust)
        result = compare_seeds(sides, replicates, numbers)
    else:
        sides = read_sides(runs, trust)
        result = compare_runs(sides, replicates, numbers)
    for line in _lines(result):
        echo(line)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(out, error) from error
    head = (*HEADER, "deviation") if result.seeds else HEADER
    write_csv(out / "comparison.csv", head, as_rows(result))
    first = sides[0].trained_model
    for component, report in build_components(first.components("report"), first.classes):
        if isinstance(report, ComparisonReport):
            with component.guard():
                report.compare(result, out)
    for made in sorted(out.iterdir()):
        echo(f"  {display_path(made)}")


def _lines(result: Comparison) -> list[str]:
    """Return the table for the terminal."""
    width = max(map(len, result.runs))
    lines = [
        f"{run:{width}}  {images:,} images of {lesions:,} lesions"
        for run, images, lesions in zip(result.runs, result.images, result.lesions, strict=True)
    ]
    if result.seeds:
        lines.append(
            "means over seeds, intervals over lesions and seeds; a difference that holds is to be "
            "expected of another training, too"
        )
    for name, entries in result.numbers.items():
        lines.append(name.replace("_", " "))
        for run, one in zip(result.runs, entries, strict=True):
            if one.value != one.value:
                lines.append(f"  {run:{width}}  not measured")
                continue
            line = f"  {run:{width}}  {one.value:.3f}  ({_ends(one.interval, '.3f')})"
            if result.seeds:
                line += f"  between seeds {one.deviation:.3f}"
            if one.difference == one.difference:
                line += f"   {one.difference:+.3f}  ({_ends(one.difference_interval, '+.3f')})"
                if result.seeds:
                    line += "  holds" if one.holds else "  not shown"
                else:
                    line += f"  p {one.p:.3f}"
            lines.append(line)
    return [*lines, *(f"note: {note}" for note in result.notes)]


def _ends(interval: Interval, form: str) -> str:
    low, high = interval
    return "no interval" if low != low else f"{low:{form}} to {high:{form}}"
