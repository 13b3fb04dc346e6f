"""A picture of images beside the maps of several explainers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw.toolkit import overlay, printable
from skinfw_explain.summary import smooth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TILE, _GAP, _LINE, _MARGIN = 208, 10, 17, 16
_WIDTH, _HEIGHT = 6, 12
"""Tiles beside and below each other, where one image needs no more."""

_INK, _PALE, _PAPER = (26, 26, 26), (95, 95, 95), (255, 255, 255)


@dataclass(frozen=True)
class SheetRow:
    """Hold what a sheet shows of one image.

    title: the lines below the image.
    image: uint8 [H, W, 3], as the network sees it.
    maps: by the line below it, float [H, W] in [0, 1].
    """

    title: Sequence[str]
    image: npt.NDArray[np.uint8]
    maps: Sequence[tuple[str, npt.NDArray[np.float32]]]


def images_on_sheet(maps: int) -> int:
    """Return how many images are on a sheet.

    maps: of each image.
    """
    return max(1, _WIDTH // (1 + maps)) * _HEIGHT


def draw_overlay(image: npt.NDArray[np.uint8], heat: npt.NDArray[np.float32]) -> Any:
    """Return an image under its map, and a line where it is, smoothed, half as high as it gets.

    image: uint8 [H, W, 3].
    heat: float [H, W] in [0, 1].
    Returns uint8 [H, W, 3].
    """
    import cv2
    import numpy as np

    blend = np.ascontiguousarray((255 * overlay(image, heat)).round().astype(np.uint8))
    if heat.max() > 0:
        even = smooth(heat)
        high = (even >= even.max() / 2).astype(np.uint8)
        lines, _ = cv2.findContours(high, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(blend, lines, -1, (255, 255, 255), 1)
    return blend


def draw_sheet(rows: Sequence[SheetRow], header: Sequence[str]) -> Any:
    """Return a sheet as a PIL image: each image and, beside it, its maps.

    rows: one or more, each with as many maps and lines of title.
    header: lines above them.
    """
    from PIL import Image, ImageDraw

    tiles = 1 + len(rows[0].maps)
    across = max(1, _WIDTH // tiles)
    lines = len(rows[0].title)
    step_x, step_y = tiles * (_TILE + _GAP) + _GAP, _TILE + lines * _LINE + 2 * _GAP
    width = 2 * _MARGIN + min(across, len(rows)) * step_x - 2 * _GAP
    above = [
        (line, _PALE if number else _INK)
        for number, text in enumerate(header)
        for line in _wrap(text, width - 2 * _MARGIN)
    ]
    top = _MARGIN + len(above) * (_LINE + 2) + _GAP
    height = top + -(-len(rows) // across) * step_y + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (text, ink) in enumerate(above):
        place = (_MARGIN, _MARGIN + number * (_LINE + 2))
        _write(pen, place, text, width - 2 * _MARGIN, ink)
    for number, row in enumerate(rows):
        down, right = divmod(number, across)
        _draw_row(sheet, pen, row, _MARGIN + right * step_x, top + down * step_y)
    return sheet


def _draw_row(sheet: Any, pen: Any, row: SheetRow, left: int, top: int) -> None:
    """Draw an image, its title, and its maps with a line below each."""
    from PIL import Image

    overlays = [draw_overlay(row.image, heat) for _, heat in row.maps]
    below = [row.title, *([name] for name, _ in row.maps)]
    for place, (pixels, texts) in enumerate(zip([row.image, *overlays], below, strict=True)):
        at = left + place * (_TILE + _GAP)
        tile = Image.fromarray(pixels).resize((_TILE, _TILE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (at, top))
        for number, text in enumerate(texts):
            colour = _PALE if number and place == 0 else _INK
            _write(pen, (at, top + _TILE + 4 + number * _LINE), text, _TILE, colour)


def _font() -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(13)


def _wrap(text: str, width: int) -> list[str]:
    """Return a text as lines that are no wider, unless a single word is."""
    font, lines = _font(), [""]
    for word in printable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _write(pen: Any, place: tuple[int, int], text: str, width: int, colour: Any) -> None:
    """Write a line, shortened to its width."""
    font, text = _font(), printable(text)
    if pen.textlength(text, font) > width:
        while text and pen.textlength(f"{text}…", font) > width:
            text = text[:-1]
        text += "…"
    pen.text(place, text, colour, font)
