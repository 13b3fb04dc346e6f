"""Test-time views."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from annotated_types import Interval

from skinfw import Warp
from skinfw_augment.geometry import centred, resized


@dataclass(frozen=True)
class Center:
    """Resize the short side, then take the middle.

    resize: short side over the side of the square; 1.143 is the usual 256 over 224.
    """

    size: int
    _: KW_ONLY
    resize: Annotated[float, Interval(ge=1, le=4)] = 256 / 224

    def plan(self, size: tuple[int, int]) -> list[list[Warp]]:
        """Return the one view of an image of some height and width."""
        first = resized(size, round(self.resize * self.size))
        return [[first, centred(first.size, self.size)]]
