"""From indices to batches: read, roll, act. The number of workers changes nothing."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from skinfw.data.decoding import WHOLE, Decoding
from skinfw.data.kept_part import KeptPart
from skinfw.data.warping import apply_steps, fold_steps, render_views
from skinfw.errors import SkinfwError
from skinfw.guards.answers import check_image, check_steps
from skinfw.guards.machine import out_of_memory
from skinfw.interfaces.protocols import Augmentation, DecodedImages
from skinfw.interfaces.transforms import Dice, PixelFunction, Step, Warp
from skinfw.interfaces.values import Draw, read_only
from skinfw.recipe.component import PlannedComponent
from skinfw.runtime.device import Hardware
from skinfw.runtime.prefetch import prefetch
from skinfw.runtime.seed import stream

Image = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.integer[Any]]
Key = tuple[int, int, int, bool]
"""Epoch, position in the draw, index into the part, and whether it is a copy."""


class Batch(NamedTuple):
    """Hold the tensors of some images.

    images: uint8, or whatever a feed prepares.
    targets: int64 [N], the classes.
    rows: int64 [N], positions in the part.
    """

    images: torch.Tensor
    targets: torch.Tensor
    rows: torch.Tensor


@dataclass(frozen=True)
class Source:
    """Read the images of one part.

    paths: file paths, or whatever the data set's own `image` takes.
    ids: image ids, for messages.
    draw: the data set's `image`, or None for files.
    decoding: how files become arrays.
    decoded: the images that the cache holds, by path.
    others: the paths of further pictures of the same lesions, one list for each picture.
    keep: what leaves a part of each image, or None for all of it.
    """

    paths: Sequence[str]
    ids: Sequence[str]
    draw: Callable[[str], Image] | None = None
    decoding: Decoding = WHOLE
    decoded: DecodedImages | None = None
    others: Sequence[Sequence[str]] = ()
    keep: KeptPart | None = None

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        draw: Callable[[str], Image] | None,
        decoding: Decoding,
        decoded: DecodedImages | None = None,
        pictures: Sequence[str] = (),
        keep: KeptPart | None = None,
    ) -> Source:
        """Return the source of the images of a table.

        rows: with the columns path and id.
        pictures: columns with the paths of further pictures.
        keep: what leaves a part of each image.
        """
        others = [rows[name].tolist() for name in pictures]
        paths, ids = rows["path"].tolist(), rows["id"].tolist()
        return cls(paths, ids, draw, decoding, decoded, others, keep)

    @property
    def pictures(self) -> int:
        """How many pictures there are of each lesion."""
        return 1 + len(self.others)

    def read(self, index: int, picture: int = 0) -> Image:
        """Return one image, uint8 [H, W, 3], read-only: others may hold it, too.

        picture: which one of the lesion.
        """
        path = (self.paths, *self.others)[picture][index]
        if self.keep:  # the mask fits the image as it is before it is prepared
            read = self.draw or replace(self.decoding, prepare=None).read
            return read_only(self.decoding.apply_preparation(self.keep(read(path), path)))
        if self.draw:
            return read_only(self.decoding.apply_preparation(self.draw(path)))
        held = self.decoded.get(path) if self.decoded else None
        return read_only(self.decoding.read(path) if held is None else held)


@dataclass(frozen=True)
class Chain:
    """Hold the augmentation of a recipe.

    ops: each op with its place in the recipe, in order.
    size: side of the square that must come out.
    """

    ops: Sequence[tuple[PlannedComponent[Augmentation], Augmentation]]
    size: int

    def steps(self, dice: Dice) -> list[Step]:
        """Let every op that applies roll its dice; each sees the size that the last one left."""
        steps: list[Step] = []
        for component, op in self.ops:
            if component.host["only"] == ("originals" if dice.copy else "copies"):
                continue
            with component.guard(op.roll):
                rolled = check_steps(op.roll(dice))
            warps = [step for step in rolled if isinstance(step, Warp)]
            if warps:
                dice = Dice(dice.rng, warps[-1].size, dice.copy, dice.peer)
            steps += [_own(component, step) for step in rolled]
        return steps


def _own(component: PlannedComponent[Augmentation], step: Step) -> Step:
    """Let a function answer for its component; other steps are numbers."""
    if isinstance(step, PixelFunction):
        return PixelFunction(component.wrap(step.function, check_image))
    return step


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
        """Return the images of keys of one epoch.

        The images are uint8 [N, H, W, 3], or [N, P, H, W, 3] where lesions have several pictures.
        """
        size, pictures = self.chain(keys[0][0]).size, self.source.pictures
        shape = (len(keys), pictures, size, size, 3)
        images = torch.empty(shape, dtype=torch.uint8, pin_memory=pin)
        for key, outs in zip(keys, images.numpy(), strict=True):
            for picture, out in enumerate(outs):
                self._image(key, picture, out)
        rows = np.array([key[2] for key in keys])
        shown = images if pictures > 1 else images[:, 0]
        return Batch(shown, torch.from_numpy(self.labels[rows]), torch.from_numpy(rows))

    def _image(self, key: Key, picture: int, out: Image) -> None:
        """Make one image where it belongs; every picture of a lesion rolls dice of its own."""
        epoch, position, index, copy = key
        chain = self.chain(epoch)
        with _name_image(self.source.ids[index]):
            image = self.source.read(index, picture)
            size = (image.shape[0], image.shape[1])
            if chain.ops:
                own = (epoch, position, picture) if picture else (epoch, position)
                rng = stream(self.seed, "augment", *own)
                steps = chain.steps(Dice(rng, size, copy, lambda: self._peer(rng)))
            else:
                steps = self.view.plan(size)[0]
            made = apply_steps(image, fold_steps(steps), out)
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
        """Return the views of images; keys are positions.

        They are uint8 [N, V, H, W, 3], or [N, V, P, H, W, 3] where lesions have several pictures.
        """
        images: torch.Tensor | None = None
        pictures = self.source.pictures
        for place, index in enumerate(keys):
            for picture in range(pictures):
                with _name_image(self.source.ids[index]):
                    views = self._views(index, picture)
                if images is None:
                    count, *square = views.shape
                    shape = (len(keys), count, pictures, *square)
                    images = torch.empty(shape, dtype=torch.uint8, pin_memory=pin)
                images[place, :, picture] = torch.from_numpy(views)
        assert images is not None, "a batch has an image"
        rows = torch.tensor(list(keys))
        shown = images if pictures > 1 else images[:, :, 0]
        return Batch(shown, torch.from_numpy(self.labels[list(keys)]), rows)

    def first_views(self, places: Sequence[int]) -> Image:
        """Return the first view of some images, uint8 [M, H, W, 3]; of several pictures the first.

        places: positions in the part.
        """
        return np.stack([self._views(place, 0)[0] for place in places])

    def _views(self, index: int, picture: int) -> Image:
        """Return the views of one picture, from one decode."""
        image = self.source.read(index, picture)
        plans = self.view.plan((image.shape[0], image.shape[1]))
        return render_views(image, plans[:1] if self.first else plans)


def labels_of(rows: pd.DataFrame, classes: Sequence[str]) -> Integers:
    """Return the class of each row of a table, int64 [N].

    rows: with the column label.
    """
    places = {name: place for place, name in enumerate(classes)}
    return rows["label"].map(places).to_numpy("int64", copy=True)


@contextmanager
def _name_image(name: str) -> Iterator[None]:
    """Name the image in what a data set, an op or a view raises."""
    try:
        yield
    except SkinfwError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise SkinfwError(
            f"image {name} could not be prepared: {type(error).__name__}: {error}",
            f"{frame.filename}:{frame.lineno}",
            cure="the line belongs to a data set, an op or a view; report it to its plugin",
        ) from error


class Share(NamedTuple):
    """Hold what one process gets of a batch.

    keys: of its images.
    images: how many all processes get.
    weight: by which its mean over images counts in the mean over processes; 1 where all get
        equally many.
    """

    keys: list[Key]
    images: int
    weight: float


def batches(draw: Draw, epoch: int, batch_size: int, rank: int, world: int) -> list[Share]:
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
    own = [batch[rank::world] for batch in whole]
    shown = [len(batch) for batch in whole]
    weights = [len(part) * world / len(batch) for part, batch in zip(own, whole, strict=True)]
    if draw.partners is not None:
        partners: list[Key] = [
            (epoch, len(keys) + position, int(index), False)
            for position, index in enumerate(draw.partners)
        ]
        own = [[*batch, *(partners[position] for _, position, _, _ in batch)] for batch in own]
        shown = [2 * images for images in shown]
    return list(map(Share, own, shown, weights))


class Loader:
    """Load batches, here or in threads that work ahead.

    Threads see the objects of this process, so that nothing is copied, pickled or forked; decoding
    and resampling leave Python's lock to others while they work.
    """

    def __init__(self, images: Images, hardware: Hardware) -> None:
        """Keep what to load and how."""
        self._images, self._workers = images, hardware.workers
        self._pin = hardware.device.type == "cuda"

    def load(self, batches: Sequence[Sequence[Any]]) -> Iterator[Batch]:
        """Return the tensors of each batch, in order."""
        tasks = (partial(self._images.batch, batch, self._pin) for batch in batches)
        return prefetch(tasks, self._workers)
