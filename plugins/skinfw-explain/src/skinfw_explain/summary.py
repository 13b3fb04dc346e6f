"""What a map says in numbers: where its peak is, and how its evidence lies in the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CENTRE = 0.5
"""Share of the sides that is the centre, a quarter of the area."""

BORDER = 0.1
"""Share of the sides that is the border on each of them, 36 % of the area."""

_SMOOTH = 0.02


def smooth(heat: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a map smoothed by a fiftieth of its side, so that no single pixel decides.

    heat: float [H, W].
    """
    import cv2
    import numpy as np

    return np.asarray(cv2.GaussianBlur(heat, (0, 0), _SMOOTH * max(heat.shape)), np.float32)


@dataclass(frozen=True)
class MapSummary:
    """Hold what a map says in numbers; all are NaN for a black one.

    peak_x, peak_y: where the map is highest once smoothed by a fiftieth of its side, from 0 at the
        left and the top to 1.
    in_centre: share of the evidence in the middle half of both sides; 0.25 where it is everywhere.
    at_border: share of it in the outermost tenth of the sides; 0.36 where it is everywhere.
    area: share of the image where the map is at least half as high as its highest value.
    """

    peak_x: float
    peak_y: float
    in_centre: float
    at_border: float
    area: float


def summarize_map(heat: npt.NDArray[np.float32]) -> MapSummary:
    """Return what a map says in numbers.

    heat: float [H, W] in [0, 1].
    """
    import numpy as np

    total = float(heat.sum(dtype=np.float64))
    if not total:
        return MapSummary(*[float("nan")] * 5)
    height, width = heat.shape
    row, column = np.unravel_index(int(smooth(heat).argmax()), heat.shape)

    def within(margin: float) -> float:
        rows, columns = round(margin * height), round(margin * width)
        inner = heat[rows : height - rows, columns : width - columns]
        return float(inner.sum(dtype=np.float64)) / total

    return MapSummary(
        (int(column) + 0.5) / width,
        (int(row) + 0.5) / height,
        within((1 - CENTRE) / 2),
        1 - within(BORDER),
        float((heat >= heat.max() / 2).mean()),
    )
