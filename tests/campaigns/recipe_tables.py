"""Recipes as Python tables with values that no recipe can say: each ends in a RecipeError."""

from __future__ import annotations

import datetime
import decimal
import random
import resource
import time
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np

import skinfw
from campaigns.campaign import Campaign, Figures
from skinfw.errors import SkinfwError

_ITSELF: dict[str, Any] = {}
_ITSELF["train"] = _ITSELF
_DEEP: list[Any] = []
for _ in range(5_000):
    _DEEP = [_DEEP]
_JUNK: tuple[Any, ...] = (
    None, object(), {1, 2}, b"bytes", len, np.int64(3), np.nan, np.zeros(3), 10**400, -(10**30),
    datetime.date(2024, 1, 1), decimal.Decimal("0.1"), "\udc80", "a\0b", "x" * 100_000,
    "\x1b[2J", float("nan"), float("inf"), True, -0.0, 1j, Path("a"), Path("a\0b"), (1, 2),
    [None], {"a": None}, {3: 4}, {None: 1}, {b"a": 1}, {"": {}}, {"k" * 5_000: 1}, _ITSELF,
    _DEEP, [0] * 100_000, Exception, range(5), iter(()), "~nobody/there",
    {f"k{n}": n for n in range(20_000)}, [{}] * 500, [[]], {}, [], 3, 2.5, "flip",
    {"use": "flip"}, [{"use": "flip"}], {"use": None}, [{"use": 3}], {"use": "timm"},
)  # fmt: skip
_KEYS = (
    "seed", "requires", "extends", "dataset", "train", "image", "engine", "sampler", "augment",
    "metric", "loss", "backbone", "path", "sets", "values", "recipe", "anything", "use", "epochs",
)  # fmt: skip
_SOURCES: tuple[Any, ...] = ("quickstart", {}, {"dataset": {"use": "synthetic"}})
_MOST_SECONDS = 2.0


def _case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    source: Any = dice.choice((*_SOURCES, *_SOURCES, *_SOURCES, *_JUNK))
    if isinstance(source, dict) and dice.random() < 0.7:
        source = {**source, dice.choice(_KEYS): _value(dice)}
    tables = {dice.choice(_KEYS): _value(dice) for _ in range(dice.randrange(3))}
    tables.pop("recipe", None)  # the name of the first argument
    start = time.process_time()
    with chdir(folder):
        try:
            skinfw.check(source, **tables)
            figures.count("accepted")
        except SkinfwError as error:
            figures.count("refused")
            if error.exit_code != 2:
                figures.fail(number, f"exit code {error.exit_code}: {error}")
            _check_text(number, str(error), figures)
    seconds = time.process_time() - start
    figures.largest("seconds a case", seconds)
    figures.largest("MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    if seconds > _MOST_SECONDS:
        figures.fail(number, f"took {seconds:.1f} s")


def _value(dice: random.Random) -> Any:
    """Return junk, or a table or list with junk in it."""
    value = dice.choice(_JUNK)
    way = dice.random()
    if way < 0.4:
        return {dice.choice(_KEYS): value}
    return [{"use": "flip", "degrees": value}] if way < 0.5 else value


def _check_text(number: int, text: str, figures: Figures) -> None:
    for problem in text.split("\n\n"):
        lines = problem.split("\n")
        if not 2 <= len(lines) <= 4 or not all(line.isprintable() for line in lines):
            figures.fail(number, f"is told in other than four lines: {problem[:500]!r}")


CAMPAIGNS = (Campaign("recipe-tables", 2_000, 40, _case),)
