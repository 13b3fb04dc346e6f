"""`skinfw run --seeds`: a run for each seed, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.cli.options import Detail
from skinfw.cli.series import refuse_processes, run_series
from skinfw.cli.terminal import echo

if TYPE_CHECKING:
    from skinfw.interfaces.protocols import Launcher
    from skinfw.interfaces.values import SeedsSummary
    from skinfw.recipe.component import PlannedComponent


def run_seeds(
    recipe: Path,
    sets: Sequence[str],
    out: Path,
    count: int | None,
    trust: bool,
    detail: Detail | None,
    launcher: PlannedComponent[Launcher] | None = None,
) -> None:
    """Train a recipe with several seeds, or go on with them, and tell of all together.

    recipe: the recipe, or the folder of seeds to go on with.
    sets, trust, detail: as `skinfw run` takes them.
    out: where the folder is made.
    count: how many seeds; None goes on.
    launcher: as `run_series` takes it.
    """
    from skinfw.errors import REPORT_FAILED, RecipeError
    from skinfw.files.paths import display_path
    from skinfw.recipe.set_options import set_table
    from skinfw.workflows.seeds import ONE_DIVISION, OWN_DIVISIONS, create_seeds, summarize_seeds
    from skinfw.workflows.series import SEEDS, open_series

    refuse_processes(SEEDS)
    if own := [text for text in sets if set_table(text) == SEEDS.key]:
        raise RecipeError(
            "--seeds sets the seed of each training",
            f"--set {own[0]}",
            "they are 1, 2, 3 and so on, so that recipes can be compared seed by seed",
            "leave it out",
        )
    if count is None:
        series = open_series(SEEDS, recipe)
    else:
        series, one_division = create_seeds(out, recipe, sets, count, trust or None)
        echo(f"note: {ONE_DIVISION}" if one_division else OWN_DIVISIONS)
    # Another's seeds.json names another's recipe.
    plan, failed = run_series(series, trust or (False if count is None else None), detail, launcher)
    summary = summarize_seeds(series, plan)
    echo("all seeds together", bold=True)
    for line in summary_lines(summary, detail == "verbose"):
        echo(line)
    for file in sorted(path for path in series.folder.iterdir() if path.is_file()):
        echo(f"  {display_path(file)}")
    if failed:
        raise click.exceptions.Exit(REPORT_FAILED)


def summary_lines(summary: SeedsSummary, every: bool) -> list[str]:
    """Return the numbers of all seeds together; those of classes are in the table.

    every: whether to tell all numbers, or three.
    """
    from skinfw.cli.summary import chosen_names
    from skinfw.workflows.seeds import ONE_DIVISION, OWN_DIVISIONS

    names = chosen_names(summary.numbers, summary.select, every)
    width = max(map(len, names), default=0)
    lines = [f"mean of {len(summary.trainings)} seeds, 95 % intervals over lesions and seeds"]
    for name in names:
        number = summary.numbers[name]
        low, high = number.interval
        line = f"{name.replace('_', ' '):{width}}  {number.mean:.3f}"
        if low == low:
            line += f"  ({low:.3f} to {high:.3f})"
        lines.append(f"{line}  deviation between seeds {number.deviation:.3f}")
    lines.append(f"note: {ONE_DIVISION}" if summary.one_division else OWN_DIVISIONS)
    return [*lines, *(f"note: {note}" for note in summary.notes)]
