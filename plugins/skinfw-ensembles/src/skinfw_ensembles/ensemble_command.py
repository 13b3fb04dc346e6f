"""`skinfw ensemble`: several runs that answer together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    "--combine",
    "method",
    type=click.Choice(["probabilities", "logits", "ranks"]),
    default="probabilities",
    show_default=True,
    help="What of the answers is averaged.",
)
@click.option(
    "--weights",
    type=click.Choice(["equal", "validation"]),
    default="equal",
    show_default=True,
    help="How much each run counts: the same, or by validation, drawn towards equal weights.",
)
@click.option(
    "--network",
    type=click.Choice(["best", "refit"]),
    default="best",
    show_default=True,
    help="Of each run: the network of its numbers, or its refit, which has learned more lesions.",
)
@trust_option
def ensemble(
    runs: tuple[Path, ...], out: Path, method: Any, weights: Any, network: Any, trust: bool
) -> None:
    """Let several runs answer together.

    RUNS are run folders whose networks answer the same classes; each looks at images in its own
    way. OUT becomes a run folder like any other, with all networks inside. Its numbers are of
    lesions that none of the runs has trained on. Data, metrics and reports are those of the first
    run.
    """
    from skinfw.toolkit import display_path
    from skinfw_ensembles.ensemble import make_ensemble

    result = make_ensemble(runs, out, method, weights, echo, trust, network)
    finish(result, display_path(out))


def finish(result: Any, place: str) -> None:
    """Tell the numbers of a run that was made of others; exit with 3 where a report failed."""
    from skinfw.toolkit import REPORT_FAILED, test_lines

    if "test" in result.predictions:
        intervals = result.intervals.get("test", {})
        numbers = result.metrics["test"]
        for line in test_lines(
            result.predictions["test"], numbers, intervals, result.select, False
        ):
            echo(line)
    echo(f"  {place}")
    for failure in result.failures:
        echo(str(failure.error), err=True, fg="red")
    if result.failures:
        raise click.exceptions.Exit(REPORT_FAILED)
