"""The lists of the zoo, and the decorators that fill them."""

from collections.abc import Callable
from typing import Any

RIGHT: list[tuple[str, str]] = []
"""Kind and target of what is right."""

WRONG: list[tuple[str, str, str]] = []
"""Kind and target of what is wrong in one way only, and the check that is meant for it."""


def right(kind: str) -> Callable[[Any], Any]:
    """Put a component that is right into the zoo."""

    def keep(target: Any) -> Any:
        RIGHT.append((kind, f"{target.__module__}:{target.__name__}"))
        return target

    return keep


def wrong(kind: str, check: str) -> Callable[[Any], Any]:
    """Put a component into the zoo that fails one check and no other."""

    def keep(target: Any) -> Any:
        WRONG.append((kind, f"{target.__module__}:{target.__name__}", check))
        return target

    return keep
