"""From the recipe's [image] and [[prepare]] tables to one way in which files become arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinfw.data.decoding import Decoding
from skinfw.data.structure.bounds import Limits
from skinfw.guards.answers import check_image, check_views
from skinfw.interfaces.protocols import Preparation, View
from skinfw.interfaces.transforms import Step
from skinfw.interfaces.values import read_only
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.settings import ImageSettings

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class GuardedView:
    """A view whose plans are checked.

    plan: height and width of an image -> the steps of each of its views.
    """

    plan: Callable[[tuple[int, int]], Sequence[Sequence[Step]]]


def make_view(component: PlannedComponent[View], size: int) -> GuardedView:
    """Build the view of a recipe.

    size: side of the square that the network sees.
    """
    return GuardedView(component.wrap(component.make(size=size).plan, check_views))


def recipe_decoding(
    image: ImageSettings, steps: Sequence[PlannedComponent[Preparation]]
) -> Decoding:
    """Return how the images of a recipe are decoded and prepared.

    image: the recipe's [image] table.
    steps: its [[prepare]] tables, in order.
    """
    if not steps:
        return Decoding(image.decoded_short, limits=Limits.of(image))
    built = [(step, step.make()) for step in steps]
    about = json.dumps([[step.table(), step.record()] for step in steps], sort_keys=True)
    name = hashlib.blake2b(about.encode(), digest_size=8).hexdigest()

    def prepare(pixels: Image) -> Image:
        for component, step in built:
            with component.guard(step.prepare):
                pixels = check_image(step.prepare(read_only(pixels)))
        return pixels

    return Decoding(image.decoded_short, prepare, name, Limits.of(image))
