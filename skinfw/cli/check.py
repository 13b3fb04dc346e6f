"""`skinfw check`: what would run."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.cli.options import recipe_options, trust_option
from skinfw.cli.terminal import echo


@click.command()
@recipe_options
@trust_option
@click.option("--data", is_flag=True, help="Also read the tables, divide them and count classes.")
@click.option(
    "--try", "tries", is_flag=True, help="Also run every component once, on noise, in seconds."
)
def check(recipe: Path, sets: tuple[str, ...], data: bool, tries: bool, trust: bool) -> None:
    """Check a recipe; print what would run."""
    from skinfw.evaluation.selection import check_own_select
    from skinfw.recipe.plan import load_plan
    from skinfw.recipe.toml import as_toml

    plan = load_plan(recipe, sets, trust=trust or None)
    check_own_select(plan)
    echo(as_toml(plan), nl=False)
    if data:
        from skinfw.data.masks import check_masks
        from skinfw.data.table import counts_line, run_marks, split_data

        table = split_data(plan, compare=False)
        notes = (*table.notes, *check_masks(plan, table.rows), *run_marks(plan, table))
        for line in (*notes, counts_line(table.rows, plan.classes)):
            echo(f"# {line}")
    if tries:
        from skinfw.workflows.trial import try_plan

        stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in try_plan(plan).items())
        echo(f"# tried on noise: {stages}")
    looked = "" if data else "; no data were read, --data does"
    echo(f"# {recipe} is in order{looked}", fg="green", err=True)
