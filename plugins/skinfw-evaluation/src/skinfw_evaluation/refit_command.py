"""`skinfw refit`: train the network that people will use, once a run is done."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import REFIT_PARTS, Detail, detail_options, run_to_exit, trust_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--on",
    type=click.Choice([*REFIT_PARTS]),
    required=True,
    help="What it learns: the training and validation part, or the test part, too.",
)
@trust_option
@detail_options
def refit(run: Path, on: str, trust: bool, detail: Detail | None) -> None:
    """Train the network of a finished run again, on more images, for use.

    RUN is a run folder; from then on it is as if its recipe had said train.refit. The training
    begins as the first one did and lasts as many epochs as were best. The numbers of the run stay
    those of the first network; predict, export and evaluate --dataset use the second one. Ctrl-C
    leaves a run that skinfw run RUN --resume goes on with.
    """
    from skinfw.toolkit import load_plan, open_refit

    plan = load_plan(run, [f'train.refit="{on}"'], trust=trust or None)
    run_to_exit(plan, open_refit(run, plan), True, detail)
