"""Run our side and a peer's in turn, keep every number, and skip what is not there, aloud."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Work = Callable[[], float]
"""Do a piece of work once and return its seconds."""


@dataclass(frozen=True)
class Bench:
    """Hold what all comparisons are run with.

    rounds: pairs per comparison.
    smoke: do a little of everything, to see that it runs; the figures mean nothing.
    scratch: a folder that is deleted afterwards.
    images: a folder of JPEG files; None draws synthetic ones.
    isic2019: the unpacked ISIC 2019 archive, if there is one.
    """

    rounds: int
    smoke: bool
    scratch: Path
    images: Path | None = None
    isic2019: Path | None = None

    def amount(self, full: int, little: int) -> int:
        """Return how much to do: `full`, or `little` where it is only a smoke test."""
        return little if self.smoke else full


@dataclass(frozen=True)
class Peer:
    """Name whom we run beside.

    name: what it is, for the table.
    work: what it does, the same as ours.
    at_least: how many times as fast we want to be; None only reports.
    """

    name: str
    work: Work
    at_least: float | None = None


@dataclass(frozen=True)
class Row:
    """Hold a line of the table.

    work: what was done.
    peer: whom it was done beside, or the limit it must keep.
    ours, theirs: the raw numbers, pair by pair.
    unit: of both.
    at_least: wanted of theirs / ours, such as seconds.
    at_most: wanted of ours / theirs, such as memory.
    """

    work: str
    peer: str
    ours: Sequence[float]
    theirs: Sequence[float]
    unit: str = "s"
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios: theirs / ours, or ours / theirs under `at_most`."""
        pairs = zip(self.ours, self.theirs, strict=True)
        if self.at_most is None:
            return statistics.median(theirs / ours for ours, theirs in pairs)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.at_most is not None:
            return self.ratio <= self.at_most
        return None if self.at_least is None else self.ratio >= self.at_least


@dataclass(frozen=True)
class Comparison:
    """Name a comparison.

    name: for `--only`.
    summary: one line for `--list`.
    run: measures it; raises Skip where something is missing.
    """

    name: str
    summary: str
    run: Callable[[Bench], list[Row]]


class Skip(Exception):
    """Say why a comparison cannot be run here."""


def race(bench: Bench, work: str, ours: Work, peers: Sequence[Peer]) -> list[Row]:
    """Run ours and each peer in turn, as pairs, after one run of each to warm up.

    Peers find the C library's memory as their own process would have it.
    """
    ours()
    for peer in peers:
        with_usual_memory(peer.work)
    times: dict[str, tuple[list[float], list[float]]] = {peer.name: ([], []) for peer in peers}
    for _ in range(bench.rounds):
        for peer in peers:
            times[peer.name][0].append(ours())
            times[peer.name][1].append(with_usual_memory(peer.work))
    return [Row(work, peer.name, *times[peer.name], at_least=peer.at_least) for peer in peers]


def with_usual_memory(work: Work) -> float:
    """Do a peer's work without what skinfw asks of the C library."""
    from skinfw.runtime.memory import keep_freed_memory

    keep_freed_memory(False)
    try:
        return work()
    finally:
        keep_freed_memory()


def clocked(function: Callable[[], object]) -> Work:
    """Return the work that takes as long as the function does."""

    def work() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return work


def fresh(module: str, argument: Path, text: str = "") -> str:
    """Run a module in a fresh process, which has no memory of others; return what it prints.

    module: of the benchmarks, with a main program.
    argument: its only one.
    text: its standard input.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, str(argument)],
        cwd=Path(__file__).parents[1],
        input=text,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def need(module: str, package: str) -> Any:
    """Import a peer, or skip.

    package: what pip calls it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Skip(f"{package} cannot be imported ({error}): pip install -e '.[bench]'") from error


@contextmanager
def one_core() -> Iterator[None]:
    """Let torch and OpenCV compute in one thread."""
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
