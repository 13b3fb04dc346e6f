"""What a verification has found, file by file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Verification:
    """Hold what agrees, what differs and what nobody could derive again.

    agreeing: how many values of each file agree: numbers, cells, texts, figures.
    differences: by file, a line for each place.
    unverified: what was not verified, and why.
    """

    agreeing: dict[str, int] = field(default_factory=dict)
    differences: dict[str, list[str]] = field(default_factory=dict)
    unverified: list[str] = field(default_factory=list)

    def agree(self, file: str, values: int = 1) -> None:
        """Count values of a file that agree."""
        self.agreeing[file] = self.agreeing.get(file, 0) + values

    def differ(self, file: str, lines: Iterable[str]) -> None:
        """Note what differs in a file, if anything does."""
        for line in lines:
            self.differences.setdefault(file, []).append(line)

    def leave(self, what: str, why: str) -> None:
        """Note what was not verified."""
        line = f"{what}: {why}"
        if line not in self.unverified:
            self.unverified.append(line)
