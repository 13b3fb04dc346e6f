"""`skinfw distil`: a network that a run or an ensemble teaches."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import Detail, detail_options, echo, recipe_options, trust_option


@click.command()
@click.argument("teacher", type=click.Path(path_type=Path))
@recipe_options
@click.option(
    "--unlabelled",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Images without labels: a folder, or a recipe whose data set counts; may be repeated.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Of the loss that is the distance from the teacher's answers.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.1, 100),
    default=2.0,
    show_default=True,
    help="Of both answers, as they are compared.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where the run folder is made, and the table of the teacher's answers kept.",
)
@trust_option
@detail_options
def distil(
    teacher: Path,
    recipe: Path,
    sets: tuple[str, ...],
    unlabelled: tuple[Path, ...],
    share: float,
    temperature: float,
    out: Path,
    trust: bool,
    detail: Detail | None,
) -> None:
    """Train the network of RECIPE on what TEACHER says of its images, beside the labels.

    TEACHER is a run folder, of one network or of an ensemble; it answers once. The run is like any
    other, and skinfw run FOLDER --resume goes on with it. A teacher that has learned lesions of
    the student's validation or test part is refused.
    """
    from skinfw.toolkit import REPORT_FAILED, RunFolder, display_path, run_with_progress
    from skinfw_ensembles.distil import plan_student

    plan = plan_student(teacher, recipe, sets, unlabelled, out, share, temperature, echo, trust)
    folder = RunFolder.create(out, plan)
    if not run_with_progress(plan, folder, False, detail):
        echo(f"stopped; go on with: skinfw run {display_path(folder.path)} --resume")
        raise click.exceptions.Exit(folder.exit_code)
    if folder.record["failures"]:
        raise click.exceptions.Exit(REPORT_FAILED)
