"""Find the line of every key in a TOML text, which tomllib does not tell.

The text must be valid TOML (tomllib has read it before), so the scanner only has to know where
keys and values end, not what they mean.
"""

from __future__ import annotations

import re
from collections import Counter

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}'
    r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table, key and array item.

    text: valid TOML.
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walk once over the text, remembering where each path was written."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text.replace("\r\n", "\n"), 0
        self.lines: dict[Path, int] = {}
        self.items: Counter[Path] = Counter()

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while not self._blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _blank(self) -> bool:
        """Skip white space and comments; True at the end of the text."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at >= len(self.text)

    def _note(self, path: Path) -> None:
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], self.text.count("\n", 0, self.at) + 1)

    def _dotted_key(self, base: Path) -> Path:
        """Read `a.b."c"` and return it below the base, through the newest array items."""
        path = base
        while True:
            self._blank()
            match = _KEY.match(self.text, self.at)
            if match is None:
                raise ValueError(f"no TOML key at character {self.at}")
            self.at = match.end()
            key = match.group()
            path = (*path, key[1:-1] if key[0] in "\"'" else key)
            self._blank()
            if self.text[self.at] != ".":
                return path
            self.at += 1
            if self.items[path]:
                path = (*path, self.items[path] - 1)

    def _header(self) -> Path:
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        start = self.at
        path = self._dotted_key(())
        if array:
            path = (*path, self.items[path])
            self.items[path[:-1]] += 1
        end, self.at = self.at + (2 if array else 1), start
        self._note(path)
        self.at = end
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = self._dotted_key(table)
        end, self.at = self.at, start
        self._note(path)
        self.at = end + 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._blank()
        first = self.text[self.at]
        if match := _STRING.match(self.text, self.at):
            self.at = match.end()
        elif first in "[{":
            self.at += 1
            index = 0
            while not self._blank() and self.text[self.at] not in "]}":
                if self.text[self.at] == ",":
                    self.at += 1
                elif first == "{":
                    self._pair(path)
                else:
                    self._note((*path, index))
                    self._value((*path, index))
                    index += 1
            self.at += 1
        elif match := _SCALAR.match(self.text, self.at):
            self.at = match.end()
