"""An augmentation that hands the pixels to a transform of another library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw import Dice, PixelFunction, SkinfwError, Step, Warp

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

_SEEDS = 2**63


@dataclass(frozen=True, eq=False)
class LibraryOp:
    """Let a library's transform change one image, seeded from its dice alone.

    label: of the transform, for messages.
    apply: (seed, uint8 [H, W, 3]) -> uint8 [H, W, 3] or [H, W]; a pure function of both.
    resizes: whether the image may change its size.
    """

    label: str
    apply: Callable[[int, Image], Any]
    resizes: bool

    def roll(self, dice: Dice) -> Sequence[Step]:
        """Return the function of the pixels; a new size is told to the ops that follow."""
        import numpy as np

        seed, size = int(dice.rng.integers(_SEEDS)), dice.size
        if self.resizes:  # no size depends on pixels, so that any image shows it
            size = self.apply(seed, np.zeros((*dice.size, 3), np.uint8)).shape[:2]
        step = PixelFunction(partial(self._change, seed, size))
        return [step] if size == dice.size else [step, Warp(np.eye(3), size)]

    def _change(self, seed: int, size: tuple[int, int], image: Image) -> Image:
        """Return the changed image, uint8 [H, W, 3] of the size that was told."""
        import numpy as np

        changed = np.asarray(self.apply(seed, image))
        if changed.ndim == 2:
            changed = changed[:, :, None]
        if changed.shape[2] == 1:
            changed = np.repeat(changed, 3, axis=2)
        if changed.shape[:2] != size:
            raise SkinfwError(
                f"{self.label} made {changed.shape[0]}x{changed.shape[1]} pixels of "
                f"{image.shape[0]}x{image.shape[1]}, where {size[0]}x{size[1]} were expected",
                why="its size depends on more than the size of the image",
                cure="use another transform, or resize and random-resized-crop of skinfw",
            )
        return changed
