"""Read docstrings: one active sentence, then `name: meaning.` lines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

_MEANING = re.compile(r"(?P<name>[a-z_]\w*): +(?P<text>\S.*)")


@dataclass(frozen=True)
class Doc:
    """Hold the pieces of a docstring.

    summary: the first sentence.
    body: paragraphs between the summary and the meanings.
    meanings: what each parameter means, on one line.
    """

    summary: str
    body: str
    meanings: Mapping[str, str]


def parse(text: str) -> Doc:
    """Take a docstring apart.

    text: the raw docstring; may be empty.
    """
    summary, _, rest = inspect.cleandoc(text).partition("\n")
    body: list[str] = []
    meanings: dict[str, str] = {}
    current = ""
    for line in rest.strip().splitlines():
        if match := _MEANING.fullmatch(line):
            current = match["name"]
            meanings[current] = match["text"]
        elif current and line.startswith(" "):
            meanings[current] += " " + line.strip()
        else:
            current = ""
            body.append(line)
    return Doc(summary, "\n".join(body).strip(), meanings)
