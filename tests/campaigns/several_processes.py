"""`skinfw run --processes` whose processes are killed, and two machines whose link is cut."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from campaigns.campaign import Campaign, Figures
from campaigns.tiny_runs import place, problems, results, run_folder

LIMIT = 60.0
"""Seconds until all processes have ended after one of them was killed."""
NETWORK_LIMIT = 240.0
"""Seconds until two machines have ended, or gone on, after their link was cut."""
EPOCHS = ("--set", "train.epochs=20", "--set", "train.batch_size=8")
ADDRESSES = ("10.213.0.1", "10.213.0.2")
CUTS = (5.0, 30.0, 0.0)
"""Seconds without a link; 0 leaves it cut."""


def rank_kill(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """One of two or four processes is killed; every other time the run may start them again."""
    world, restarts = (2, 4)[number % 2], number // 2 % 2
    expected = _undisturbed(world)
    place(folder)
    case = f"case {number}, one of {world} killed, {restarts} restarts"
    words = ("--processes", str(world), "--max-restarts", str(restarts))
    with _started(folder, *words) as starter:
        workers = _workers(starter, world)
        _wait_for_division(starter, folder)
        time.sleep(dice.uniform(0, 0.7 * expected["seconds"]))
        try:
            os.kill(dice.choice(workers), signal.SIGKILL)
        except ProcessLookupError:  # it had done its part already
            figures.count("hurt after its end")
            return
        killed = time.monotonic()
        end = _end(starter, LIMIT if not restarts else LIMIT + 2 * expected["seconds"] + 120)
    if end is None:
        figures.fail(case, "was still at work")
        return
    code, said = end
    figures.largest("seconds until all had ended", 0 if code == 0 else time.monotonic() - killed)
    run = run_folder(folder)
    assert run
    if code == 0 and not restarts:
        figures.count("hurt after its end")
    elif restarts:
        figures.count("went on by itself")
        if code:
            figures.fail(case, f"ended with {code}: {said[-500:]}")
    else:
        figures.count("ended with the cause")
        lines = said.strip().splitlines()[-4:]
        if code != 1 or f"of {world} was killed by SIGKILL" not in lines[0]:
            figures.fail(case, f"ended with {code}: {said[-500:]}")
        with _started(folder, "--processes", str(world), "--resume", recipe=str(run)) as again:
            if (end := _end(again, 1200)) is None or end[0]:
                figures.fail(case, f"was not resumed: {end}")
    if said_of := problems(run, expected):
        figures.fail(case, ", ".join(said_of))


def cut_link(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Two machines, one process on each; their link is cut for some seconds, or for good."""
    seconds = CUTS[number % len(CUTS)]
    case = f"case {number}, cut for {seconds:.0f} s" if seconds else f"case {number}, cut for good"
    if sys.platform != "linux" or os.geteuid() or not shutil.which("ip"):
        figures.count("skipped: network namespaces need Linux, root and ip")
        return
    place(folder)
    words = ("--processes", "1", "--machines", "2", "--run-name", "cut",
             "--rendezvous", f"{ADDRESSES[0]}:29400", "--set", "train.epochs=60")  # fmt: skip
    with (
        _two_machines() as machines,
        _started(folder, *words, inside=machines[0]) as first,
        _started(folder, *words, inside=machines[1]) as second,
    ):
        while first.poll() is None and not list(folder.glob("runs/*/last/state.pt")):
            time.sleep(0.1)
        time.sleep(dice.uniform(0, 2))
        cut = time.monotonic()
        _link(machines[0], "down")
        if seconds:
            time.sleep(seconds)
            _link(machines[0], "up")
        ends = [_end(own, NETWORK_LIMIT) for own in (first, second)]
    figures.largest("seconds from the cut to the end", time.monotonic() - cut)
    for name, end in zip(("first", "second"), ends, strict=True):
        if end is None:
            figures.fail(case, f"the {name} machine was still at work")
        elif end[0] and "go on with" not in end[1]:
            figures.fail(case, f"the {name} machine ended with {end[0]}: {end[1][-500:]}")
        else:
            _, told, rest = end[1].rpartition("error: ")
            how = f"said: {rest.splitlines()[0]}" if told else "stopped in order"
            figures.count("went on" if end[0] == 0 else how)


@cache
def _undisturbed(world: int) -> dict[str, Any]:
    """Return what a run by so many processes leaves, and its seconds after the division."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        place(folder)
        with _started(folder, "--processes", str(world)) as starter:
            _wait_for_division(starter, folder)
            began = time.monotonic()
            assert _end(starter, 1200), "the run that nobody disturbs ends"
        run = run_folder(folder)
        assert run and starter.returncode == 0
        return {"seconds": time.monotonic() - began, **results(run)}


@contextmanager
def _started(
    folder: Path, *words: str, recipe: str = "tiny.toml", inside: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Start a run, in a network namespace if one is named, and leave nothing of it."""
    sets = () if "--resume" in words else EPOCHS
    command = [sys.executable, "-m", "skinfw", "run", recipe, "-q", *sets, *words]
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1",
                   "SKINFW_CACHE": str(folder / "cache")}  # fmt: skip
    if inside:
        command = ["ip", "netns", "exec", inside, *command]
        environment["GLOO_SOCKET_IFNAME"] = inside
    starter = subprocess.Popen(
        command, cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield starter
    finally:
        for process in [*_children(starter.pid), starter.pid] if starter.poll() is None else ():
            os.kill(process, signal.SIGKILL)
        starter.wait()


def _end(starter: subprocess.Popen[str], seconds: float) -> tuple[int, str] | None:
    """Return how a run ended and what it said, None where it does not end in time."""
    try:
        said, _ = starter.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    return starter.returncode, said


def _wait_for_division(starter: subprocess.Popen[str], folder: Path) -> None:
    """Wait until the data are divided, as long as a run is at work."""
    while starter.poll() is None and not list(folder.glob("runs/*/splits.csv")):
        time.sleep(0.02)


def _workers(starter: subprocess.Popen[str], count: int) -> list[int]:
    """Return the numbers of the processes that share the run, once all of them are there."""
    while starter.poll() is None and len(_children(starter.pid)) < count:
        time.sleep(0.02)
    return _children(starter.pid)


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]


@contextmanager
def _two_machines() -> Iterator[tuple[str, str]]:
    """Make two network namespaces with a link between them; each has an interface of its name."""
    names = (f"skf{os.getpid()}a"[:15], f"skf{os.getpid()}b"[:15])
    try:
        for name in names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", names[0], "netns", names[0], "type", "veth",
            "peer", "name", names[1], "netns", names[1])  # fmt: skip
        for name, address in zip(names, ADDRESSES, strict=True):
            _ip("-n", name, "address", "add", f"{address}/24", "dev", name)
            _link(name, "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _link(machine: str, state: str) -> None:
    _ip("-n", machine, "link", "set", machine, state)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


CAMPAIGNS = (
    Campaign("rank kills", 20, 1, rank_kill, slow=True),
    Campaign("cut link", 3, 0, cut_link, slow=True),
)
