"""Class weights from class counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated

from annotated_types import Ge, Gt, Interval, Lt

from skinfw import ClassName, SkinfwError

Power = Annotated[float, Interval(ge=0, le=3)]
Difficulty = dict[ClassName, Annotated[float, Gt(0)]]


@dataclass(frozen=True)
class InverseFrequency:
    """Weigh class c by (difficulty / n_c)^power, scaled so that the weights average one.

    power: 0 weighs all alike, 1 evens the classes out. Yao et al. 2022 (arXiv 2102.01284) use
        1.0 to 1.2.
    difficulty: class -> how hard it is to learn; 1 where a class is not named.
    """

    classes: Sequence[str]
    _: KW_ONLY
    power: Power = 1.0
    difficulty: Difficulty = field(default_factory=dict)

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> list[float]:
        """Return the weights [C], the same in every epoch.

        counts: training images per class; a class without images weighs nothing.
        """
        return self.at(self.power, counts)

    def at(self, power: float, counts: Sequence[int]) -> list[float]:
        """Return the weights [C] for some power."""
        hard = [self.difficulty.get(name, 1.0) for name in self.classes]
        raw = [(e / n) ** power if n else 0.0 for e, n in zip(hard, counts, strict=True)]
        return _scale(raw)


@dataclass(frozen=True)
class Deferred(InverseFrequency):
    """Weigh all classes alike at first, and by inverse frequency later.

    Deferred re-weighting of Cao et al. 2019 (arXiv 1906.07413).

    power: of the weights from then on.
    difficulty: class -> how hard it is to learn; 1 where a class is not named.
    start: the epoch that begins with the weights, from 1; below 1 a share of the training.
    """

    _: KW_ONLY
    start: Annotated[float, Gt(0)] = 50

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> list[float]:
        """Return the weights [C] of an epoch.

        counts: training images per class; a class without images weighs nothing.
        epoch: from 1.
        """
        return self.at(self.power if epoch >= _epochs(self.start, epochs) else 0.0, counts)


@dataclass(frozen=True)
class Cumulative(InverseFrequency):
    """Let the power grow from 0: first learn what is frequent, then what is rare.

    The cumulative learning strategy of Yao et al. 2022 (arXiv 2102.01284): the power is 0 until
    `start`, grows with the square of the time and is whole from `stop` on. They let it grow from
    epoch 20 to 60 of 70.

    power: of the weights at the end.
    difficulty: class -> how hard it is to learn; 1 where a class is not named.
    start: the last epoch, from 1, in which all classes weigh alike; below 1 a share of the
        training.
    stop: the first epoch with the whole power; below 1 a share of the training.
    """

    _: KW_ONLY
    power: Power = 1.2
    start: Annotated[float, Ge(0)] = 20
    stop: Annotated[float, Gt(0)] = 60

    def __post_init__(self) -> None:
        """Refuse a ramp that runs backwards."""
        shares = self.start < 1, self.stop < 1
        if self.stop <= self.start or (shares[1] and not shares[0]):
            raise SkinfwError(
                f"the weights stop to grow at {self.stop:g}, before they start at {self.start:g}",
                why="numbers below 1 are shares of the training, others are epochs",
                cure="let stop be greater than start",
            )

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> list[float]:
        """Return the weights [C] of an epoch.

        counts: training images per class; a class without images weighs nothing.
        epoch: from 1.
        """
        start, stop = _epochs(self.start, epochs), _epochs(self.stop, epochs)
        done = min(1.0, max(0.0, (epoch - start) / max(stop - start, 1e-9)))
        return self.at(self.power * done**2, counts)


@dataclass(frozen=True, kw_only=True)
class EffectiveNumber:
    """Weigh class c by (1 - beta) / (1 - beta^n_c), scaled so that the weights average one.

    Cui et al. 2019 (arXiv 1901.05555): n images of a class tell as much as (1 - beta^n) /
    (1 - beta) that do not resemble each other.

    beta: 0 weighs all alike; towards 1 the weights become those of inverse frequency.
    """

    beta: Annotated[float, Ge(0), Lt(1)] = 0.999

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> list[float]:
        """Return the weights [C], the same in every epoch.

        counts: training images per class; a class without images weighs nothing.
        """
        return effective_number(counts, self.beta)


@dataclass(frozen=True)
class ByClass:
    """Weigh each class by a number of the recipe, whatever the counts are.

    factors: class -> its weight; 1 where a class is not named.
    """

    classes: Sequence[str]
    _: KW_ONLY
    factors: Difficulty = field(default_factory=dict)

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> list[float]:
        """Return the weights [C], the same in every epoch."""
        return [self.factors.get(name, 1.0) for name in self.classes]


def effective_number(counts: Sequence[int], beta: float) -> list[float]:
    """Return the weights [C] of some counts."""
    return _scale([(1 - beta) / (1 - beta**count) if count else 0.0 for count in counts])


def _scale(raw: list[float]) -> list[float]:
    """Scale weights to an average of one."""
    return [len(raw) * value / sum(raw) for value in raw]


def _epochs(moment: float, epochs: int) -> float:
    """Return a moment in epochs; below 1 it is a share of the training."""
    return moment * epochs if moment < 1 else moment
