"""Tables of many rows: reading, checking and splitting take time and memory in proportion."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import ours
from benchmarks.harness import Bench, Row, fresh
from benchmarks.machine import peak_memory
from skinfw.data.table import split_data

NAME = "ISIC_2019_Training"
CLASSES = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
SHARES = (0.18, 0.51, 0.13, 0.034, 0.1, 0.011, 0.01, 0.025, 0.0)
IMAGES_PER_LESION = 2
LIMIT_MB = 1000.0
RECIPE = """
    [dataset]
    use = "isic2019"
    root = "{root}"

    [split]
    use = "lesion-stratified"
    check = "ids"

    [backbone]
    use = "lite/efficientnet-lite0"

    [train]
    limit_batches = 1
"""
"""A quick look, which does not decode the images: they are empty files."""


def metadata(bench: Bench) -> list[Row]:
    """Read and split growing tables, each in a fresh Python."""
    sizes = [bench.amount(full, full // 100) for full in (25_000, 100_000, 400_000)]
    roots = [_write(bench.scratch / f"rows-{size}", size) for size in sizes]
    measured = [[_measure(root) for root in roots] for _ in range(bench.rounds)]
    per_row = [
        [point[place]["seconds"] / size for point in measured] for place, size in enumerate(sizes)
    ]
    micro = [[1e6 * seconds for seconds in some] for some in per_row]
    peaks = [[point[place]["peak_mb"] for point in measured] for place in range(len(sizes))]
    rows = [
        Row(f"read and split, per row of {size:,}", f"itself at {sizes[0]:,}", some, micro[0],
            unit="µs", at_most=1.5)
        for size, some in zip(sizes[1:], micro[1:], strict=True)
    ]  # fmt: skip
    limit = [LIMIT_MB] * bench.rounds
    work = f"peak memory at {sizes[-1]:,} rows"
    return [*rows, Row(work, "a limit", peaks[-1], limit, unit="MB", at_most=1.0)]


def _write(root: Path, count: int) -> Path:
    """Write metadata in the official layout of ISIC 2019, and an empty file per image."""
    images = root / f"{NAME}_Input"
    images.mkdir(parents=True)
    rng = np.random.default_rng(count)
    ids = [f"ISIC_{number:07d}" for number in range(count)]
    lesions = np.sort(rng.integers(0, count // IMAGES_PER_LESION, count))
    of_lesion = rng.choice(len(CLASSES), count, p=np.array(SHARES) / sum(SHARES))
    labels = np.eye(len(CLASSES))[of_lesion[lesions]]
    truth = pd.DataFrame(labels, columns=list(CLASSES))
    truth.insert(0, "image", ids)
    truth.to_csv(root / f"{NAME}_GroundTruth.csv", index=False)
    pd.DataFrame(
        {
            "image": ids,
            "age_approx": rng.integers(0, 18, count) * 5.0,
            "anatom_site_general": rng.choice(["head/neck", "anterior torso", ""], count),
            "lesion_id": [f"HAM_{number:07d}" for number in lesions],
            "sex": rng.choice(["male", "female", ""], count),
        }
    ).to_csv(root / f"{NAME}_Metadata.csv", index=False)
    for name in ids:
        (images / f"{name}.jpg").touch()
    return root


def _measure(root: Path) -> dict[str, float]:
    """Measure one table in a fresh process."""
    numbers: dict[str, float] = json.loads(fresh("benchmarks.metadata", root))
    return numbers


def main(root: Path) -> None:
    """Print the seconds and the peak memory of one table."""
    plan = ours.plan_of(RECIPE.format(root=root), root)
    start = time.perf_counter()
    split_data(plan)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_mb": peak_memory()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
