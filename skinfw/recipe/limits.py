"""How large a recipe may be: far more than any needs, and little enough that none hangs skinfw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from skinfw.recipe.places import Keys

MOST_BYTES = 1 << 20
MOST_FILES = 32
MOST_VALUES = 10_000
MOST_ITEMS = 1_000
MOST_TABLES = 100
DEEPEST = 32
LONGEST_NAME = 200
LONGEST_TEXT = 10_000
LARGEST_INTEGER = 2**63 - 1
"""What TOML promises of integers: 64 bits."""


class LimitError(Exception):
    """Say that a recipe holds more than it may, or what no recipe can hold.

    what: the problem in one sentence.
    cure: what to do.
    keys: the path of the value, where it is known.
    line: the line, where it is known.
    """

    def __init__(self, what: str, cure: str, keys: Keys = (), line: int = 0) -> None:
        """Keep the sentence, the cure and the place."""
        super().__init__(what, cure, keys, line)
        self.what, self.cure, self.keys, self.line = what, cure, keys, line


def check_limits(data: Mapping[Any, Any]) -> None:
    """Refuse tables that hold more than a recipe may, without ever going deep or far.

    data: nested tables; tables in Python may even hold themselves.
    Raises LimitError with the keys of the value.
    """
    count, waiting = 0, [((), data)]  # type: tuple[int, list[tuple[Keys, Any]]]
    while waiting:
        keys, value = waiting.pop()
        if isinstance(value, Mapping | list | tuple):
            count += len(value)
            check_size(keys, count, 0 if isinstance(value, Mapping) else len(value))
            waiting += reversed([((*keys, key), item) for key, item in _children(value)])
        elif isinstance(value, str | Path):
            check_text(str(value), "a text", LONGEST_TEXT, keys)
        elif isinstance(value, int) and not -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
            raise LimitError("an integer is beyond 64 bits", "TOML has no larger ones", keys)
        elif not isinstance(value, int | float | date | time | None):
            what = f"a value of type {type(value).__name__} is none that a recipe can hold"
            raise LimitError(what, "give a text, a number, a truth value, a list or a table", keys)


def check_size(keys: Keys, values: int, items: int) -> None:
    """Refuse what is too deep, too many values in all, and too long a list.

    keys: of a value.
    values: keys and items until now.
    items: of the list that the value is.
    """
    if len(keys) > DEEPEST:
        what = f"tables and lists stand more than {DEEPEST} deep in each other"
        raise LimitError(what, "no component needs that; write it flatter", keys)
    if values > MOST_VALUES:
        what = f"the recipe has more than {MOST_VALUES:,} keys and items"
        raise LimitError(what, "put long lists into a file of the data set", keys)
    if items > MOST_ITEMS:
        what = f"a list has more than {MOST_ITEMS:,} items"
        raise LimitError(what, "put long lists into a file of the data set", keys)


def check_text(text: str, noun: str, longest: int, keys: Keys = ()) -> None:
    """Refuse a text that is too long, or that no file and no terminal can hold.

    text: a value or a key.
    noun: what it is, "a text" or "a key".
    longest: letters that it may have.
    keys: its place.
    """
    if len(text) > longest:
        raise LimitError(
            f"{noun} has {len(text):,} letters, and {longest:,} is the most", "shorten it", keys
        )
    if "\0" in text:
        raise LimitError(f"{noun} holds a NUL character", "take it out", keys)
    if not _is_unicode(text):
        raise LimitError(f"{noun} is no valid Unicode", "write it in UTF-8", keys)


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be written in UTF-8, which halves of characters cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield what a table or a list holds, the names of keys checked."""
    if not isinstance(value, Mapping):
        yield from enumerate(value)
        return
    for key, item in value.items():
        check_text(str(key), "a key", LONGEST_NAME)
        yield str(key), item
