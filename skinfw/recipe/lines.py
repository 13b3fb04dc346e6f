"""Find the line of every key in a TOML text, which tomllib does not tell.

It reads a text before tomllib does, once and in a time that grows with its length, and refuses
what would keep tomllib busy for long. It only has to know where keys and values end, not what they
mean: of a text that is no TOML it says the lines until there, and tomllib says what is wrong.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter

from skinfw.recipe.limits import LONGEST_NAME, LONGEST_TEXT, LimitError, check_size, check_text
from skinfw.recipe.places import Keys

LONGEST_NUMBER = 100
"""Letters of a number; int() refuses some that are longer."""

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_KEY = re.compile(r'"(?:[^"\\\n]++|\\.)*+"|\'[^\'\n]*+\'|[A-Za-z0-9_-]++')
_STRING = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}|\'\'\'(?:[^\']++|\'(?!\'\'))*+\'{3,5}'
    r'|"(?!"")(?:[^"\\\n]++|\\.)*+"|\'(?!\'\')[^\'\n]*+\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*+")
_DIGITS = re.compile(r"[-+]?[0-9_]*+")


class _NotTomlError(Exception):
    """Say that the text is no TOML from here on."""


def key_lines(text: str) -> dict[Keys, int]:
    """Return the line, from 1, of every table, key and array item.

    text: TOML, or what shall be; lines end with a line feed.
    Raises LimitError with the line where a recipe may not hold so much.
    """
    scanner = _Scanner(text)
    try:
        scanner.scan()
    except (_NotTomlError, IndexError):  # the text ends, or goes on as no TOML does
        pass
    except LimitError as error:
        error.line = scanner.line()
        raise
    return scanner.lines


class _Scanner:
    """Walk once over the text, remembering where each path was written."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Keys, int] = {}
        self.items: Counter[Keys] = Counter()
        self._counted, self._line = 0, 1

    def scan(self) -> None:
        table: Keys = ()
        while not self._blank():
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def line(self) -> int:
        """Return the line where the scanner stands; it never asks for an earlier one."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = max(self._counted, self.at)
        return self._line

    def _blank(self) -> bool:
        """Skip white space and comments; True at the end of the text."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at >= len(self.text)

    def _note(self, path: Keys) -> None:
        line = self.line()
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                break
            self.lines[path[:end]] = line
        item = path[-1]
        check_size(path, len(self.lines), item + 1 if isinstance(item, int) else 0)

    def _dotted_key(self, base: Keys) -> Keys:
        """Read `a.b."c"` and return it below the base, through the newest array items."""
        path = base
        while True:
            self._blank()
            match = _KEY.match(self.text, self.at)
            if match is None:
                raise _NotTomlError
            self.at = match.end()
            path = (*path, _name(match.group()))
            check_size(path, 0, 0)
            self._blank()
            if self.text[self.at] != ".":
                return path
            self.at += 1
            if self.items[path]:
                path = (*path, self.items[path] - 1)

    def _header(self) -> Keys:
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

    def _pair(self, table: Keys) -> None:
        start = self.at
        path = self._dotted_key(table)
        end, self.at = self.at, start
        self._note(path)
        self.at = end
        if self.text[self.at] != "=":
            raise _NotTomlError
        self.at += 1
        self._value(path)

    def _value(self, path: Keys) -> None:
        self._blank()
        first = self.text[self.at]
        if first in "\"'":
            match = _STRING.match(self.text, self.at)
            if match is None:
                raise _NotTomlError
            self.at = match.end()
            check_text(match.group(), "a text", LONGEST_TEXT + 6, path)
        elif first in "[{":
            self.at += 1
            self._items(path, first == "{")
            self.at += 1
        elif match := _SCALAR.match(self.text, self.at):
            self.at = match.end()
            if digits := _DIGITS.match(match.group()):
                check_text(digits.group(), "a number", LONGEST_NUMBER, path)

    def _items(self, path: Keys, table: bool) -> None:
        """Read what stands between brackets."""
        index = 0
        while not self._blank() and self.text[self.at] not in "]}":
            if self.text[self.at] == ",":
                self.at += 1
            elif table:
                self._pair(path)
            else:
                self._note((*path, index))
                self._value((*path, index))
                index += 1


def _name(written: str) -> str:
    """Return a key as tomllib reads it."""
    check_text(written, "a key", LONGEST_NAME + 2)
    if written[0] == '"' and "\\" in written:
        try:
            return next(iter(tomllib.loads(f"{written} = 0")))
        except tomllib.TOMLDecodeError:
            raise _NotTomlError from None
    return written[1:-1] if written[0] in "\"'" else written
