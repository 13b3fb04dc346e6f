"""A sheet that shows what each augmentation of a recipe does to some of its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from skinfw import Dice, Step
from skinfw.toolkit import (
    Chain,
    DataPlan,
    PlannedComponent,
    Source,
    apply_steps,
    fold_steps,
    image_function,
    kept_part,
    recipe_decoding,
    render_views,
    stream,
)

Image = npt.NDArray[np.uint8]

_TRIES = 60
_GAP, _HEAD, _LETTERS = 6, 22, 14
_PAPER, _INK = (255, 255, 255), (20, 20, 20)


def preview(plan: DataPlan, table: pd.DataFrame, images: int) -> Image:
    """Return the sheet, uint8 [H, W, 3]: a column per image, a row per op, the whole chain last.

    plan: the checked recipe.
    table: its data, with the column part; training images are shown, spread over the classes.
    images: how many.
    """
    train = table[table["part"] == "train"].reset_index(drop=True)
    source = _source(plan, train)
    chosen = _spread(train["label"].tolist(), plan.classes, images)
    size = plan.image.size
    view = plan.components.view.make(size=size)
    whole = [source.read(index) for index in chosen]
    plain = [render_views(image, view.plan(image.shape[:2])[:1])[0] for image in whole]
    ops = [(component, component.make(size=size)) for component in plan.components.augment]
    rows = [(", ".join(train["label"][index] for index in chosen), plain)]

    def row(what: str, name: str, pictures: Sequence[Image], roll: Callable[[Dice], Any]) -> None:
        drawn = []
        for place, image in enumerate(pictures):
            rng = stream(plan.seed, "preview " + what, place)
            drawn.append(_draw(image, rng, roll, lambda: plain[-1]))
        rows.append((name, [_square(image, size) for image in drawn]))

    for number, (component, op) in enumerate(ops):
        row(str(number), _name(component), plain, op.roll)
    if ops:
        row("chain", "all of them", whole, Chain(ops, size).steps)
    return _sheet(rows, size)


def _source(plan: DataPlan, rows: pd.DataFrame) -> Source:
    how = recipe_decoding(plan.image, plan.components.prepare)
    return Source.of(
        rows, image_function(plan.dataset), how, keep=kept_part(plan.image, plan.dataset)
    )


def _spread(labels: Sequence[str], classes: Sequence[str], count: int) -> list[int]:
    """Return places of images, one class after the other, until there are enough."""
    places = {name: [i for i, label in enumerate(labels) if label == name] for name in classes}
    positions: list[int] = []
    while len(positions) < count and any(places.values()):
        positions += [places[name].pop(0) for name in classes if places[name]]
    return positions[:count]


def _draw(
    image: Image,
    rng: np.random.Generator,
    roll: Callable[[Dice], Sequence[Step]],
    peer: Callable[[], Image],
) -> Image:
    """Return an image after an op; an op that comes now and then is asked until it comes."""
    for _ in range(_TRIES):
        dice = Dice(rng, (image.shape[0], image.shape[1]), True, peer)
        if steps := list(roll(dice)):
            return apply_steps(image, fold_steps(steps))
    return image


def _square(image: Image, size: int) -> Image:
    """Fit an image of any size into a square of the sheet."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    scale = size / max(height, width)
    fitted = cv2.resize(image, (round(width * scale), round(height * scale)))
    square = np.full((size, size, 3), 255, np.uint8)
    square[: fitted.shape[0], : fitted.shape[1]] = fitted
    return square


def _name(component: PlannedComponent[Any]) -> str:
    """Return how a row is called: the op and what the recipe says of it."""
    said = {name: value for name, value in component.table().items() if name not in ("use", "only")}
    words = [f"{name} {value}" for name, value in said.items() if name in ("op", "policy")]
    return " ".join([component.use, *words])


def _sheet(rows: Sequence[tuple[str, Sequence[Image]]], size: int) -> Image:
    """Lay the rows out, each under its name."""
    columns = max(len(images) for _, images in rows)
    sheet = Pillow.new(
        "RGB",
        (columns * (size + _GAP) + _GAP, len(rows) * (size + _GAP + _HEAD) + _GAP),
        _PAPER,
    )
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTERS)
    top = _GAP
    for name, images in rows:
        pen.text((_GAP, top), name, _INK, font)
        for place, image in enumerate(images):
            sheet.paste(Pillow.fromarray(image), (_GAP + place * (size + _GAP), top + _HEAD))
        top += size + _GAP + _HEAD
    return np.asarray(sheet)
