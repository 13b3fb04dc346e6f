"""The pages of the documents, which errors cite; they come with skinfw."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ROW = re.compile(
    r"^\| (?P<names><a id=.*?) \| (?P<text>.*) \| (?P<interval>[^|]*) \|$", re.MULTILINE
)


def page(name: str) -> Path:
    """Return the file of a page.

    name: such as "kinds.md".
    """
    here = Path(__file__).parents[1]
    # In a wheel they lie in the package, in a checkout beside it.
    return next(
        file for file in (here / "docs" / name, here.parent / "docs" / name) if file.is_file()
    )


@dataclass(frozen=True)
class Definition:
    """Hold what a number is.

    name: its anchor in numbers.md, such as "sensitivity".
    text: what it is, with its formula; code stands between backquotes.
    """

    name: str
    text: str


@cache
def number_definitions() -> dict[str, Definition]:
    """Return the definitions of numbers.md by the names and the words that tables have for them.

    Numbers of one class or one operating point have the definition of what stands before "/".
    """
    definitions: dict[str, Definition] = {}
    for row in _ROW.finditer(page("numbers.md").read_text(encoding="utf-8")):
        names = re.findall(r'<a id="(\w+)"></a>', row["names"])
        words = re.findall(r"\*([^*]+)\*", row["names"])
        definitions |= {name: Definition(name, row["text"]) for name in names}
        definitions |= {word: Definition(names[0], row["text"]) for word in words}
    return definitions
