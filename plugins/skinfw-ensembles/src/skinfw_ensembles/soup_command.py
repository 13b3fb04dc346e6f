"""`skinfw soup`: one network of the mean weights of several runs."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import echo, trust_option


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="The run folder that is made; it must not exist.",
)
@click.option(
    "--greedy",
    is_flag=True,
    help="Take a run only where validation does not get worse by it, the best run first.",
)
@trust_option
def soup(runs: tuple[Path, ...], out: Path, greedy: bool, trust: bool) -> None:
    """Average the weights of several runs.

    RUNS are run folders that began with the same initial weights: one seed, other settings. OUT
    becomes a run folder like any other, with one network, as fast as each of them. The statistics
    of batch normalisation are computed anew on training images.
    """
    from skinfw.toolkit import display_path
    from skinfw_ensembles.ensemble_command import finish
    from skinfw_ensembles.soup import make_soup

    result = make_soup(runs, out, "greedy" if greedy else "uniform", echo, trust)
    finish(result, display_path(out))
