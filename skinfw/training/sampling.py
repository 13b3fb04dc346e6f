"""Ask the sampler for an epoch's draw, and give it what it may need to decide."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinfw.data.loader import Source
from skinfw.guards.answers import check_draw
from skinfw.interfaces.protocols import Sampler
from skinfw.interfaces.values import Context, Draw, read_only
from skinfw.recipe.component import PlannedComponent
from skinfw.runtime.device import Hardware, broadcast
from skinfw.runtime.prefetch import prefetch, usable_cores
from skinfw.runtime.seed import stream

Integers = npt.NDArray[np.integer[Any]]


class EpochSampler:
    """Draw epochs; the same epoch is the same draw, in whatever order they are asked for."""

    def __init__(
        self,
        component: PlannedComponent[Sampler],
        sampler: Sampler,
        labels: Integers,
        lesions: tuple[str, ...],
        classes: tuple[str, ...],
        source: Source,
        embed: Callable[[Integers], npt.NDArray[np.float32]],
        seed: int,
        hardware: Hardware,
    ) -> None:
        """Keep the training part's labels, lesions and images.

        embed: computes the backbone's features of some images of the training part.
        """
        self.component, self.sampler, self.classes = component, sampler, classes
        self.labels, self.lesions = read_only(labels), lesions
        self.source, self.embed, self.seed, self.hardware = source, embed, seed, hardware
        self._known: dict[str, Any] = {}
        self._last: tuple[int, Draw] | None = None

    def draw(self, epoch: int) -> Draw:
        """Return the draw of an epoch, checked; the first process draws for all.

        epoch: from 1; asked for again, it is not drawn again.
        """
        if self._last is None or self._last[0] != epoch:
            draw = broadcast(self._draw(epoch) if self.hardware.main else None, self.hardware)
            self._last = epoch, draw
        return self._last[1]

    def _draw(self, epoch: int) -> Draw:
        context = Context(
            classes=self.classes,
            epoch=epoch,
            rng=stream(self.seed, "sampler", epoch),
            once=self._once,
            thumbnails=self._thumbnails,
            embeddings=self.embed,
            lesions=self.lesions,
        )
        with self.component.guard(self.sampler.draw):
            labels = read_only(self.labels.copy())  # torch writes past what numpy forbids
            return check_draw(self.sampler.draw(labels, context), len(labels))

    def _once(self, key: str, compute: Callable[[np.random.Generator], Any]) -> Any:
        if key not in self._known:
            rng = stream(self.seed, "sampler", 0, zlib.crc32(key.encode()))
            self._known[key] = compute(rng)
        return self._known[key]

    def _thumbnails(self, indices: Integers, size: int, grey: bool) -> npt.NDArray[np.uint8]:
        """Return images of the training part, each squeezed into a small square."""

        def squeeze(index: int) -> npt.NDArray[np.uint8]:
            image = self.source.read(index)
            if grey:
                image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
            small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
            return np.asarray(small, np.uint8)

        return np.stack(list(prefetch((partial(squeeze, int(i)) for i in indices), usable_cores())))


def draw_hash(draw: Draw) -> str:
    """Return a hash of a draw: its indices and which are copies."""
    copies = np.zeros(len(draw.indices), bool) if draw.copies is None else draw.copies
    digest = hashlib.sha256(np.asarray(draw.indices, np.int64).tobytes())
    digest.update(np.asarray(copies, bool).tobytes())
    if draw.partners is not None:
        digest.update(np.asarray(draw.partners, np.int64).tobytes())
    return digest.hexdigest()
