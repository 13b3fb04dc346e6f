"""What a tracker is to be told, kept on disk until it was: an entry a line, and how far it got."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from skinfw import SkinfwError, write_json
from skinfw.toolkit import (
    JsonError,
    Schema,
    check_schema,
    display_path,
    parse_json,
    plain_json,
    read_record,
)

FOLDER = "trackers"
"""Of a run folder; what is in it may change after the run."""
QUEUE, STATE, SETTINGS = "queue.jsonl", "state.json", "tracker.json"
LOG = "delivery.log"
"""What the process that delivers has printed."""
LARGEST = 256 << 20
"""Bytes of a queue; a run of 10,000 epochs has a fifth of that."""
_CURE = "remove the folder of this tracker: what the run is worth does not hang on it"


class EntrySchema(Schema):
    """Say what every entry holds; what else it has depends on the event."""

    event: Literal["start", "epoch", "end"]
    time: Annotated[float, Field(ge=0)]
    epoch: Annotated[int, Field(ge=0)] = 0
    run: dict[str, str] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    lineage: dict[str, str | int | None] = Field(default_factory=dict)
    numbers: dict[str, float | int | None] = Field(default_factory=dict)
    files: dict[str, Literal["figure", "report", "record", "model"]] = Field(default_factory=dict)


class StateSchema(Schema):
    """Say how far a delivery is."""

    offset: Annotated[int, Field(ge=0)] = 0
    error: str = ""
    memory: dict[str, str] = Field(default_factory=dict)


class TrackerSchema(Schema):
    """Say which tracker a queue belongs to."""

    tracker: Literal["csv", "tensorboard", "mlflow", "wandb"]
    settings: dict[str, str | int | float | bool]


class Queue:
    """Append entries for a tracker; an entry that cannot be written is tried with the next one."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the queue, which need not exist."""
        self.folder, self._unwritten = folder, b""

    def open(self, tracker: str, settings: Mapping[str, Any]) -> None:
        """Write which tracker this is, and cut off what a killed process has half written.

        Raises SkinfwError or OSError where it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / SETTINGS, {"tracker": tracker, "settings": settings})
        with contextlib.suppress(FileNotFoundError), (self.folder / QUEUE).open("r+b") as file:
            content = file.read(LARGEST)
            file.truncate(content.rfind(b"\n") + 1)

    def add(self, event: str, **entry: Any) -> None:
        """Append an entry, with the time of the clock."""
        line = json.dumps(plain_json({"event": event, "time": time.time(), **entry}))
        self._unwritten += line.encode() + b"\n"
        with contextlib.suppress(OSError):
            self.flush()

    def flush(self) -> None:
        """Write what could not be written before; raises OSError where it still cannot."""
        if not self._unwritten:
            return
        with (self.folder / QUEUE).open("ab", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            try:
                if file.write(self._unwritten) != len(self._unwritten):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder / QUEUE))
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(size)  # half an entry would be none
                raise
        self._unwritten = b""

    def is_delivered(self) -> bool:
        """Tell whether the tracker has got everything."""
        return not self._unwritten and not left_bytes(self.folder)


def left_bytes(folder: Path) -> int:
    """Return how many bytes of a queue are not delivered.

    folder: of the queue.
    """
    file = folder / QUEUE
    return file.stat().st_size - read_state(folder)["offset"] if file.is_file() else 0


def count_left(folder: Path) -> tuple[int, int]:
    """Return how many entries of a queue are not delivered, and how many it has."""
    ends = [end for _, end in read_entries(folder, 0)]
    done = read_state(folder)["offset"]
    return sum(end > done for end in ends), len(ends)


def read_entries(folder: Path, start: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the whole entries of a queue from an offset, each with the offset of its end.

    Raises SkinfwError for a file that is no queue.
    """
    if not (folder / QUEUE).is_file():  # nothing could be written yet
        return
    with (folder / QUEUE).open("rb") as file:
        file.seek(start)
        content = file.read(LARGEST + 1)
    where = display_path(folder / QUEUE)
    if len(content) > LARGEST:
        raise SkinfwError(f"{QUEUE} has more than {LARGEST >> 20} MB", where, cure=_CURE)
    for line in content[: content.rfind(b"\n") + 1].splitlines(keepends=True):
        start += len(line)
        try:
            entry = parse_json(line.decode())
        except (JsonError, UnicodeDecodeError) as error:
            raise SkinfwError(f"{QUEUE} cannot be read", where, str(error), _CURE) from error
        check_schema(EntrySchema, entry, QUEUE, where, _CURE)
        yield EntrySchema.model_validate(entry).model_dump(), start


def read_state(folder: Path) -> dict[str, Any]:
    """Return how far a delivery is; a new one is at the beginning."""
    blank = StateSchema().model_dump()
    if not (folder / STATE).is_file():
        return blank
    return {**blank, **read_record(StateSchema, folder / STATE, _CURE)}


def read_tracker(folder: Path) -> dict[str, Any]:
    """Return which tracker a queue belongs to: its name and its settings."""
    return read_record(TrackerSchema, folder / SETTINGS, _CURE)
