"""One check of the conformance kit, and the decorator that makes one of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from skinfw.errors import AnswerError

Level = Literal["base", "full"]
"""Base is what the host needs to run a component at all; full is what its users rely on."""

BASIC = ("builds", "answers")


@dataclass(frozen=True)
class Check:
    """Hold one promise and how it is tried.

    name: of the check, such as "epochs differ".
    kinds: whose promise it is; also "plugin" and "command".
    level: "base" or "full".
    asks: the promise, in one sentence.
    run: raises where a candidate breaks it.
    needs: checks without which it tells nothing, so that a defect is told once.
    """

    name: str
    kinds: tuple[str, ...]
    level: Level
    asks: str
    run: Callable[[Any], None]
    needs: tuple[str, ...] = ()


class Checks:
    """Collect the checks of one module, in the order in which they stand there."""

    def __init__(self, *kinds: str) -> None:
        """Begin with none.

        kinds: whose promises they are, unless a check names others.
        """
        self._kinds = kinds
        self.all: list[Check] = []

    def __call__(
        self, name: str, level: Level, *kinds: str, needs: tuple[str, ...] = BASIC
    ) -> Callable[[Any], Any]:
        """Return the decorator of a check, whose docstring is the promise.

        name: of the check.
        level: "base" or "full".
        kinds: whose promise it is, where not that of all in this module.
        needs: checks without which it tells nothing.
        """

        def keep(function: Callable[[Any], None]) -> Callable[[Any], None]:
            asks = " ".join((function.__doc__ or "").split())
            own = ("builds",) if name == "answers" else needs
            self.all.append(Check(name, kinds or self._kinds, level, asks, function, own))
            return function

        return keep


class NotTried(Exception):
    """Say why a check could not be tried here, such as absent data."""


def refuse(came: str, expected: str) -> None:
    """Raise what a failing check says.

    came: what the component did.
    expected: what it promised.
    """
    raise AnswerError(came, expected)
