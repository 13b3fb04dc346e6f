"""What processes share: audits, caches and downloads, used by two at once, killed, and damaged.

Whoever ends by himself must end as if he had been alone; bytes that have changed on the disk may
cost work or an error, and never a wrong answer.
"""

from __future__ import annotations

import atexit
import functools
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fileserver import FileServer, zipped
from PIL import Image

from campaigns.campaign import Campaign, Figures
from campaigns.processes import Job, Processes

_JOBS = "campaigns.sharing_jobs"
_KILLED = -9


@functools.cache
def processes() -> Processes:
    """Return the processes that all cases share."""
    shared = Processes()
    atexit.register(shared.stop)
    return shared


def audit(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Let audits of one folder share the memory of what was seen."""
    _write_lesions(folder / "images", dice)
    memory = folder / "shared" / "fingerprints.sqlite"

    def job(name: str, cache: str = "shared", kill_after: float | None = None) -> Job:
        arguments = (str(folder / "images"), str(folder / cache), str(folder / f"{name}.json"))
        return Job(f"{_JOBS}:audit", arguments, str(folder / f"{name}.log"), kill_after)

    def answer(name: str) -> object:
        pairs = (folder / f"{name}.csv").read_text()
        return json.loads((folder / f"{name}.json").read_text()), pairs

    (alone,) = processes().run(job("alone", "own"))
    expected = answer("alone")
    attack = number % 5
    if attack >= 3:
        processes().run(job("before"))
        if attack == 3:
            _damage(memory, dice)
        else:
            _aim(memory, dice)
    kill_after = dice.uniform(0, 0.6) if attack in (1, 2) else None
    jobs = [
        job("first", kill_after=kill_after),
        *([job("second")] * (attack != 2)),
    ]
    names = ["first", "second"][: len(jobs)]
    codes = processes().run(*jobs) + processes().run(job("third"))
    for name, code in zip([*names, "third"], codes, strict=True):
        if code == _KILLED and name == "first" and kill_after is not None:
            figures.count("killed")
        elif code != alone or answer(name) != expected:
            log = (folder / f"{name}.log").read_text()[-300:]
            figures.fail(f"case {number} {name}", f"code {code}, alone {alone}: {log}")
        else:
            figures.count(("as alone", "as alone beside a kill", "as alone after a kill",
                           "as alone after damage", "as alone after damage")[attack])  # fmt: skip


def cache(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Let readers share decoded images and features."""
    _write_lesions(folder / "images", dice)
    place = folder / "shared"

    def job(name: str, kill_after: float | None = None) -> Job:
        arguments = (str(folder / "images"), str(place), str(folder / f"{name}.json"))
        return Job(f"{_JOBS}:read_cache", arguments, str(folder / f"{name}.log"), kill_after)

    attack = number % 5
    if attack >= 3:
        processes().run(job("before"))
        kinds = ["images/*.rgb", "images/index.sqlite", "features/*.npy"]
        _damage(dice.choice(sorted(place.glob(kinds[number % 3]))), dice)
    kill_after = dice.uniform(0, 0.25) if attack in (1, 2) else None
    jobs = [job("first", kill_after), *([job("second")] * (attack != 2))]
    names = ["first", "second"][: len(jobs)]
    codes = processes().run(*jobs) + processes().run(job("third")) + processes().run(job("last"))
    for name, code in zip([*names, "third", "last"], codes, strict=True):
        if code == _KILLED and name == "first" and kill_after is not None:
            figures.count("killed")
        elif code:
            log = (folder / f"{name}.log").read_text()[-300:]
            figures.fail(f"case {number} {name}", f"code {code}: {log}")
        else:
            figures.count("right pixels and features")
    state = json.loads((folder / "last.json").read_text())
    if state["held"] != state["images"] or state["computed"]:
        said = (folder / "last.log").read_text()[-300:]
        figures.fail(f"case {number}", f"the cache does not become whole again: {state} {said}")


def fetch(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Let downloads share a folder."""
    table = b"id,label\n" + b"".join(b"%06d,A\n" % dice.randrange(10**6) for _ in range(60_000))
    images = {f"Moles/{name}.jpg": dice.randbytes(300_000) for name in range(3)}
    official = {"/moles.csv": table, "/Moles.zip": zipped(images)}
    root = folder / "root"
    expected = {"moles.csv": table, **images}
    with FileServer(official) as server:

        def job(name: str, kill_after: float | None = None, tries: int = 5) -> Job:
            arguments = (str(root), server.url, tries)
            return Job(f"{_JOBS}:fetch", arguments, str(folder / f"{name}.log"), kill_after)

        attack = number % 5
        kill_after = dice.uniform(0, 0.3) if attack in (1, 2) else None
        if attack == 3:  # half a file, which is damaged before the next try
            server.cuts = [dice.randrange(1, len(table))]
            processes().run(job("before", tries=1))
            server.cuts = []
            _damage(dice.choice(sorted(root.glob("*.partial*"))), dice)
        elif attack == 4:
            processes().run(job("before"))
            files = [file for file in root.rglob("*") if file.is_file() and file.stat().st_size]
            _damage(dice.choice(sorted(files)), dice)
        server.cuts = [dice.randrange(1, 300_000)] if attack == 0 else []
        jobs = [job("first", kill_after), *([job("second")] * (attack != 2))]
        names = ["first", "second"][: len(jobs)]
        codes = processes().run(*jobs)
        if 1 in codes and attack == 4:  # damage was told, and the cure is to fetch anew
            figures.count("damage told")
            shutil.rmtree(root)
        codes, names = [*codes, *processes().run(job("third"))], [*names, "third"]
    for name, code in zip(names, codes, strict=True):
        if code == 1 and attack == 4 and name != "third":
            continue
        if code == _KILLED and name == "first" and kill_after is not None:
            figures.count("killed")
        elif code:
            log = (folder / f"{name}.log").read_text()[-400:]
            figures.fail(f"case {number} {name}", f"code {code}: {log}")
        else:
            figures.count("whole")
    different = [
        name for name, content in expected.items() if (root / name).read_bytes() != content
    ]
    if different:
        figures.fail(f"case {number}", f"said to be whole, and {different} are not")


def _write_lesions(folder: Path, dice: random.Random) -> None:
    """Write images of two classes, with a copy, an equal file and a damaged one among them."""
    noise = np.random.default_rng(dice.getrandbits(32))
    for name in range(10):
        place = folder / "ab"[name % 2]
        place.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(noise.integers(0, 256, (6, 7, 3), np.uint8))
        small.resize((112, 96), Image.Resampling.BICUBIC).save(place / f"{name}.jpg", quality=90)
    with Image.open(folder / "a" / "0.jpg") as image:
        image.save(folder / "a" / "copy.jpg", quality=70)
    shutil.copy(folder / "b" / "1.jpg", folder / "b" / "equal.jpg")
    (folder / "b" / "damaged.jpg").write_bytes((folder / "b" / "3.jpg").read_bytes()[:300])


def _damage(file: Path, dice: random.Random) -> None:
    """Change bytes of a file as failing disks and half written blocks do."""
    content = bytearray(file.read_bytes())
    ways: list[Callable[[], None]] = [
        lambda: _flip(content, dice, 1),
        lambda: _flip(content, dice, 20),
        lambda: _blank(content, dice),
        lambda: content.__delitem__(slice(dice.randrange(len(content)), None)),
    ]
    dice.choice(ways)()
    file.write_bytes(content)


def _aim(file: Path, dice: random.Random) -> None:
    """Change single characters of what is kept of copies, of damage, and of paths."""
    content = bytearray(file.read_bytes())
    for mark in (b"near-duplicate", b"Truncated", b".jpg"):
        start = content.find(mark)
        while start >= 0:
            content[start - dice.randrange(1, 8)] ^= 1
            start = content.find(mark, start + 1)
    file.write_bytes(content)


def _flip(content: bytearray, dice: random.Random, count: int) -> None:
    for _ in range(count):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _blank(content: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(content)) // 512 * 512
    length = min(512, len(content) - start)
    content[start : start + length] = bytes(length)


CAMPAIGNS = (
    Campaign("audit", 50, 1, audit, slow=True),
    Campaign("cache", 50, 4, cache),
    Campaign("fetch", 50, 5, fetch, slow=True),
)
