"""Ways to break a recipe; each takes dice, an empty folder and a text, and returns bytes."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

SECRET = "hunter2-of-a-stranger"
"""What stands in private files, and must never be shown."""

NUMBERS = (
    "0", "-0", "-1", "1", "2", "3", "8", "64", "0.5", "0.1", "false", "3.5", "-0.0", "nan",
    "-nan", "inf", "-inf", "1e999", "1e-999", "true", "9223372036854775807",
    "9223372036854775808", "1" + "0" * 400, "9" * 5_000, "0x" + "f" * 4_000, "0b1", "0o7",
    "1_000", "1979-05-27", "1979-05-27T07:32:00Z", "07:32:00", "2024-13-45",
)  # fmt: skip
TEXTS = (
    '""', '"x"', "'literal'", '"""\nseveral\nlines"""', r'"\u001b[31mred\u0007"', r'"a\u0000b"',
    r'"\u202egnp.exe"', r'"tab\tand\nline"', '"Haut\N{LATIN SMALL LETTER A WITH DIAERESIS}"',
    '"\N{FACE WITH TEARS OF JOY}"', '"~nobody/there"', '"../../../../etc/passwd"', '"/dev/zero"',
    '"%s{0}"', f'"{"long" * 2_000}"', f'"{"longer" * 3_000}"', r'"\U0010ffff"', '"$(id)"',
)  # fmt: skip
NESTS = (
    "[]", "{}", "[[]]", "[{}]", "[1, 'a', true]", "{ a = { b = { c = [1] } } }", "[nan, {}]",
    "[" * 200 + "]" * 200, "{a=" * 200 + "1" + "}" * 200, "[" + "1," * 3_000 + "]",
    "{ NV = -1, MEL = 'x' }", "[[1, 2], [3]]", '["a", "a"]',
)  # fmt: skip
VALUES = (*NUMBERS, *TEXTS, *NESTS)
KEYS = (
    "a", "use", "epochs", "seed", "add", "only", "extends", "requires", "check", '""', '"a b"',
    "'x.y'", "a.b.c", r'"\u0075se"', r'"\u001b[2J"', r'"\u0000"', "\N{GREEK SMALL LETTER ALPHA}",
    '"\N{GREEK SMALL LETTER ALPHA}"', "k" * 500, "a" + ".a" * 100, "a" + ".a" * 20_000, "0", "-",
)  # fmt: skip
KINDS = (
    "dataset", "split", "sampler", "augment", "backbone", "loss", "metric", "report", "train",
    "image", "engine", "evaluate", "modalities", "view", "optimizer", "schedule", "explainer",
    "mix", "modify", "cache", "duplicates", "prepare", "weighting", "track",
)  # fmt: skip
USES = (
    "", "nothing", "flip", "rotation", "history", "cosine", "adamw", "cross-entropy", "focal",
    "shuffl", "synthetic", "acme:margin", "timm/nothing", "a/b/c", "x:y:z", "./absent.py:Y",
    "./absent.py:", "./own.py:Y", "./own.py:absent", "./own.py:Wide", "own.py:Wide",
    "./folder.py:Y", "./own.py/x.py:Y", "../../../x.py:Y", "./" + "n" * 300 + ".py:Y",
    "u" * 9_000, "torch:Adam", "os:system", "lite/nothing", "power", "kmeans-hybrid",
    "./broken.py:X", "a b", "\\",
)  # fmt: skip
PARENTS = (
    "absent.toml", "r.toml", "private.toml", "secret.txt", "secret.toml", "/etc/passwd",
    "/dev/zero", "pipe.toml", "folder.toml", "loop.toml", "quickstart", "quickstrt",
    "chain0.toml", "wide.toml", "n" * 300 + ".toml", "a\\u0000b.toml", ".", "..", "",
    "~/x.toml", "good.toml", "utf16.toml",
)  # fmt: skip
FILES = {
    "private.toml": f'[account]\npassword = "{SECRET}"\n',
    "secret.toml": f"{SECRET}\n",
    "secret.txt": f"{SECRET}\n",
    "good.toml": "[train]\nepochs = 2\n",
    "utf16.toml": f"[train] # {SECRET}".encode("utf-16"),
    "wide.toml": "".join(f"k{n} = 1\n" for n in range(9_999)),
    "broken.py": "1 / 0\n",
    "own.py": 'class Wide:\n    """Be wide."""\n\n    def __init__(self, *, width: int = 3):\n'
    '        """Keep it."""\n',
}
LINE = re.compile(r"^(\s*[\w\"'.-]+\s*=\s*)(.+)$")


def prepare(folder: Path, mentions: str) -> None:
    """Write what a recipe names: parents, private files, and things that are no files.

    mentions: a text that names some of them; only these are written.
    """
    for name, text in FILES.items():
        if name in mentions:
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if "folder." in mentions:
        (folder / "folder.toml").mkdir()
        (folder / "folder.py").mkdir()
    if "loop.toml" in mentions:
        (folder / "loop.toml").symlink_to("loop.toml")
    if "pipe.toml" in mentions:
        os.mkfifo(folder / "pipe.toml")
    for number in range(40 if "chain0" in mentions else 0):
        (folder / f"chain{number}.toml").write_text(f'extends = "chain{number + 1}.toml"\n')


def _lines(dice: random.Random, text: str, change: Callable[[list[str], int], None]) -> str:
    lines = text.split("\n")
    change(lines, dice.randrange(len(lines)))
    return "\n".join(lines)


def change_value(dice: random.Random, text: str) -> str:
    def change(lines: list[str], _: int) -> None:
        own = [number for number, line in enumerate(lines) if LINE.match(line)]
        if own:
            number = dice.choice(own)
            lines[number] = LINE.sub(lambda match: match[1] + dice.choice(VALUES), lines[number])

    return _lines(dice, text, change)


def change_key(dice: random.Random, text: str) -> str:
    def change(lines: list[str], number: int) -> None:
        lines[number] = f"{dice.choice(KEYS)} = {lines[number].partition('=')[2] or '1'}"

    return _lines(dice, text, change)


def add_key(dice: random.Random, text: str) -> str:
    line = f"{dice.choice(KEYS)} = {dice.choice(VALUES)}"
    return _lines(dice, text, lambda lines, number: lines.insert(number, line))


def add_table(dice: random.Random, text: str) -> str:
    header = dice.choice(("[{}]", "[[{}]]", "[{}.x]", "[ {} ]", "[[{}.x]]", "[{}", "{} = 1", "{}"))
    name = dice.choice((*KINDS, *KEYS))
    keys = [f"{dice.choice(KEYS)} = {dice.choice(VALUES)}" for _ in range(dice.randrange(3))]
    return "\n".join([text, header.format(name), *keys, ""])


def add_component(dice: random.Random, text: str) -> str:
    header = dice.choice(("[{}]", "[[{}]]")).format(dice.choice(KINDS))
    keys = [f"{dice.choice(KEYS)} = {dice.choice(VALUES)}" for _ in range(dice.randrange(3))]
    return "\n".join([text, header, f'use = "{dice.choice(USES)}"', *keys, ""])


def change_use(dice: random.Random, text: str) -> str:
    own = list(re.finditer(r'use = ".*"', text))
    if not own:
        return text
    place = dice.choice(own)
    return f'{text[: place.start()]}use = "{dice.choice(USES)}"{text[place.end() :]}'


def extend(dice: random.Random, text: str) -> str:
    parents = [dice.choice(PARENTS) for _ in range(dice.randrange(1, 4))]
    listed = ", ".join(f'"{parent}"' for parent in parents)
    value = dice.choice((f'"{parents[0]}"', f"[{listed}]", f"[[{listed}]]"))
    return f"extends = {value}\n{text}"


def move_lines(dice: random.Random, text: str) -> str:
    def change(lines: list[str], number: int) -> None:
        other = dice.randrange(len(lines))
        lines[number], lines[other] = lines[other], lines[number]
        if dice.random() < 0.5:
            del lines[dice.randrange(len(lines))]
        if dice.random() < 0.5:
            lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines or [""]))

    return _lines(dice, text, change)


def double_table(dice: random.Random, text: str) -> str:
    tables = re.split(r"(?m)^(?=\[)", text)
    return f"{text}\n{dice.choice(tables)}"


def make_huge(dice: random.Random, text: str) -> str:
    huge = (
        "x = " + "[" * 100_000, "x = " + "{a=" * 50_000, "a" + ".a" * 200_000 + " = 1",
        "[" + "a." * 100_000 + "a]", "".join(f"k{n} = 1\n" for n in range(60_000)),
        "".join(f"datase{n} = 1\n" for n in range(3_000)), '[[augment]]\nuse = "flip"\n' * 3_000,
        '[[augment]]\nuse = "flup"\n' * 900, "#\n" * 500_000, "x = '" + "y" * 900_000 + "'",
        "x = [" + "1, " * 300_000 + "]", "\n" * 900_000, "z" * 2_000_000, 'x = """' + '""y' * 9_000,
        "[[a]]\n" * 900 + "".join(f"[a.t{n}]\n" for n in range(8_000)), "[train]\n" * 20_000,
    )  # fmt: skip
    return f"{dice.choice(huge)}\n{text}" if dice.random() < 0.5 else f"{text}\n{dice.choice(huge)}"


TEXT_MUTATIONS = (
    change_value, change_value, change_value, change_key, add_key, add_table, add_component,
    add_component, change_use, change_use, extend, move_lines, double_table,
)  # fmt: skip


def spoil_bytes(dice: random.Random, content: bytes) -> bytes:
    """Flip bytes, cut the end off, or write the text in another encoding."""
    way = dice.randrange(8)
    if way < 4:
        spoilt = bytearray(content or b"x")
        for _ in range(dice.randrange(1, 9)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        return bytes(spoilt)
    if way == 4:
        return content[: dice.randrange(len(content) + 1)]
    if way == 5:
        return content.replace(b"\n", dice.choice((b"\r", b"\r\n", b"\x0b", b"\x00\n")))
    text = content.decode("utf-8", "replace")
    if way == 6:
        return text.encode(dice.choice(("utf-16", "utf-32", "utf-8-sig", "utf-16-le")))
    return f"{text}\n# \xe4\n".encode("latin-1", "replace")
