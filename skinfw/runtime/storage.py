"""Where skinfw keeps what can be made again: decoded images, features, fingerprints."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder of all caches: ~/.cache/skinfw, or what SKINFW_CACHE names."""
    return Path(os.environ.get("SKINFW_CACHE") or "~/.cache/skinfw").expanduser()
