"""From indices to batches: read, roll, act, stack. Worker count changes nothing."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset

from skinfw.contracts import Draw
from skinfw.engine.device import Hardware
from skinfw.engine.images import read_image
from skinfw.engine.pixels import act, fold
from skinfw.engine.seed import stream
from skinfw.errors import SkinfwError
from skinfw.steps import Dice, Op, Step, Warp
from skinfw.targets import Planned

Image = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.integer[Any]]
Key = tuple[int, int, int, bool]
"""Epoch, position in the draw, index into the part, and whether it is a copy."""


@dataclass(frozen=True)
class Source:
    """Read the images of one part.

    paths: file paths, or whatever the data set's own `image` takes.
    ids: image ids, for messages.
    draw: the data set's `image`, or None for files.
    """

    paths: Sequence[str]
    ids: Sequence[str]
    draw: Callable[[str], Image] | None = None

    def read(self, index: int) -> Image:
        """Return one image, uint8 [H, W, 3]."""
        if self.draw:
            return self.draw(self.paths[index])
        return read_image(Path(self.paths[index]))


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


class TrainImages(Dataset[Any]):
    """Give augmented training images by key; a pure function of seed and key."""

    def __init__(
        self, source: Source, labels: Integers, chain: Chain, view: Any, seed: int
    ) -> None:
        """Keep what is needed to make any image of any epoch."""
        self.source, self.labels, self.chain, self.view = source, labels, chain, view
        self.seed = seed

    def __getitem__(self, key: Key) -> tuple[Image, int] | SkinfwError:
        """Return an image and its label, or the error, which a worker cannot raise whole."""
        epoch, position, index, copy = key
        try:
            image = self.source.read(index)
            rng = stream(self.seed, "augment", epoch, position)
            size = (image.shape[0], image.shape[1])
            if self.chain.ops:
                steps = self.chain.steps(Dice(rng, size, copy, lambda: self._peer(rng)))
            else:
                steps = self.view.plan(size)[0]
            image = act(image, fold(steps))
        except SkinfwError as error:
            return error
        except Exception as error:
            return _failure(self.source.ids[index], error)
        height, width = image.shape[:2]
        if (height, width) != (self.chain.size, self.chain.size):
            return SkinfwError(
                f"augmentation left {self.source.ids[index]} at {width}x{height} pixels, "
                f"not at image.size {self.chain.size}",
                where="[[augment]]",
                cure="begin with random-resized-crop, or with resize and center-crop",
            )
        return image, int(self.labels[index])

    def _peer(self, rng: np.random.Generator) -> Image:
        return self.source.read(int(rng.integers(len(self.labels))))


class EvalImages(Dataset[Any]):
    """Give all views of an image from one decode."""

    def __init__(self, source: Source, labels: Integers, view: Any) -> None:
        """Keep what is needed to make the views of any image."""
        self.source, self.labels, self.view = source, labels, view

    def __getitem__(self, index: int) -> tuple[Image, int] | SkinfwError:
        """Return the views [V, H, W, 3] and the label."""
        try:
            image = self.source.read(index)
            plans = self.view.plan((image.shape[0], image.shape[1]))
            views = np.stack([act(image, fold(steps)) for steps in plans])
        except SkinfwError as error:
            return error
        except Exception as error:
            return _failure(self.source.ids[index], error)
        return views, int(self.labels[index])


def _failure(name: str, error: Exception) -> SkinfwError:
    """Describe what went wrong with an image; a worker can hand on nothing but text."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return SkinfwError(
        f"image {name} could not be prepared: {type(error).__name__}: {error}",
        f"{frame.filename}:{frame.lineno}",
        cure="the line belongs to a data set, an op or a view; report it to its plugin",
    )


def collate(samples: list[Any]) -> Any:
    """Stack samples into tensors, or pass the first error on."""
    for sample in samples:
        if isinstance(sample, SkinfwError):
            return sample
    images = torch.from_numpy(np.stack([image for image, _ in samples]))
    return images, torch.tensor([label for _, label in samples])


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


class _Plan:
    """Hand one epoch's batches to a loader that lives for the whole run."""

    def __init__(self) -> None:
        self.batches: Sequence[Sequence[Any]] = ()

    def __iter__(self) -> Iterator[Sequence[Any]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class Loader:
    """Load batches by their keys, in this process or in workers, raising errors here."""

    def __init__(self, images: Dataset[Any], hardware: Hardware) -> None:
        """Keep workers for the whole run, where there are any."""
        self._plan = _Plan()
        workers = hardware.workers
        self._loader: DataLoader[Any] = DataLoader(
            images,
            batch_sampler=self._plan,  # type: ignore[arg-type]
            num_workers=workers,
            collate_fn=collate,
            pin_memory=hardware.device.type == "cuda",
            persistent_workers=workers > 0,
            worker_init_fn=_quiet_worker if workers else None,
            # Components in local files cannot be imported by a fresh interpreter.
            multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        )

    def load(self, batches: Sequence[Sequence[Any]]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Return images, uint8, and labels, batch by batch."""
        self._plan.batches = batches
        try:
            for batch in self._loader:
                if isinstance(batch, SkinfwError):
                    raise batch
                yield batch
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise SkinfwError(
                "a process that loads images died",
                why=str(error).splitlines()[0],
                cure="the machine ran out of memory; set engine.workers = 0, or fewer",
            ) from error


def _quiet_worker(_: int) -> None:
    """Leave Ctrl-C to the main process, and the cores to the other workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)
