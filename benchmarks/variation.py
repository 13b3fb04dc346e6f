"""What Yao et al.'s crops cost, and each op of virtual pathology."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from benchmarks import ours, pictures
from benchmarks.harness import Bench, Peer, Row, clocked, one_core, race

SIZE = 224
FILES = 200
GRID = """
    [view]
    use = "multi-crop"
    resize = 2.009
"""
LIMIT_MS = 4.0
Image = npt.NDArray[np.uint8]


def crops(bench: Bench) -> list[Row]:
    """Make all crops of files from one decode each, beside a decode for each crop."""
    files = pictures.files(bench)
    paths = [files[place % len(files)] for place in range(bench.amount(FILES, 2))]
    read, plan, look = ours.views(bench.scratch, files, SIZE, GRID)

    def once() -> None:
        for path in paths:
            image = read(path)
            look(image, plan(image.shape[:2]))

    def each() -> None:
        for path in paths:
            for number in range(len(plan((450, 600)))):
                image = read(path)
                look(image, plan(image.shape[:2])[number : number + 1])

    work = f"sixteen crops of {len(paths):,} JPEG files"
    with one_core():
        return race(bench, work, clocked(once), [Peer("a decode per crop", clocked(each), 5.0)])


def pathology(bench: Bench) -> list[Row]:
    """Time each op of virtual pathology on images of 224 pixels, on one core."""
    files = pictures.files(bench)[: bench.amount(16, 1)]
    read, plan, look = ours.views(bench.scratch, files, SIZE, '[view]\nuse = "center"')
    images = [look(image, plan(image.shape[:2]))[0] for image in map(read, files)]
    rows = []
    with one_core():
        for name, act in ours.pathology(bench.scratch):
            times = [_milliseconds(act, images, seed) for seed in range(bench.rounds + 1)][1:]
            limit = [LIMIT_MS] * len(times)
            rows.append(Row(f"{name}, an image", "a limit", times, limit, unit="ms", at_most=1.0))
    return rows


def _milliseconds(act: Callable[[Image, int], Image], images: Sequence[Image], seed: int) -> float:
    """Return the median time of an image; other images get other dice."""
    times = []
    for place, image in enumerate(images):
        start = time.perf_counter()
        act(image, seed * len(images) + place)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
