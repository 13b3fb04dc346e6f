"""What a sweep came to: the settings that were tried, beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class SweepAxis:
    """Hold a key that the settings of a sweep differ in.

    key: with dots, such as "optimizer.lr".
    choices: the values that were tried, as texts; empty where they are numbers of a range.
    log: whether the logarithm of its numbers is drawn.
    """

    key: str
    choices: tuple[str, ...] = ()
    log: bool = False


@dataclass(frozen=True)
class SweepSetting:
    """Hold one setting, of one trial or of several that differ in seed or fold.

    trials: their numbers.
    values: what it sets: by the key of an axis, the place among the choices or the number.
    labels: the same in words.
    state: "done" where all trials are.
    epochs: that were trained, of all trials together.
    numbers: the objectives of the validation part, the mean over the trials.
    intervals: their 95 % intervals, over lesions, and over trials where there are several.
    on_front: whether no other setting is better in one objective and as good in all others.
    error: what a trial failed of.
    """

    trials: tuple[int, ...]
    values: Mapping[str, float]
    labels: Mapping[str, str]
    state: Literal["done", "pruned", "failed"]
    epochs: int
    numbers: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    on_front: bool = False
    error: str = ""


@dataclass(frozen=True)
class SweepSummary:
    """Hold a whole sweep.

    name: of the recipe.
    method: by which settings were chosen, in words.
    objectives: the numbers of the validation part that chose.
    smaller: those of them that are better small.
    axes: what settings differ in.
    settings: in the order of their trials.
    best: the place of the best setting, by the first objective.
    importance: of each objective, the share of its variance that an axis alone explains.
    test: the numbers of the best setting's first trial on the test part, which chose nothing.
    test_intervals: their 95 % intervals.
    notes: what must be known before believing the numbers.
    """

    name: str
    method: str
    objectives: tuple[str, ...]
    smaller: frozenset[str]
    axes: tuple[SweepAxis, ...]
    settings: Sequence[SweepSetting]
    best: int
    importance: Mapping[str, Mapping[str, float]]
    test: Mapping[str, float]
    test_intervals: Mapping[str, tuple[float, float]]
    notes: Sequence[str] = ()
