"""What is drawn on pictures: ops of the kind augment, whoever brings them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Dice, RecipeError
from skinfw.toolkit import (
    KINDS,
    Catalog,
    Chain,
    Origin,
    apply_steps,
    fold_steps,
    plan_component,
)

Image = npt.NDArray[np.uint8]
Marks = dict[str, Chain]

USUAL = ("ruler-ticks", "ink-marks", "hair", "dark-corners", "gel-bubbles")
_WHERE = 'marks of the report "shortcuts"'


def build_marks(names: Sequence[str]) -> Marks:
    """Return what draws each mark, by the name of its op.

    names: of ops of the kind augment with the parameter `probability`, as recipes write them; empty
        takes the usual ones, as far as they are installed.
    Raises RecipeError where one cannot be used.
    """
    catalog = Catalog()
    installed = {entry.component.name for entry in catalog.offers("augment")}
    # A Python file must have been trusted before: the recipe may be another's.
    origin = Origin(_WHERE, Path.cwd(), trusted=False)
    marks = {}
    for name in names or [one for one in USUAL if one in installed]:
        table: dict[str, Any] = {"use": name, "probability": 1.0}
        component, complaints = plan_component(
            KINDS["augment"], ("augment",), table, origin, _WHERE, catalog, None
        )
        if component is None:
            wrong = complaints[0]
            raise RecipeError(
                f'"{name}" cannot be drawn on every image: {wrong.keys[0]} {wrong.text}',
                _WHERE,
                "a mark is an op of the kind augment with the parameter probability",
                f"name others, such as {', '.join(USUAL)}",
            )
        # It draws and changes no size, so that the size of the chain is nobody's.
        marks[name] = Chain([(component, component.make(size=1))], 1)
    return marks


def draw(mark: Chain, image: Image, rng: np.random.Generator) -> Image:
    """Return an image, uint8 [H, W, 3], with a mark drawn on it.

    rng: what is drawn depends on it alone.
    """
    size = (image.shape[0], image.shape[1])
    steps = mark.steps(Dice(rng, size, False, lambda: image))
    return apply_steps(image, fold_steps(steps))
