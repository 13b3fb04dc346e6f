"""Good files made bad: JSON by its text and by its values, bytes, and files of tensors."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2.5, -2.5, 10**15, -(2**63), 1e308, "", "x", "x" * 5_000,
    "../../../../x", "/etc/passwd", "C:\\x", "con", "\x1b[2J\rok", "\u202egnp", "{{ 7 * 7 }}",
    "<script>alert(1)</script>", "=1+1", "nan", [], {}, [[]], [None], {"": None}, ["a", "a"],
    [1, "a"], {"use": 1}, {"use": "x"}, [{"use": "no/such"}], "\x00", "\ud800",
)  # fmt: skip
NAMES = ("", "x" * 300, "__class__", "\u202e")


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything inside a value but the value itself."""
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    found = []
    for key, value in items:
        found += [(*path, key), *places(value, (*path, key))]
    return found


def mutated(data: Any, dice: random.Random, times: int = 1) -> Any:
    """Return a copy in which values are replaced, removed, renamed or doubled."""
    data = json.loads(json.dumps(data))
    for _ in range(times):
        known = places(data)
        if not known:
            return data
        *path, key = dice.choice(known)
        holder = data
        for step in path:
            holder = holder[step]
        what = dice.randrange(8)
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(holder, dict):
            holder[dice.choice([*NAMES, str(key).upper()])] = holder.pop(key)
        elif what == 2 and isinstance(holder, list):
            holder += holder
        elif what == 3:
            holder[key] = nested(dice.choice([2, 3, 5, 5, 60]))
        else:
            holder[key] = dice.choice(VALUES)
    return data


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def bad_text(data: Any, dice: random.Random) -> bytes:
    """Return JSON that is broken as a text."""
    text = json.dumps(data, indent=1)
    cut = dice.randrange(len(text))
    ways: list[Callable[[], bytes]] = [
        lambda: text[:cut].encode(),
        lambda: text.encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + text.encode(),
        lambda: flipped(text.encode(), dice),
        lambda: text.replace(": 0", ": NaN", 1).encode(),
        lambda: text.replace(": 0", ": 1e999", 1).encode(),
        lambda: text.replace(": 0", ": " + "9" * 5_000, 1).encode(),
        lambda: text.replace("{", '{"recipe": {}, ', 1).encode(),
        lambda: b"[" * 200_000 + b"]" * 200_000,
        lambda: b'{"recipe":' * 300 + b"{}" + b"}" * 300,
        lambda: b"",
        lambda: b"null",
        lambda: json.dumps([data]).encode(),
        lambda: (text + " " * (1 << 16) + "}").encode(),
        lambda: b"\x80\x04\x95",
    ]
    return dice.choice(ways)()


def flipped(content: bytes, dice: random.Random) -> bytes:
    """Return bytes of which some are others."""
    changed = bytearray(content)
    for _ in range(dice.choice([1, 4, 40])):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def bad_bytes(content: bytes, dice: random.Random) -> bytes:
    """Return a file that is cut, flipped, doubled, or no such file at all."""
    cut = dice.randrange(len(content))
    return dice.choice(
        [content[:cut], flipped(content, dice), content + content, b"", b"\x80\x02}q\x00.",
         content[cut:], dice.randbytes(500), b"\xff" * 8 + content[8:]]
    )  # fmt: skip
