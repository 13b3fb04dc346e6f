"""What the processes of `sharing` do."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np


def audit(images: str, cache: str, out: str) -> None:
    """Run `skinfw data audit` as a user does."""
    from skinfw.cli import main

    os.environ["SKINFW_CACHE"] = cache
    sys.argv = ["skinfw", "data", "audit", f"folder={images}", "--out", out]
    main()


def read_cache(images: str, cache: str, out: str) -> None:
    """Build the cache and read all of it; every pixel must be that of the file."""
    from skinfw.data.decoding import Decoding
    from skinfw.errors import SkinfwError
    from skinfw_cache.features import keep_features
    from skinfw_cache.shards import open_cache

    paths, decoding = sorted(map(str, Path(images).rglob("*.jpg"))), Decoding()
    held = open_cache(Path(cache) / "images", 10**9, paths, decoding, print)
    found = 0
    for path in paths:
        pixels = held.get(path) if held else None
        if pixels is None:
            continue
        found += 1
        if not np.array_equal(pixels, decoding.read(path)):
            sys.exit(f"{path} has other pixels")
    computed: list[int] = []
    features = np.arange(30_000, dtype=np.float32).reshape(100, 3, 100)

    def compute() -> np.ndarray:
        computed.append(1)
        return features

    kept = keep_features(Path(cache) / "features" / "0123.npy", compute, print)
    if not np.array_equal(kept, features):
        sys.exit("the features are others")
    readable = 0
    for path in paths:
        try:
            decoding.read(path)
            readable += 1
        except SkinfwError:
            continue
    state = {"held": found, "images": readable, "computed": len(computed)}
    Path(out).write_text(json.dumps(state))


def fetch(root: str, url: str, tries: int) -> None:
    """Fetch as `skinfw data fetch` does, without its pauses."""
    from skinfw import Download, Downloads, SkinfwError
    from skinfw_fetch import fetch as module

    class Silent:
        def begin(self, text: str, total: int, done: int) -> None: ...
        def advance(self, count: int) -> None: ...
        def say(self, text: str) -> None:
            print(text)

    module.download = partial(module.download, pauses=[0.0] * (tries - 1))
    files = (Download(f"{url}/moles.csv", 9), Download(f"{url}/Moles.zip", 9, "Moles"))
    try:
        work = module.survey(Downloads("ACME", "free", "Acme", files), Path(root), "acme")
        if work.tasks:
            module.fetch(work, False, Silent())
    except SkinfwError as error:
        print(error)
        sys.exit(1)
