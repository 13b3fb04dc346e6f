"""How often intervals hold the truth, and how wide they are: `python -m benchmarks.coverage`.

Studies are drawn in which the truth is known. A class of a few lesions stands against one of as
many, or of 200; a lesion has one to three images, whose scores share half of their variance. Each
study is measured by two models whose scores share 0.6 of theirs; the second errs as often as the
first, or twice as often. Scores are normal, so that sensitivity, precision and area are what the
grid says, and the other numbers follow.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import click
import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import binom, multivariate_normal, norm

from skinfw import Predictions
from skinfw.metrics import Mean
from skinfw.statistics.confidence import ComposedNumber
from skinfw.statistics.intervals import group_lesions
from skinfw.statistics.shares import clopper_pearson, estimate_share
from skinfw_metrics.classification import Classification

Floats = npt.NDArray[np.float64]

LESIONS = (5, 11, 20, 40, 80)
TRUTHS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
STUDIES = 400
OTHERS = (0, 200)  # lesions of the other class; 0 for as many as the class has
ERRORS = (1.0, 2.0)  # of the second model, times those of the first
CLASSES = ("MEL", "NV")
WITHIN, BETWEEN = 0.5, 0.6  # what images of a lesion share, and two models
CALLS = ("sensitivity/MEL", "precision/MEL", "accuracy", "balanced_accuracy")
AREA = "auc/MEL"


@dataclass(frozen=True)
class World:
    """Hold what is true.

    lesions, others: of the class, and of the other one.
    truth: sensitivity, precision and area of the first model.
    errors: of the second one, times those of the first.
    """

    lesions: int
    others: int
    truth: float
    errors: float

    @property
    def numbers(self) -> tuple[dict[str, float], dict[str, float]]:
        """What both models' numbers are in the long run."""
        return self._numbers(1.0), self._numbers(self.errors)

    def _numbers(self, errors: float) -> dict[str, float]:
        truth = 1 - errors * (1 - self.truth)
        specificity = self.specificity(truth)
        right = truth * self.lesions + specificity * self.others
        return {
            "sensitivity/MEL": truth,
            "precision/MEL": truth,
            "accuracy": right / (self.lesions + self.others),
            "balanced_accuracy": (truth + specificity) / 2,
            AREA: truth,
        }

    def specificity(self, truth: float) -> float:
        """Return the one with which precision is as large as sensitivity."""
        return 1 - (1 - truth) * self.lesions / self.others

    def study(self, rng: np.random.Generator) -> Iterator[tuple[Predictions, Predictions]]:
        """Yield the predictions of both models, for what is called, and then for the area."""
        count = self.lesions + self.others
        lesion = np.repeat(np.arange(count), rng.integers(1, 4, count))
        positive = lesion < self.lesions

        def noise() -> Floats:
            own = rng.normal(size=len(lesion))
            return np.sqrt(WITHIN) * rng.normal(size=count)[lesion] + np.sqrt(1 - WITHIN) * own

        shared = noise()
        errors = [np.sqrt(BETWEEN) * shared + np.sqrt(1 - BETWEEN) * noise() for _ in range(2)]
        truths = [own["sensitivity/MEL"] for own in self.numbers]
        yield tuple(  # type: ignore[misc]
            _predictions(lesion, positive, np.where(
                positive, norm.ppf(truth) - error, error - norm.ppf(self.specificity(truth))))
            for truth, error in zip(truths, errors, strict=True)
        )  # fmt: skip
        yield tuple(  # type: ignore[misc]
            _predictions(lesion, positive, np.where(
                positive, np.sqrt(2) * norm.ppf(truth) - error, error))
            for truth, error in zip(truths, errors, strict=True)
        )  # fmt: skip


def _predictions(lesion: npt.NDArray[np.int64], positive: npt.NDArray[np.bool_], scores: Floats
                 ) -> Predictions:  # fmt: skip
    names = [str(place) for place in range(len(lesion))]
    chances = np.stack([expit(scores), expit(-scores)], 1)
    true = np.where(positive, 0, 1)
    return Predictions(names, [f"L{own}" for own in lesion], true, chances, CLASSES)


@dataclass
class Tally:
    """Count how often an interval holds, and add up widths."""

    held: int = 0
    studies: int = 0
    width: float = 0.0
    least: float = np.inf

    def add(self, low: float, high: float, truth: float) -> None:
        """Count one interval; what was not measured does not count."""
        if np.isnan(low):
            return
        self.studies += 1
        self.held += low - 1e-9 <= truth <= high + 1e-9
        self.width += high - low
        self.least = min(self.least, high - low)


def tally(world: World, studies: int) -> dict[str, Tally]:
    """Return what came of some studies, by number, and by "difference of NUMBER"."""
    rng = np.random.default_rng([world.lesions, world.others, round(1000 * world.truth)])
    ones, twos = world.numbers
    tallies = {name: Tally() for name in (*CALLS, AREA)}
    tallies |= {f"difference of {name}": Tally() for name in (*CALLS, AREA)}
    for _ in range(studies):
        for names, (first, second) in zip((CALLS, (AREA,)), world.study(rng), strict=True):
            one, two = (_compose(own, names) for own in (first, second))
            for name in names:
                apart = one[name].interval_of_difference(two[name])
                tallies[name].add(*one[name].interval(), ones[name])
                tallies[f"difference of {name}"].add(*apart, ones[name] - twos[name])
    return tallies


def _compose(predictions: Predictions, names: Iterable[str]) -> dict[str, ComposedNumber]:
    """Return some numbers with their intervals, as runs have them, and no others."""
    lesions, lesion = group_lesions(predictions.lesions)
    compositions, numbers = Classification().composition(predictions), {}
    for name in names:
        own = compositions[name]
        parts = own.parts if isinstance(own, Mean) else [own]
        shares = (estimate_share(part, lesion, lesions) for part in parts)
        numbers[name] = ComposedNumber("", tuple(share for share in shares if share is not None))
    return numbers


@cache
def exact_width(lesions: int, truth: float) -> float:
    """Return the mean width of Clopper and Pearson's interval of lesions with an image each."""
    counts = np.arange(lesions + 1)
    ends = np.array([clopper_pearson(count / lesions, lesions) for count in counts])
    return float(binom.pmf(counts, lesions, truth) @ (ends[:, 1] - ends[:, 0]))


@cache
def exact_difference_width(lesions: int, one: float, other: float) -> float:
    """Return the mean width of a difference between two models on lesions with an image each.

    It is the share of lesions on which the first model alone is right, less that on which the
    second alone is, each with its interval of Clopper and Pearson, put together by MOVER.
    """
    both = multivariate_normal([0, 0], [[1, BETWEEN], [BETWEEN, 1]]).cdf(norm.ppf([one, other]))
    counts = np.arange(lesions + 1)
    first, second = np.meshgrid(counts, counts, indexing="ij")
    ends = np.array([clopper_pearson(count / lesions, lesions) for count in counts])
    down, up = counts / lesions - ends[:, 0], ends[:, 1] - counts / lesions
    width = np.hypot(down[:, None], up[None]) + np.hypot(up[:, None], down[None])
    alone = max(one - both, 0.0), max(other - both, 0.0)
    chance = binom.pmf(second, lesions, alone[1])
    chance = chance * binom.pmf(first, lesions - second, alone[0] / (1 - alone[1]))
    return float((chance * width).sum())


def reference_width(world: World, name: str) -> float:
    """Return what the mean width is held against: exact intervals on lesions.

    A mean is put together of those of its classes; an area counts as a share of the fewer lesions.
    """
    ones, twos = world.numbers
    own = name.removeprefix("difference of ")

    def width(lesions: int, one: float, two: float) -> float:
        if own == name:
            return exact_width(lesions, one)
        return exact_difference_width(lesions, one, two)

    if own == "balanced_accuracy":
        truths = [numbers["sensitivity/MEL"] for numbers in (ones, twos)]
        specificities = [world.specificity(truth) for truth in truths]
        return float(
            np.hypot(width(world.lesions, *truths), width(world.others, *specificities)) / 2
        )
    every = world.lesions + world.others
    lesions = every if own == "accuracy" else min(world.lesions, world.others)
    return width(lesions, ones[own], twos[own])


def worlds() -> Iterator[World]:
    """Yield the grid."""
    for errors in ERRORS:
        for others in OTHERS:
            for lesions in LESIONS:
                for truth in TRUTHS:
                    yield World(lesions, others or lesions, truth, errors)


@click.command()
@click.option("--studies", default=STUDIES, show_default=True, help="Of each cell of the grid.")
def main(studies: int) -> None:
    """Simulate the grid, and say the least coverage and the largest width of each number."""
    start = time.perf_counter()
    least: dict[str, tuple[float, str]] = {}
    widest: dict[str, tuple[float, str]] = {}
    narrowest = np.inf
    for world in worlds():
        cell = f"{world.lesions} against {world.others} lesions, truth {world.truth:g}"
        cell += f", errors x{world.errors:g}"
        said = []
        for name, own in tally(world, studies).items():
            if world.errors != 1 and not name.startswith("difference"):
                continue
            held = own.held / own.studies
            wide = own.width / own.studies / reference_width(world, name)
            said.append(f"{name} {held:.3f} ({wide:.2f})")
            least[name] = min(least.get(name, (2.0, "")), (held, cell))
            widest[name] = max(widest.get(name, (0.0, "")), (wide, cell))
            narrowest = min(narrowest, own.least)
        click.echo(f"{cell}: {'; '.join(said)}")
    click.echo(
        "\n| number | least coverage | there | widest, of the exact | there |\n"
        "|---|---|---|---|---|"
    )
    for name, (held, cell) in least.items():
        wide, there = widest[name]
        click.echo(f"| {name} | {held:.3f} | {cell} | {wide:.2f} | {there} |")
    click.echo(f"\nthe narrowest interval is {narrowest:.4f} wide")
    click.echo(f"{studies} studies of each cell, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
