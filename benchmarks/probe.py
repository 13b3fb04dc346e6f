"""A linear probe from remembered features beside the same training through the frozen network."""

from __future__ import annotations

import os

from benchmarks import ours, pictures
from benchmarks.dataset import HELD_OUT
from benchmarks.harness import Bench, Peer, Row, race

IMAGES = 1000
SIZE = 160
EPOCHS = 5
RECIPE = f"""
    [train]
    epochs = {EPOCHS}
    freeze = ["trunk"]
"""


def probe(bench: Bench) -> list[Row]:
    """Train the last layer; both sides find their images decoded."""
    count, size = bench.amount(IMAGES, 16), bench.amount(SIZE, 64)
    folder = bench.scratch
    files = pictures.linked(bench, count + len(HELD_OUT))
    recipe = ours.recipe(ours.files(files), size, RECIPE)
    os.environ["SKINFW_CACHE"] = str(folder / "cache")
    remembering = ours.components(recipe, folder, cached=True)
    computing = ours.components(recipe, folder, cached=True, sets=("engine.cache=false",))
    peer = Peer("through the frozen network", ours.training(computing, folder), 20.0)
    work = f"{EPOCHS} epochs of a linear probe, {count:,} images"
    return race(bench, work, ours.training(remembering, folder), [peer])
