"""Say what to do where the machine fails a run: memory is too small, or a process is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skinfw.errors import SkinfwError, first_line
from skinfw.guards.machine import lost_process, out_of_memory

LOST = "has lost the others"
"""What a process says that fails since another one has."""


@contextmanager
def explain_memory(key: str, size: int) -> Iterator[None]:
    """Name the size of the batches, and the cure, where memory is lacking.

    key: of the recipe that sets the size, such as "train.batch_size".
    size: images in a batch of all processes.
    """
    try:
        yield
    except Exception as error:
        if not out_of_memory(error):
            raise
        half = max(2, size // 2)
        cure = f"set {key} = {half}, and go on with a new run"
        if key == "train.batch_size":
            cure = (
                f"set {key} = {half} and double train.accumulate, which learns almost alike; "
                f'{key} = "auto" finds what fits'
            )
        raise SkinfwError(
            f"there is not enough memory for batches of {size} images",
            f"{key} = {size}",
            _text(error),
            cure,
        ) from error


@contextmanager
def explain_lost_process(rank: int, world: int) -> Iterator[None]:
    """Say that another process of a distributed run has gone.

    rank, world: which process this is, of how many.
    """
    try:
        yield
    except Exception as error:
        if world == 1 or not lost_process(error):
            raise
        raise SkinfwError(
            f"process {rank} of {world} {LOST}",
            why=_text(error),
            cure=_lost_cure(str(error)),
        ) from error


def _lost_cure(text: str) -> str:
    if "shm" in text or "shared memory" in text:
        return "give the container more shared memory, such as --shm-size=1g; then --resume"
    return "the process that ended first says why, or was killed; go on with --resume"


def _text(error: BaseException) -> str:
    line = first_line(error)
    return f"{type(error).__name__}: {line[:300]}" if line else type(error).__name__
