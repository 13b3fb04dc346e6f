"""A map laid over its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OPACITY = 0.6


def overlay(image: Any, heat: Any, opacity: float = OPACITY) -> npt.NDArray[np.float64]:
    """Lay a map over an image; where the map is zero, the image shows through unchanged.

    image: uint8 [H, W, 3].
    heat: float [H, W] in [0, 1].
    opacity: where the map is one.
    Returns float [H, W, 3] in [0, 1].
    """
    import numpy as np
    from matplotlib import colormaps

    alpha = opacity * np.asarray(heat)[..., None]
    colours = colormaps["inferno"](heat)[..., :3]
    blend: npt.NDArray[np.float64] = (1 - alpha) * (image / 255.0) + alpha * colours
    return blend
