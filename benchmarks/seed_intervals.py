"""`python -m benchmarks.seed_intervals`: do intervals over lesions and seeds hold the truth?

Studies are drawn whose truth is known: a lesion is hard or easy for every training, a training is
better or worse, and on one lesion it has a whim of its own. Each study trains two recipes with ten
seeds, of which the first three and the first five are studies, too. They test the same lesions, or
each seed draws its test part from four times as many. The truth is the mean over all trainings and
all lesions. A share of 0.95 is wanted, within 0.93 and 0.97.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from skinfw import select
from skinfw.interfaces.protocols import Metric
from skinfw.interfaces.values import Predictions, SeedNumber
from skinfw.statistics.seeds import seed_numbers
from skinfw_evaluation.seeds import seed_differences
from skinfw_metrics.classification import Classification

CLASSES = ("A", "B", "C")
SHARES = (0.2, 0.5, 0.3)
LESIONS = (40, 150, 600)
SEEDS = (3, 5, 10)
SPREADS = {"small": 0.06, "large": 0.6}  # about 0.01 and 0.07 of accuracy between seeds
POOL = 4  # times as many lesions as one test part, where each seed draws its own
NUMBERS = ("accuracy", "balanced_accuracy", "sensitivity/A", "macro_auc")
TRUE_TRAININGS = 2000
REPLICATES = 300
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class World:
    """Hold the images of some lesions, and what makes them hard for every training.

    lesion: of each image, [N].
    true: the class of each image, [N].
    logits: without any training's own share, [N, C].
    """

    lesion: Integers
    true: Integers
    logits: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator, lesions: int) -> World:
        """Draw lesions with one to three images."""
        lesion = np.repeat(np.arange(lesions), rng.integers(1, 4, lesions))
        true = rng.choice(len(CLASSES), lesions, p=SHARES)[lesion]
        logits = rng.normal(0, 1.1, (lesions, len(CLASSES)))[lesion]
        return cls(lesion, true, logits + rng.normal(0, 0.5, logits.shape))

    def part(self, rng: np.random.Generator, lesions: int) -> Integers:
        """Return the places of the images of so many lesions, chosen at random."""
        chosen = rng.permutation(int(self.lesion.max()) + 1)[:lesions]
        return np.flatnonzero(np.isin(self.lesion, chosen))


@dataclass(frozen=True)
class SimulatedRecipe:
    """Hold a recipe that is simulated.

    skill: what the true class has more than the others, as a logit.
    spread: the standard deviation of that between trainings, for each class its own.
    """

    skill: float
    spread: float

    def train(self, rng: np.random.Generator, world: World) -> Predictions:
        """Return the predictions of one training for all images."""
        lesions, images = int(world.lesion.max()) + 1, len(world.lesion)
        logits = world.logits + rng.normal(0, 0.7, (lesions, len(CLASSES)))[world.lesion]
        logits = logits + rng.normal(0, 0.4, logits.shape)
        skill = self.skill + rng.normal(0, self.spread) + rng.normal(0, self.spread, len(CLASSES))
        logits[np.arange(images), world.true] += skill[world.true]
        chances = np.exp(logits)
        return Predictions(
            ids=[str(image) for image in range(images)],
            lesions=[str(lesion) for lesion in world.lesion],
            true=world.true,
            probabilities=chances / chances.sum(1, keepdims=True),
            classes=CLASSES,
        )

    def truth(self, metric: Metric, trainings: int = TRUE_TRAININGS) -> dict[str, float]:
        """Return the mean of every number over trainings, each on lesions of its own."""
        rng = np.random.default_rng(10**6)
        numbers = [metric(self.train(rng, World.draw(rng, 300))) for _ in range(trainings)]
        return {name: float(np.mean([one[name] for one in numbers])) for name in numbers[0]}


def study(
    rng: np.random.Generator,
    recipes: Sequence[SimulatedRecipe],
    lesions: int,
    own_parts: bool,
    seeds: int = max(SEEDS),
) -> list[list[Predictions]]:
    """Return the predictions of each recipe with each seed.

    own_parts: whether each seed draws its own test part.
    """
    world = World.draw(rng, lesions * (POOL if own_parts else 1))
    parts = [world.part(rng, lesions) for _ in range(seeds)]
    return [[select(recipe.train(rng, world), places) for places in parts] for recipe in recipes]


@dataclass(frozen=True)
class Case:
    """Hold what studies have in common: lesions of a test part, spread, own test parts or one."""

    lesions: int
    spread: str
    own_parts: bool

    @property
    def recipes(self) -> tuple[SimulatedRecipe, SimulatedRecipe]:
        """A recipe, and one that is better."""
        spread = SPREADS[self.spread]
        return SimulatedRecipe(1.6, spread), SimulatedRecipe(1.9, spread)

    def measure(self, metric: Metric, studies: int, replicates: int) -> Iterator[Mapping[str, Any]]:
        """Yield how often the intervals of each number held the truth, and how wide they were."""
        truths = [recipe.truth(metric) for recipe in self.recipes]
        apart = {name: truths[1][name] - truths[0][name] for name in truths[0]}
        held: dict[tuple[str, int, str], list[tuple[bool, float]]] = {}
        for seed in range(studies):
            both = study(np.random.default_rng(seed), self.recipes, self.lesions, self.own_parts)
            for count in SEEDS:
                first, second = (own[:count] for own in both)
                alone = seed_numbers(metric, first, replicates, seed)
                differences = seed_differences(metric, second, first, replicates, seed)
                for what, own, truth in (
                    ("number", alone, truths[0]),
                    ("difference", differences, apart),
                ):
                    for name in NUMBERS:
                        kept = held.setdefault((what, count, name), [])
                        kept.append(_outcome(own[name], truth[name]))
        for (what, count, name), outcomes in held.items():
            hits, widths = zip(*outcomes, strict=True)
            yield {
                "what": what,
                "number": name,
                "seeds": count,
                "lesions": self.lesions,
                "spread": self.spread,
                "own_parts": self.own_parts,
                "held": float(np.mean(hits)),
                "width": float(np.mean(widths)),
                "no_width": int(np.sum(np.array(widths) == 0)),
            }


def _outcome(number: SeedNumber, truth: float) -> tuple[bool, float]:
    low, high = number.interval
    return low <= truth <= high, high - low


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return shares as a table: a line for each case, a column for each number of seeds."""
    lines = ["| | number | lesions | spread | test parts | 3 seeds | 5 seeds | 10 seeds |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    cases: dict[tuple[Any, ...], list[str]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("what", "number", "lesions", "spread", "own_parts"))
        cases.setdefault(key, []).append(f"{row['held']:.3f}")
    for (*words, own), shares in cases.items():
        cells = [*map(str, words), "own" if own else "one", *shares]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


@click.command()
@click.option("--studies", type=click.IntRange(1), default=200, show_default=True)
@click.option("--replicates", type=click.IntRange(100), default=REPLICATES, show_default=True)
@click.option("--lesions", type=int, multiple=True, help="Of a test part; 40, 150 and 600.")
@click.option("--out", type=click.Path(path_type=Path), help="A JSON file for every figure.")
def main(studies: int, replicates: int, lesions: tuple[int, ...], out: Path | None) -> None:
    """Print how often intervals over lesions and seeds hold the truth."""
    rows: list[Mapping[str, Any]] = []
    for count in lesions or LESIONS:
        for spread in SPREADS:
            for own_parts in (False, True):
                case = Case(count, spread, own_parts)
                rows += case.measure(Classification(), studies, replicates)
                click.echo(f"{case}: {min(row['held'] for row in rows):.3f} at the least so far")
                if out:
                    out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    click.echo(table(rows))


if __name__ == "__main__":
    main()
