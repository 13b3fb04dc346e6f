"""What campaigns share: cases drawn from a seed, outcomes that are counted, a line of figures."""

from __future__ import annotations

import importlib
import pkgutil
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import campaigns


@dataclass
class Figures:
    """Count what came of the cases, and keep what must not have come."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    extremes: dict[str, float] = field(default_factory=dict)

    def count(self, outcome: str) -> None:
        """Note how one case ended, in a word or two."""
        self.outcomes[outcome] += 1

    def fail(self, case: object, what: str) -> None:
        """Note a case that ended as none may."""
        self.failures.append(f"{case}: {what}")

    def largest(self, name: str, value: float) -> None:
        """Keep the largest of a measure, such as seconds or megabytes."""
        self.extremes[name] = max(value, self.extremes.get(name, value))

    def line(self, name: str, seconds: float) -> str:
        """Return the line of figures."""
        parts = [f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common()]
        parts += [f"at most {value:,.2f} {measure}" for measure, value in self.extremes.items()]
        parts += [f"{len(self.failures)} failures", f"{seconds:,.0f} s"]
        return f"{name}: {', '.join(parts)}"


@dataclass(frozen=True)
class Campaign:
    """Say what is tried, and how often.

    name: on the command line.
    size: cases of the whole campaign.
    sample: cases that the tests try; 0 for one that takes them too long.
    case: (number, dice, an empty folder, figures) -> tries one; the dice depend on seed and number.
    slow: whether the sample is one of the slow tests.
    end: ends what the cases share, such as a process.
    """

    name: str
    size: int
    sample: int
    case: Callable[[int, random.Random, Path, Figures], None]
    slow: bool = False
    end: Callable[[], None] = lambda: None

    def run(self, numbers: Iterable[int], seed: int = 0) -> Figures:
        """Try cases by their numbers; what one raises is a failure."""
        figures = Figures()
        for number in numbers:
            with TemporaryDirectory(prefix="campaign-") as folder:
                dice = random.Random(f"{seed} {self.name} {number}")
                try:
                    self.case(number, dice, Path(folder), figures)
                except Exception as error:
                    figures.fail(f"case {number}", f"raised {type(error).__name__}: {error}")
        self.end()
        return figures


def all_campaigns() -> Iterator[Campaign]:
    """Yield the campaigns of all modules here, each from its `CAMPAIGNS`."""
    for module in pkgutil.iter_modules(campaigns.__path__, "campaigns."):
        if not module.name.endswith("__main__"):
            yield from getattr(importlib.import_module(module.name), "CAMPAIGNS", ())


def whole(campaign: Campaign, size: int, seed: int) -> Figures:
    """Run a campaign and print its line, and the failures below it."""
    start = time.perf_counter()
    figures = campaign.run(range(size), seed)
    print(figures.line(campaign.name, time.perf_counter() - start))
    for failure in figures.failures:
        print(f"  {failure}")
    return figures
