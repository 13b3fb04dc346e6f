"""The table [sweep]: its keys, and the axes that span what is tried."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Interval, Lt

Method = Literal["grid", "random", "tpe"]
TABLE = "sweep"


@dataclass(frozen=True, kw_only=True)
class SweepSettings:
    """Set how a sweep chooses what it tries.

    method: "grid" tries every combination; "random" draws each trial by itself; "tpe" draws more
        where earlier trials were good (tree-structured Parzen estimator, Bergstra et al. 2011).
    trials: of a search.
    parallel: how many trials may be under way at once where later ones depend on earlier ones, by
        tpe and by `prune`. A trial knows those that are at least so many before it, and no others.
    seed: of a search.
    objectives: numbers of the validation part that are to be good; `train.select` unless given.
    prune: a trial is stopped where its best `train.select` so far is below this quantile of what
        earlier trials had after the same epoch; 0.5 is their median, 0 stops none (Golovin et al.
        2017).
    warmup: epochs before any trial is stopped.
    seeds: each setting of a grid is trained with the seeds 1 to this.
    folds: each setting of a grid is trained on every fold of the split.
    """

    method: Method = "grid"
    trials: Annotated[int, Interval(ge=1, le=10_000)] = 24
    parallel: Annotated[int, Interval(ge=1, le=256)] = 4
    seed: Annotated[int, Ge(0)] = 0
    objectives: tuple[str, ...] = ()
    prune: Annotated[float, Ge(0), Lt(1)] = 0.0
    warmup: Annotated[int, Ge(1)] = 1
    seeds: Annotated[int, Interval(ge=1, le=1000)] = 1
    folds: bool = False

    @property
    def searches(self) -> bool:
        """Whether what is tried is drawn, and not listed."""
        return self.method != "grid"

    @property
    def depends(self) -> bool:
        """Whether a trial depends on what earlier ones came to."""
        return self.method == "tpe" or self.prune > 0


@dataclass(frozen=True)
class Axis:
    """Hold a key of the recipe and what it may be: some values, or numbers of a range.

    key: with dots, such as "optimizer.lr".
    choices: the values; empty for a range.
    low, high: the ends of a range; whole numbers both, or neither.
    step: between its numbers; 0 for any.
    log: whether its logarithm is drawn evenly.
    """

    key: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    step: float = 0
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether a range has whole numbers alone."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def labels(self) -> list[str]:
        """The choices as texts, no two of them alike."""
        texts = [exact_label(value) for value in self.choices]
        return texts if len({*texts}) == len(texts) else [json.dumps(own) for own in self.choices]

    def place(self, value: Any) -> int:
        """Return the place of a choice; 1, 1.0 and true are three."""
        return [json.dumps(own) for own in self.choices].index(json.dumps(value))

    def record(self) -> dict[str, Any]:
        """Return what the file of a sweep says of it."""
        return {**vars(self), "choices": list(self.choices)}


def label(value: Any) -> str:
    """Return a value as a reader wants it, numbers with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else exact_label(value)


def exact_label(value: Any) -> str:
    """Return a value as a text, numbers with all their digits."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
