"""From indices to batches: read, roll, act. The number of workers changes nothing."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch

from skinfw.contracts import Draw
from skinfw.engine.ahead import ahead
from skinfw.engine.cache import Decoded
from skinfw.engine.device import Hardware
from skinfw.engine.images import WHOLE, Decoding
from skinfw.engine.pixels import act, fold, look
from skinfw.engine.seed import stream
from skinfw.errors import SkinfwError
from skinfw.steps import Dice, Op, Step, Warp
from skinfw.targets import Planned

Image = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.integer[Any]]
Key = tuple[int, int, int, bool]
"""Epoch, position in the draw, index into the part, and whether it is a copy."""


Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Source:
    """Read the images of one part.

    paths: file paths, or whatever the data set's own `image` takes.
    ids: image ids, for messages.
    draw: the data set's `image`, or None for files.
    decoding: how files become arrays.
    decoded: the images that the cache holds, by path.
    """

    paths: Sequence[str]
    ids: Sequence[str]
    draw: Callable[[str], Image] | None = None
    decoding: Decoding = WHOLE
    decoded: Decoded | None = None

    def read(self, index: int) -> Image:
        """Return one image, uint8 [H, W, 3]; it may be read-only."""
        path = self.paths[index]
        if self.draw:
            return self.decoding.prepared(self.draw(path))
        held = self.decoded.get(path) if self.decoded else None
        return self.decoding.read(path) if held is None else held


@dataclass(frozen=True)
class Chain:
    """Hold the augmentation of a recipe.

    ops: each op with its place in the recipe, in order.
    size: side of the square that must come out.
    """

    ops: Sequence[tuple[Planned, Op]]
    size: int

    def steps(self, dice: Dice) -> list[Step]:
        """Let every op that applies roll its dice; each sees the size that the last one left."""
        steps: list[Step] = []
        for planned, op in self.ops:
            if planned.host["only"] == ("originals" if dice.copy else "copies"):
                continue
            with planned.guard():
                rolled = list(op.roll(dice))
            warps = [step for step in rolled if isinstance(step, Warp)]
            if warps:
                dice = Dice(dice.rng, warps[-1].size, dice.copy, dice.peer)
            steps += rolled
        return steps


class Images(Protocol):
    """Images that can be asked for in batches, from several threads at once."""

    def batch(self, keys: Sequence[Any], pin: bool = False) -> Batch:
        """Return the tensors of a batch.

        keys: which images.
        pin: whether the memory is locked in place, so that a GPU can fetch it by itself.
        """


class TrainImages:
    """Give augmented training images by key; a pure function of seed and key."""

    def __init__(
        self,
        source: Source,
        labels: Integers,
        chain: Callable[[int], Chain],
        view: Any,
        seed: int,
    ) -> None:
        """Keep what is needed to make any image of any epoch.

        chain: epoch -> the augmentation at that epoch's size.
        """
        self.source, self.labels, self.chain, self.view = source, labels, chain, view
        self.seed = seed

    def batch(self, keys: Sequence[Key], pin: bool = False) -> Batch:
        """Return images, uint8 [N, H, W, 3], and labels [N], of keys of one epoch."""
        size = self.chain(keys[0][0]).size
        images = torch.empty((len(keys), size, size, 3), dtype=torch.uint8, pin_memory=pin)
        for key, out in zip(keys, images.numpy(), strict=True):
            self._image(key, out)
        return images, torch.from_numpy(self.labels[[key[2] for key in keys]])

    def _image(self, key: Key, out: Image) -> None:
        """Make one image where it belongs."""
        epoch, position, index, copy = key
        chain = self.chain(epoch)
        with _named(self.source.ids[index]):
            image = self.source.read(index)
            size = (image.shape[0], image.shape[1])
            if chain.ops:
                rng = stream(self.seed, "augment", epoch, position)
                steps = chain.steps(Dice(rng, size, copy, lambda: self._peer(rng)))
            else:
                steps = self.view.plan(size)[0]
            made = act(image, fold(steps), out)
            if made is not out:
                raise SkinfwError(
                    f"augmentation left {self.source.ids[index]} at {made.shape[1]}x"
                    f"{made.shape[0]} pixels, not at image.size {chain.size}",
                    where="[[augment]]",
                    cure="begin with random-resized-crop, or with resize and center-crop",
                )

    def _peer(self, rng: np.random.Generator) -> Image:
        return self.source.read(int(rng.integers(len(self.labels))))


class EvalImages:
    """Give all views of an image from one decode."""

    def __init__(self, source: Source, labels: Integers, view: Any, first: bool = False) -> None:
        """Keep what is needed to make the views of any image.

        first: whether the first view is enough.
        """
        self.source, self.labels, self.view, self.first = source, labels, view, first

    def batch(self, keys: Sequence[int], pin: bool = False) -> Batch:
        """Return the views, uint8 [N, V, H, W, 3], and labels [N]; keys are positions."""
        images: torch.Tensor | None = None
        for place, index in enumerate(keys):
            with _named(self.source.ids[index]):
                image = self.source.read(index)
                plans = self.view.plan((image.shape[0], image.shape[1]))
                views = look(image, plans[:1] if self.first else plans)
                if images is None:
                    shape = (len(keys), *views.shape)
                    images = torch.empty(shape, dtype=torch.uint8, pin_memory=pin)
                images[place] = torch.from_numpy(views)
        assert images is not None, "a batch has an image"
        return images, torch.from_numpy(self.labels[list(keys)])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the image in what a data set, an op or a view raises."""
    try:
        yield
    except SkinfwError:
        raise
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise SkinfwError(
            f"image {name} could not be prepared: {type(error).__name__}: {error}",
            f"{frame.filename}:{frame.lineno}",
            cure="the line belongs to a data set, an op or a view; report it to its plugin",
        ) from error


def batches(draw: Draw, epoch: int, batch_size: int, rank: int, world: int) -> list[list[Key]]:
    """Cut a draw into batches and take this process's share of each.

    draw: what the sampler drew, in order.
    epoch: goes into the keys.
    batch_size: images per batch over all processes.
    rank, world: which process this is, of how many.
    """
    copies = np.zeros(len(draw.indices), bool) if draw.copies is None else draw.copies
    keys: list[Key] = [
        (epoch, position, int(index), bool(copy))
        for position, (index, copy) in enumerate(zip(draw.indices, copies, strict=True))
    ]
    cut = [keys[start : start + batch_size] for start in range(0, len(keys), batch_size)]
    # Batch normalisation needs two images per process; a smaller rest goes without training.
    whole = [batch for batch in cut if len(batch) >= 2 * world]
    # Every process must get equally many, or gradients would be averaged with wrong weights.
    return [batch[: len(batch) // world * world][rank::world] for batch in whole]


class Loader:
    """Load batches, here or in threads that work ahead.

    Threads see the objects of this process, so that nothing is copied, pickled or forked; decoding
    and resampling leave Python's lock to others while they work.
    """

    def __init__(self, images: Images, hardware: Hardware) -> None:
        """Keep what to load and how."""
        self._images, self._workers = images, hardware.workers
        self._pin = hardware.device.type == "cuda"
        cv2.setNumThreads(0)  # images are too small to share one among threads

    def load(self, batches: Sequence[Sequence[Any]]) -> Iterator[Batch]:
        """Return the tensors of each batch, in order."""
        tasks = (partial(self._images.batch, batch, self._pin) for batch in batches)
        return ahead(tasks, self._workers)
