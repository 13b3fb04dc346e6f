"""The documents, and what stands in their fences."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


class Block(NamedTuple):
    """What stands in one fence.

    language: behind the fence; empty for what a program prints.
    text: the lines.
    """

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(*fence) for fence in fences]


def calls(text: str) -> Iterator[list[str]]:
    """Yield the words of each `skinfw` command in lines of a shell, without the first."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            if Path(words[0]).name == "skinfw":
                yield words[1:end]
            words = words[end + 1 :]
