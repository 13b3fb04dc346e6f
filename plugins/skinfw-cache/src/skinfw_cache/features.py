"""Features of frozen networks on disk, a file for each network and part of the data."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError, atomic_write

Floats = npt.NDArray[np.floating[Any]]

_CHECKSUM_BYTES = 16


def keep_features(file: Path, compute: Callable[[], Floats], say: Callable[[str], None]) -> Floats:
    """Read an array from a file, or compute it and write the file.

    file: a .npy file with the checksum of its bytes behind them, which no reader of .npy minds.
    compute: returns the array.
    say: told why it cannot be kept.
    """
    kept = _read(file)
    if kept is not None:
        with suppress(OSError):
            os.utime(file)  # the least recently used are pruned first
        return kept
    features = compute()
    content = BytesIO()
    np.save(content, features)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as partial, partial.open("wb") as handle:
            handle.write(content.getbuffer())
            handle.write(_checksum(content.getbuffer()))
    except (OSError, SkinfwError) as error:
        why = error.why if isinstance(error, SkinfwError) else error.strerror
        say(f"note: features cannot be kept for the next run: {why}")
    return features


def _read(file: Path) -> Floats | None:
    """Return what a file holds; None where it is absent, half, damaged or has no checksum."""
    try:
        content = memoryview(file.read_bytes())
        body, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
        if checksum != _checksum(body):
            return None
        kept: Floats = np.load(BytesIO(body), allow_pickle=False)
        return kept if kept.ndim == 3 and kept.dtype == np.float32 else None
    except (OSError, ValueError, EOFError, MemoryError):
        return None


def _checksum(content: memoryview) -> bytes:
    return blake2b(content, digest_size=_CHECKSUM_BYTES).digest()
