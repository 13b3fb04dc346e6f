"""From the recipe's [image] and [[prepare]] tables to one way in which files become arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw.data.decoding import Decoding
from skinfw.errors import SkinfwError
from skinfw.interfaces.protocols import Preparation
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.settings import ImageSettings

Image = npt.NDArray[np.uint8]


def recipe_decoding(
    image: ImageSettings, steps: Sequence[PlannedComponent[Preparation]]
) -> Decoding:
    """Return how the images of a recipe are decoded and prepared.

    image: the recipe's [image] table.
    steps: its [[prepare]] tables, in order.
    """
    if not steps:
        return Decoding(image.decoded_short)
    built = [(step, step.make()) for step in steps]
    about = json.dumps([[step.table(), step.record()] for step in steps], sort_keys=True)
    name = hashlib.blake2b(about.encode(), digest_size=8).hexdigest()

    def prepare(pixels: Image) -> Image:
        for component, step in built:
            with component.guard():
                pixels = _check_image(step.prepare(pixels), component)
        return pixels

    return Decoding(image.decoded_short, prepare, name)


def _check_image(answer: Any, component: PlannedComponent[Preparation]) -> Image:
    """Refuse what is no image."""
    image = np.asarray(answer)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise SkinfwError(
            f"{component.entry.label} returned {image.dtype} {image.shape}",
            component.origin.text,
            "an image is uint8 [H, W, 3]",
            f"report it to {component.entry.plugin.distribution}",
        )
    return image
