"""What the data of a training take in memory, beside the network that trains."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import ours
from benchmarks.harness import Bench, Row, Skip, fresh
from benchmarks.machine import peak_memory

SIZE = 160
LIMIT_MB = 2000.0
EPOCH = """
    [train]
    epochs = 1
"""


def memory(bench: Bench) -> list[Row]:
    """Train an epoch on ISIC 2019, decoded and mapped, and one on a few images in memory."""
    if not bench.isic2019:
        raise Skip("it trains on real images: --isic2019 ROOT")
    size = bench.amount(SIZE, 32)
    isic = f'use = "isic2019"\nroot = "{bench.isic2019.resolve()}"\nmissing = "drop"'
    real = ours.recipe(isic, size, EPOCH, split="lesion-stratified")
    few = ours.recipe(ours.noise(256, size), size, EPOCH)
    peaks = [_peak(bench.scratch / name, text) for name, text in (("isic", real), ("few", few))]
    work = "resident memory of a training, beside its network's"
    return [Row(work, "a limit", [peaks[0] - peaks[1]], [LIMIT_MB], unit="MB", at_most=1.0)]


def _peak(folder: Path, recipe: str) -> float:
    """Return the peak of a training in MB, in a fresh process."""
    folder.mkdir()
    return float(fresh("benchmarks.memory", folder, recipe))


def main(folder: Path) -> None:
    """Train by the recipe from standard input, and print the peak memory in MB."""
    ours.training(ours.components(sys.stdin.read(), folder, cached=True), folder)()
    print(peak_memory())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
