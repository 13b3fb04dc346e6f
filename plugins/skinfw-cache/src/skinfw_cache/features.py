"""Features of frozen networks on disk, a file for each network and part of the data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError, atomic_write

Floats = npt.NDArray[np.floating[Any]]


def keep_features(file: Path, compute: Callable[[], Floats], say: Callable[[str], None]) -> Floats:
    """Read an array from a file, or compute it and write the file.

    file: a .npy file.
    compute: returns the array.
    say: told why it cannot be kept.
    """
    try:
        kept: Floats = np.load(file, allow_pickle=False)
        if kept.ndim != 3 or kept.dtype != np.float32:
            raise ValueError("these are no features")
        os.utime(file)  # the least recently used are pruned first
        return kept
    except (OSError, ValueError, EOFError, MemoryError):  # absent or damaged: it is made anew
        features = compute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as partial, partial.open("wb") as handle:
            np.save(handle, features)
    except (OSError, SkinfwError) as error:
        why = error.why if isinstance(error, SkinfwError) else error.strerror
        say(f"note: features cannot be kept for the next run: {why}")
    return features
