"""Read a library's docstrings while skinfw runs: the first sentence, and what parameters mean."""

from __future__ import annotations

import inspect
import re

_GOOGLE = re.compile(r"^(?:Args|Arguments|Parameters|Keyword Args) *:? *$")
_GOOGLE_ITEM = re.compile(r"^\*{0,2}(\w+) *(?:\([^:]*?\))? *: *(.*)$")
_NUMPY_ITEM = re.compile(r"^(\w+) *(?::.*)?$")
_RULE = re.compile(r"^-{3,}$")
_ROLE = re.compile(r"(?::\w+(?::\w+)?:)?`~?([^`<]*?)(?: *<[^>]*>)?`_{0,2}")
_SENTENCE = re.compile(r"(.+?[.!?])(?: +[A-Z\"'`(]|$)")
_LONGEST = 200


def first_sentence(doc: str) -> str:
    """Return the first sentence of a docstring; "" where it has none."""
    return _sentence(inspect.cleandoc(doc).partition("\n\n")[0])


def meanings(doc: str) -> dict[str, str]:
    """Return what a docstring says of each parameter, the first sentence of it.

    doc: in Google's style or in numpy's; another style gives an empty dictionary.
    """
    lines = inspect.cleandoc(doc).splitlines()
    for place, line in enumerate(lines):
        if not _GOOGLE.match(line.strip()):
            continue
        rest = lines[place + 1 :]
        if rest and _RULE.match(rest[0].strip()):
            return _items(rest[1:], _NUMPY_ITEM)
        return _items(rest, _GOOGLE_ITEM)
    return {}


def _items(lines: list[str], item: re.Pattern[str]) -> dict[str, str]:
    """Read items at one indentation, what is indented further belonging to the one above."""
    texts: dict[str, list[str]] = {}
    depth, current = -1, ""
    for line in lines:
        if not line.strip():
            current = ""  # the first paragraph of an item is enough
            continue
        indent = len(line) - len(line.lstrip())
        depth = indent if depth < 0 else depth
        match = item.match(line.strip())
        if indent < depth or (indent == depth and not match):
            break
        if indent == depth and match:
            current = match[1]
            texts[current] = [match[2]] if item is _GOOGLE_ITEM else []
        elif current:
            texts[current].append(line.strip())
    return {name: told for name, text in texts.items() if (told := _sentence(" ".join(text)))}


def _sentence(text: str) -> str:
    """Return the first sentence of a text, on one line, without markup; "" where there is none."""
    plain = " ".join(_ROLE.sub(r"\1", text).replace("``", "").split())
    match = _SENTENCE.match(plain)
    plain = match[1] if match else plain
    if plain.endswith(":"):  # what it announces is a list, and not here
        return ""
    if len(plain) > _LONGEST:
        return plain[:_LONGEST].rsplit(" ", 1)[0] + " ..."
    return plain if not plain or plain[-1] in ".!?" else plain + "."
