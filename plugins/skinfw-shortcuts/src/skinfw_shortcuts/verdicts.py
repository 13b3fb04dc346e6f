"""Whether something is a shortcut: found where the lower end of an interval says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from skinfw import Estimate
from skinfw_shortcuts.numbers import Answers
from skinfw_shortcuts.versions import REMOVED

Word = Literal["found", "not found", "not measured"]
DECIDING = ("rise", "rise_on_skin", "rise_beyond_scattered")
SURROUNDINGS = "what is around the lesion"


@dataclass(frozen=True)
class Verdict:
    """Hold what was asked of one shortcut, and the answer.

    shortcut: the mark, or what is around the lesion.
    towards: the class, or malignancy, whose chance it raises most surely.
    number: the name of the number that decides.
    estimate: this number.
    bound: what the lower end of its interval must exceed.
    """

    shortcut: str
    towards: str
    number: str
    estimate: Estimate
    bound: float

    @property
    def word(self) -> Word:
        """The verdict; without an interval there is none."""
        if math.isnan(self.estimate.low):
            return "not measured"
        return "found" if self.estimate.low > self.bound else "not found"


def mark_verdicts(
    numbers: Mapping[str, Estimate], answers: Answers, classes: Sequence[str], least: float
) -> Iterator[Verdict]:
    """Yield a verdict for each mark, about what it raises most surely.

    Of the rises on the picture, on its skin and beyond the control the least sure one decides.

    numbers: of `answers`.
    least: how much a mark must raise a chance.
    """
    for mark in answers.marks:
        asked = [
            min(
                (
                    Verdict(mark, outcome, name, numbers[name], least)
                    for name in (f"{rise}/{mark}/to {outcome}" for rise in DECIDING)
                ),
                key=_lower,
            )
            for outcome in answers.outcomes(classes)
        ]
        yield max(asked, key=_lower)


def surroundings_verdict(numbers: Mapping[str, Estimate], least_auc: float) -> Iterator[Verdict]:
    """Yield the verdict about pictures without a lesion.

    least_auc: what they must reach to tell malignant from benign, or class from class where no
        class is malignant.
    """
    for name, towards in (("malignant_auc", "malignant"), ("macro_auc", "classes")):
        if estimate := numbers.get(f"{name}/{REMOVED}"):
            yield Verdict(SURROUNDINGS, towards, f"{name}/{REMOVED}", estimate, least_auc)
            return


def _lower(verdict: Verdict) -> float:
    """Return the lower end of the interval; what has none is the least sure."""
    low = verdict.estimate.low
    return -math.inf if math.isnan(low) else low
