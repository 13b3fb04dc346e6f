"""Write files in one step, so that no reader ever sees half of one."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from skinfw.errors import unwritable
from skinfw.files.processes import this_process


@contextlib.contextmanager
def atomic_write(file: Path) -> Iterator[Path]:
    """Let a file be written under another name, and give it its own once it is on the disk.

    file: the target; it stays as it was where anything fails. A link stays a link, and a device or
        a pipe is written as it is.
    Gives the path to write to. Raises SkinfwError where it cannot be written.
    """
    if file.exists() and not file.is_file():
        with _explain_errors(file, file):
            yield file
        return
    target = file.resolve()
    # The name is this process's own, so that another one may write the same file.
    partial = target.with_name(f"{target.name}.{this_process()}.partial")
    try:
        with _explain_errors(file, partial, target.parent):
            yield partial
            with partial.open("r+b") as handle:
                os.fsync(handle.fileno())
            partial.replace(target)
            _sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):  # half a file would only keep a full disk full
            partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, too, so that files appear there in the order of writing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:  # not every file system can
                raise
        finally:
            os.close(handle)


@contextlib.contextmanager
def _explain_errors(file: Path, *own: Path) -> Iterator[None]:
    """Say that a file cannot be written; what cannot be read meanwhile says so itself."""
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str) and Path(error.filename) not in own:
            raise
        raise unwritable(file, error) from error


def write_json(file: Path, data: Any) -> None:
    """Write JSON; a number that was not measured, or is infinite, becomes null.

    file: the target.
    data: lists and tables of numbers and texts.
    Raises SkinfwError where it cannot be written.
    """
    text = json.dumps(_plain(data), indent=1, allow_nan=False)
    with atomic_write(file) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
