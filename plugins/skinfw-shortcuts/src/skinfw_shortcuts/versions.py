"""The versions of a picture that the network is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from skinfw import ViewedImage
from skinfw.toolkit import stream
from skinfw_shortcuts.lesions import divide, lesion_only, without_lesion
from skinfw_shortcuts.marks import Marks, draw
from skinfw_shortcuts.scattered import scatter

Image = npt.NDArray[np.uint8]

SAME, REMOVED, ONLY = "as it is", "lesion removed", "lesion only"


@dataclass(frozen=True)
class Versions:
    """Make all versions of a picture, and note what is known of its lesion.

    marks: what is drawn, by name.
    seed: of all dice.
    shown: places of the images whose versions are kept for a figure.
    masks: by place, where the lesion is known from: "mask", "segmentation", or "" for not at all.
    kept: by place, the versions of the images that are shown.
    """

    marks: Marks
    seed: int
    shown: Sequence[int]
    masks: dict[int, str] = field(default_factory=dict)
    kept: dict[int, Image] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of the versions, in their order."""
        drawn = [(name, on_skin(name), control(name)) for name in self.marks]
        return [SAME, REMOVED, ONLY, *(name for three in drawn for name in three)]

    def __call__(self, viewed: ViewedImage) -> Image:
        """Return all versions of a view, uint8 [K, H, W, 3]."""
        image, place = viewed.pixels, viewed.place
        parts = divide(image, viewed.lesion)
        source = "segmentation" if viewed.lesion is None else "mask"
        # Each network of an ensemble looks in its own way: the lesion is known where all know it.
        self.masks[place] = self.masks.get(place, source) if parts else ""
        skin = alone = image
        if parts:
            skin = without_lesion(image, parts, stream(self.seed, "shortcuts", place))
            alone = lesion_only(image, parts)
        versions = [image, skin, alone]
        for number, mark in enumerate(self.marks.values(), 1):
            # The same dice draw the same mark on both pictures.
            over, on = (
                draw(mark, picture, stream(self.seed, "shortcuts", place, number))
                for picture in (image, skin)
            )
            dice = stream(self.seed, "shortcuts", place, number, 1)
            versions += [over, on, scatter(skin, on, dice)]
        made = np.stack(versions)
        if place in self.shown:
            self.kept.setdefault(place, made)
        return made


def on_skin(mark: str) -> str:
    """Return the name of the version with a mark on skin whose lesion is removed."""
    return f"{mark} on skin"


def control(mark: str) -> str:
    """Return the name of the version with the paint of a mark scattered on that skin."""
    return f"{mark} scattered"
