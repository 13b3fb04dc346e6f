"""`python -m benchmarks.ensembles FIRST... --beside OTHER...`: models beside others, in the mean.

Each is a run folder, or a folder of `skinfw evaluate`, of the same images. The models are not
averaged: their numbers are, on the same draws of lesions. So an ensemble is compared with
what one of its members is worth, and students with their teacher or with what they would have been
without one.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from skinfw.interfaces.values import Predictions
from skinfw.statistics.intervals import Sample, sample_numbers
from skinfw.statistics.predictions import run_predictions
from skinfw_evaluation.paired import align
from skinfw_metrics.classification import Classification

REPLICATES = 2000


def mean_numbers(
    predictions: list[Predictions], order: Predictions, names: tuple[str, ...]
) -> dict[str, Sample]:
    """Return the mean of each number over several predictions of the same images.

    order: of the images.
    """
    samples = [
        sample_numbers(Classification(), align(order, one), REPLICATES, 0) for one in predictions
    ]
    means = {}
    for name in names:
        own = [sample[name] for sample in samples]
        means[name] = Sample(
            float(np.mean([one.number for one in own])),
            np.mean([one.replicates for one in own], axis=0),
            np.mean([one.left_out for one in own], axis=0),
        )
    return means


@click.command()
@click.argument("firsts", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--beside",
    "others",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True),
    help="A model of those whose numbers are averaged; may be repeated.",
)
@click.option(
    "--number",
    "names",
    multiple=True,
    default=("balanced_accuracy", "accuracy", "macro_auc"),
    show_default=True,
)
def main(firsts: tuple[Path, ...], others: tuple[Path, ...], names: tuple[str, ...]) -> None:
    """Say how far the mean numbers of the first models are from those of others, over lesions."""
    own = run_predictions(firsts[0])
    ours = mean_numbers([run_predictions(first) for first in firsts], own, names)
    theirs = mean_numbers([run_predictions(other) for other in others], own, names)
    click.echo(f"{len(own.ids):,} images of {len(set(own.lesions)):,} lesions")
    for name in names:
        apart = ours[name].minus(theirs[name])
        low, high = apart.interval()
        click.echo(
            f"{name} {ours[name].number:.3f} beside {theirs[name].number:.3f}: "
            f"{apart.number:+.3f} ({low:+.3f} to {high:+.3f})"
        )


if __name__ == "__main__":
    main()
