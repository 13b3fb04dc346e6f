"""Runs that are killed, stopped, and robbed of their disk or their partner; nothing may be lost."""

from __future__ import annotations

import errno
import os
import random
import re
import signal
import socket
import threading
import time
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from typing import Any

from campaigns.campaign import Campaign, Figures
from campaigns.faults import COUNT
from campaigns.tiny_runs import (
    kill_after,
    kill_in_write,
    lives,
    place,
    problems,
    run_folder,
    start,
    status,
    unhurt,
    wait_for,
)

LIMIT = 10.0
"""Seconds that SIGTERM may take; clusters kill after that."""
LOST = 60.0
"""Seconds after which a process knows that the other one has gone."""


def _resume(folder: Path, case: str, figures: Figures, expected: dict[str, Any]) -> None:
    """Go on with a run, or begin it, and compare it with the one that nobody hurt."""
    run = run_folder(folder)
    if run is None:
        figures.count("hurt before it began")
        return
    if status(run) == "done":
        figures.count("hurt after its end")
        (run / "run.lock").unlink(missing_ok=True)  # nobody will start here again
    else:
        again = start(folder, str(run), "--resume")
        if again.returncode:
            figures.fail(case, again.stderr.strip() or f"ended with {again.returncode}")
            return
        figures.count("identical after --resume")
    if said := problems(run, expected):
        figures.fail(case, ", ".join(said))


def kill(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """SIGKILL: at any time, in a write, or twice."""
    expected = unhurt()
    place(folder)
    way = ("at any time", "in a write", "twice")[number % 3]
    if way == "in a write":
        hurt = kill_in_write(folder, dice.randrange(20))
    else:
        hurt = kill_after(folder, dice.uniform(0, expected["seconds"]))
    start(folder, "tiny.toml", meanwhile=hurt)
    run = run_folder(folder)
    if way == "twice" and run and status(run) != "done":
        again = kill_after(folder, dice.uniform(0, expected["seconds"]))
        start(folder, str(run), "--resume", meanwhile=again)
    _resume(folder, f"case {number}, {way}", figures, expected)


def terminate(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """SIGTERM: at any time, and every fifth time in a batch that takes half a minute."""
    expected = unhurt()
    place(folder)
    sent = 0.0
    slow = number % 5 == 4
    if slow:
        (folder / "slow").write_text(str(dice.randrange(1, 16)))

    def hurt(process: int) -> None:
        nonlocal sent
        wait_for(folder, "runs/*/run.json", process)
        if slow:
            while (folder / "slow").exists() and lives(process):
                time.sleep(0.01)
        else:
            time.sleep(dice.uniform(0, expected["seconds"]))
        sent = time.monotonic()
        os.kill(process, signal.SIGTERM)

    done = start(folder, "tiny.toml", meanwhile=hurt)
    seconds, case = time.monotonic() - sent, f"case {number}{', slow batch' if slow else ''}"
    figures.largest("seconds to stop", seconds)
    if seconds > LIMIT:
        figures.fail(case, f"ended {seconds:.1f} s after SIGTERM")
    run = run_folder(folder)
    # By the signal itself before the run listens, and after its end.
    ends = {143: ["stopped"], -signal.SIGTERM: ["running", "done"], 0: ["done"]}
    if done.returncode not in ends:
        figures.fail(case, f"ended with {done.returncode}: {done.stderr.strip()}")
    elif run and status(run) not in ends[done.returncode]:
        figures.fail(case, f"ended with {done.returncode}, and run.json says {status(run)}")
    _resume(folder, case, figures, expected)


def disk(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """A disk that is full, or fails, from one of the writes on."""
    expected = unhurt()
    place(folder)
    writes = _writes()
    fault = "ENOSPC" if number % 2 else "EIO"
    at = dice.randrange(writes)
    done = start(folder, "tiny.toml", FAULT=f"{at} {fault}")
    case = f"case {number}, {fault} at write {at} of {writes}"
    reason = os.strerror(getattr(errno, fault))
    lines = done.stderr.strip().splitlines()
    if done.returncode != 1 or len(lines) != 4 or reason not in lines[2]:
        figures.fail(case, f"ended with {done.returncode}: {done.stderr.strip()}")
    elif not re.search(r"error: .* cannot be written", lines[0]) or "runs/" not in lines[1]:
        figures.fail(case, f"names no file: {done.stderr.strip()}")
    _resume(folder, case, figures, expected)


@cache
def _writes() -> int:
    """Return how many writes a run makes."""
    with TemporaryDirectory() as folder:
        place(Path(folder))
        start(Path(folder), "tiny.toml", FAULT="-1 EIO")
        return int((Path(folder) / COUNT).read_text())


def rank(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """One of two processes is killed; the other one must not wait for it."""
    place(folder)
    victim, case = number % 2, f"case {number}, rank {number % 2} killed"
    killed = 0.0

    def hurt(process: int) -> None:
        nonlocal killed
        wait_for(folder, "runs/*/splits.csv", process)
        time.sleep(dice.uniform(0, 2))
        killed = time.monotonic()
        os.kill(process, signal.SIGKILL)

    ended = _both(folder, ("tiny.toml", "--set", "train.epochs=30"), {victim: hurt})
    code, output, end = ended[1 - victim]
    figures.largest("seconds until the other ended", end - killed)
    if end - killed > LOST:
        figures.fail(case, f"the other ended after {end - killed:.0f} s")
    if code != 1 or "has lost the others" not in output:
        figures.fail(case, f"the other ended with {code}: {output.strip()[-500:]}")
    run = run_folder(folder)
    assert run
    again = _both(folder, (str(run), "--resume"), {})
    if any(code for code, _, _ in again.values()) or status(run) != "done":
        figures.fail(case, f"not resumed: {again}")
    figures.count("resumed")


def _both(
    folder: Path, arguments: tuple[str, ...], hurts: dict[int, Any]
) -> dict[int, tuple[int, str, float]]:
    """Run two processes that share the work; return how each ended, what it said, and when."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = {}

    def one(own: int) -> None:
        done: CompletedProcess[str] = start(
            folder, *arguments, meanwhile=hurts.get(own, lambda _: None), rank=own, RANK=str(own),
            WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
        )  # fmt: skip
        ended[own] = done.returncode, done.stderr, time.monotonic()

    threads = [threading.Thread(target=one, args=(own,)) for own in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


CAMPAIGNS = (
    Campaign("kill", 100, 1, kill, slow=True),
    Campaign("terminate", 50, 1, terminate, slow=True),
    Campaign("disk", 100, 1, disk, slow=True),
    Campaign("rank", 20, 1, rank, slow=True),
)
