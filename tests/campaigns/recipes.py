"""Broken and hostile recipes: each ends in four lines with a place and exit code 2, and soon.

All cases run in this process through the frame of the command line; nothing is trained.
"""

from __future__ import annotations

import random
import re
import resource
import sys
import time
import tomllib
from contextlib import chdir
from functools import cache
from pathlib import Path

from click.testing import CliRunner, Result
from support import ROOT, TINY

from campaigns import recipe_mutations as mutations
from campaigns.campaign import Campaign, Figures
from skinfw.cli.frame import main

_PLACE = re.compile(r"^  .+:\d+|^  --set |there is no recipe|cannot be read|is no run folder", re.M)
_MOST_SECONDS, _MOST_MEGABYTES = 2.0, 200
_FEW = 5
"""Modules that a case may import and still be timed."""
_NEAR = ("seed", "train.epochs", "sampler.use", "augment.0.use", "image.size", "train.freeze")
_SETS = (
    "", "=", "==", "a", "a=", "=1", ".=1", "a..b=1", "train", "train=", "train=1", "train.epochs",
    "extends=x", "augment.0=5", "augment.99.x=1", "augment.-1.x=1", "augment.\u00b2.x=1",
    "augment.\u0663.x=1", "augment.use=x", "metric=[]", "metric=1", "seed=1\nx=2", "seed=1 # no",
    "seed=" + "9" * 5_000, "a" + ".a" * 50_000 + "=1", "x=" + "[" * 5_000, "\udc80=1",
    "dataset.use=\udc80", "dataset.use=\x1b[31m", "dataset.use=a\0b", "image.size=nan", "0.0=1",
    "\u03b1.\u03b2=\u03b3", "x=" + "y" * 50_000, "train.epochs={a=1}", "train.epochs.x.y=1",
    "dataset={use='synthetic'}", "requires=['%%']", "requires=['numpy>99']", "train.epochs=2",
)  # fmt: skip


_OTHERS = {*mutations.PARENTS} - {"private.toml", "secret.toml", "a\\u0000b.toml"}
_OTHERS |= {"runs/x", "x.json", "-", " ", "quickstrt.toml"}
"""What a command line may name instead of a recipe; whoever names a private recipe sees it."""


@cache
def _texts() -> tuple[str, ...]:
    """Return the recipes that are broken: those that skinfw brings, and small ones."""
    files = sorted((ROOT / "recipes").glob("*.toml"))
    shipped = [re.sub(r'(extends = ".*)\.toml"', r'\1"', file.read_text()) for file in files]
    tiny = TINY.replace("./tiny.py:tiny", "./own.py:Wide")
    return (*shipped, *[tiny, '[dataset]\nuse = "synthetic"\n', ""] * 4)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    arguments = ["check", _write(dice, folder), *_set_options(dice)]
    with chdir(folder):
        start, before, modules = time.process_time(), _peak(), len(sys.modules)
        result = CliRunner().invoke(main, arguments)
        seconds, megabytes = time.process_time() - start, _peak() - before
    figures.count({0: "accepted", 2: "refused"}.get(result.exit_code, "ended otherwise"))
    if len(sys.modules) - modules > _FEW:  # what a component imports the first time is its own
        seconds = megabytes = 0
    figures.largest("seconds a case", seconds)
    figures.largest("MB more", megabytes)
    if fault := _fault(result) or _excess(seconds, megabytes):
        figures.fail(f"case {number} {str(arguments)[:200]}", f"{fault}\n{result.output[:2_000]}")


def _write(dice: random.Random, folder: Path) -> str:
    """Write a broken recipe; returns what the command line calls it."""
    text, way = dice.choice(_texts()), dice.random()
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        text = dice.choice(mutations.TEXT_MUTATIONS)(dice, text)
    if way < 0.02:
        text = mutations.make_huge(dice, text)
    content = text.encode("utf-8", "replace")
    if way > 0.85:
        content = mutations.spoil_bytes(dice, content)
    name = dice.choice(("r.toml",) * 30 + ("r", "\x1b[31m.toml", "n" * 249 + ".toml", "a b.toml"))
    (folder / name).write_bytes(content)
    if 0.82 < way < 0.85:
        name = dice.choice(sorted(_OTHERS))
    mutations.prepare(folder, f"{name} {text}")
    return name


def _set_options(dice: random.Random) -> list[str]:
    way = dice.random()
    if way < 0.7:
        return []
    texts = [dice.choice(_SETS) for _ in range(0 if way < 0.8 else dice.randrange(1, 3))]
    texts += [f"{dice.choice(_NEAR)}={dice.choice(mutations.VALUES)}"] * (way < 0.9)
    return [word for text in texts for word in ("--set", text)]


def _fault(result: Result) -> str:
    """Return in which way a command ended as none may; empty for none."""
    if result.exception and not isinstance(result.exception, SystemExit):
        return f"raised {result.exception!r}"
    if mutations.SECRET in result.output:
        return "shows a private file"
    if result.exit_code == 0:
        tomllib.loads(result.stdout)  # what would run is a recipe again
        return ""
    if result.exit_code != 2:
        return f"exit code {result.exit_code}"
    for problem in result.stderr.rstrip("\n").split("\n\n"):
        if not problem.startswith("error: "):
            return "says something that is no error"
        if len(problem.split("\n")) > 4:
            return "has more than four lines"
        if not _PLACE.search(problem):
            return f"names no place: {problem[:300]}"
        if not problem.replace("\n", "").isprintable():
            return "writes control characters"
    return ""


def _excess(seconds: float, megabytes: float) -> str:
    if seconds > _MOST_SECONDS:
        return f"took {seconds:.1f} s"
    return f"took {megabytes:.0f} MB" if megabytes > _MOST_MEGABYTES else ""


CAMPAIGNS = (Campaign("recipes", 10_000, 60, _case),)
