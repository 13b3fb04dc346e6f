"""One seed, many named random streams, so that adding one thing never reshuffles another."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str, *keys: int) -> np.random.Generator:
    """Return the random stream of one purpose.

    seed: the recipe's seed.
    name: the purpose: split, sampler, augment, init, train, explain.
    keys: what the stream belongs to, such as epoch and position.
    """
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode()), *keys]))


def torch_seed(seed: int, name: str, *keys: int) -> int:
    """Return a seed for torch's own generators, from the stream of the same name."""
    return int(stream(seed, name, *keys).integers(2**63 - 1))
