"""Image files from strangers, through the doors of training, prediction, the audit and the check.

A child process decodes, so that a crash is seen; it is forked, and lives as long as it behaves. It
hears of every program that is started, and measures each case: processor time, so that other work
on the machine does not count, and the peak of memory above what it had before.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from campaigns.campaign import Campaign, Figures
from campaigns.hostile_images import BOMBS, IMPOSTORS, good, mutated, special
from skinfw import DataTable, SkinfwError
from skinfw.data.image_check import find_bad_images
from skinfw.data.loader import Source
from skinfw.data.structure.bounds import Limits
from skinfw.inference.prediction import image_views
from skinfw.recipe.plan import load_plan
from skinfw.toolkit import Decoding, ImageSettings, make_view
from skinfw_audit.audit import audit
from skinfw_duplicates.component import NearDuplicates

SECONDS, MEGABYTES, PATIENCE = 2.0, 600.0, 60.0
STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.system")
EVERY = ImageSettings(formats=(*ImageSettings().formats, "gif"))
"""The formats of the recipe: with the one that must be added by hand."""
RECIPE = {"dataset": {"use": "synthetic"}, "backbone": {"use": "lite/efficientnet-lite0"}}

Answer = tuple[str, float, float, list[str]]


def by_training(path: str, decoding: Decoding) -> str:
    """Read an image as the loader of batches does, with all its pixels."""
    image = Source([path], ["one"], decoding=decoding).read(0)
    assert image.dtype == np.uint8 and image.ndim == 3 and image.size
    return "decoded"


def by_prediction(path: str, decoding: Decoding) -> str:
    """Make the views that a network would see."""
    views = image_views(path, _view(), decoding)
    if isinstance(views, SkinfwError):
        raise views
    assert views.shape == (1, 224, 224, 3)
    return "decoded"


def by_audit(path: str, decoding: Decoding) -> str:
    """Audit a data set of this image and a good one."""
    folder = Path(path).parent
    (folder / "good.png").write_bytes(good()["a.png"])
    paths = [path, str(folder / "good.png")]
    rows = pd.DataFrame({"id": ["1", "2"], "path": paths, "label": "a", "lesion": ["1", "2"]})
    finder = NearDuplicates(EVERY)
    os.environ["SKINFW_CACHE"] = str(folder / "cache")
    found = audit({"x": DataTable(rows)}, {"x": ("a", "b")}, (), finder, lambda _: None).contents[0]
    if found.absent:
        return "absent"
    return _said(path, found.damaged[path]) if path in found.damaged else "decoded"


def by_check(path: str, decoding: Decoding) -> str:
    """Look for bad images as a run does before it trains."""
    bad = find_bad_images([path], decoding.limits, Path(path).parent / "cache", lambda _: None)
    return _said(path, bad[path]) if bad else "decoded"


DOORS = (by_training, by_prediction, by_audit, by_check)


def _said(path: str, why: str) -> str:
    if not why or len(why.splitlines()) != 1:
        raise ValueError(f"{path} is bad for no reason in one line: {why!r}")
    return "refused"


_views: list[Any] = []


def _view() -> Any:
    if not _views:
        _views.append(make_view(load_plan(RECIPE).components.view, 224))
    return _views[0]


def _serve(pipe: Connection) -> None:
    """Answer paths in a process of its own."""
    cv2.setNumThreads(0)
    started: list[str] = []
    sys.addaudithook(lambda event, _: started.append(event) if event in STARTS else None)
    with suppress(EOFError):
        while True:
            path, door = pipe.recv()
            started.clear()
            short = 0 if DOORS[door] is by_training else ImageSettings().decoded_short
            decoding = Decoding(short, limits=Limits.of(EVERY))
            before, clock = _peak(), time.process_time()
            try:
                outcome = DOORS[door](path, decoding)
            except SkinfwError as error:
                lines = str(error).splitlines()
                whole = len(lines) == 4 and error.where == path and all(map(str.strip, lines))
                outcome = "refused" if whole else f"failure: no four lines: {error}"
            except BaseException as error:
                outcome = f"failure: raised {type(error).__name__}: {error}"
            pipe.send((outcome, time.process_time() - clock, _peak() - before, list(started)))


def _peak() -> float:
    """Return the most megabytes this process has had since it was last asked."""
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(float(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return peak / 1024


class _Child:
    """Keep a process that decodes; another takes its place when it dies."""

    def __init__(self) -> None:
        self.process: Any = None

    def ask(self, path: Path, door: int) -> Answer | None:
        """Return its answer, or None where it has died or does not answer."""
        if self.process is None:
            _view()  # once, and in all children
            self.pipe, theirs = multiprocessing.Pipe()
            context = multiprocessing.get_context("fork")
            self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
        self.pipe.send((str(path), door))
        with suppress(EOFError, ConnectionError):
            if self.pipe.poll(PATIENCE):
                answer: Answer = self.pipe.recv()
                return answer
        self.end()
        return None

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


_child = _Child()
_KINDS = ("mutated", "mutated", "mutated", "bomb", "impostor", "special", "mutated")
_turns = {"bomb": list(BOMBS), "impostor": list(IMPOSTORS)}


def _make(kind: str, number: int, dice: random.Random, folder: Path) -> tuple[str, Path]:
    """Write a file; return what it is, and its path."""
    if kind == "special":
        return kind, special(dice, folder)
    if kind == "mutated":
        name, content = mutated(dice)
        name = dice.choice([name, name, "other.jpg", "other.png", "other.tif", "none"])
    else:
        names = _turns[kind]
        what = names[number % len(names)]
        content = BOMBS[what]() if kind == "bomb" else IMPOSTORS[what]
        name, kind = dice.choice(["a.jpg", "a.png", "a.tiff", "a.eps"]), what
        if dice.random() < 0.2 and len(content) < 1_000_000:  # a polyglot of this and an image
            content += dice.choice(list(good().values()))
    (folder / name).write_bytes(content)
    return kind, folder / name


def image(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Try one file at one door."""
    kind = _KINDS[number % len(_KINDS)]
    what, path = _make(kind, number // len(_KINDS), dice, folder)
    turn, rest = divmod(number // len(_KINDS), len(BOMBS))
    door = (turn + rest) % len(DOORS) if kind == "bomb" else dice.randrange(len(DOORS))
    name = f"case {number}, {what} {DOORS[door].__name__.replace('_', ' ')}"
    answer = _child.ask(path, door)
    if answer is None:
        figures.fail(name, "the process died, or did not answer")
        return
    outcome, seconds, megabytes, started = answer
    if outcome.startswith("failure"):
        figures.fail(name, outcome.removeprefix("failure: "))
    figures.count(outcome.partition(":")[0])
    figures.largest("seconds", seconds)
    figures.largest("MB", megabytes)
    if seconds > SECONDS:
        figures.fail(name, f"took {seconds:.2f} s")
    if megabytes > MEGABYTES:
        figures.fail(name, f"took {megabytes:.0f} MB")
    if started:
        figures.fail(name, f"started another program: {', '.join(started)}")


CAMPAIGNS = (Campaign("images", size=3000, sample=24, case=image, end=_child.end),)
