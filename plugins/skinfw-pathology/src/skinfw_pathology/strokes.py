"""Draw soft shapes into masks, and lay colours over an image where a mask says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Floats = npt.NDArray[np.floating[Any]]

_SHIFT = 4  # binary places of the sub-pixel coordinates that OpenCV draws with


def stroke(mask: Image, points: Floats, width: float, value: int = 255) -> None:
    """Draw a smooth line into a mask.

    mask: uint8 [H, W], changed.
    points: [N, 2], x and y in pixels.
    width: in pixels; lines thinner than a pixel are fainter.
    value: of the line.
    """
    import cv2
    import numpy as np

    fixed = np.round(points * 2**_SHIFT).astype(np.int32)
    faint = int(value * min(1.0, width))
    cv2.polylines(mask, [fixed], False, faint, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def curve(start: Floats, bend: Floats, end: Floats, count: int = 16) -> Floats:
    """Return points on quadratic curves, [count, ..., 2]; start, bend and end are [..., 2]."""
    import numpy as np

    t = np.linspace(0, 1, count).reshape(-1, *([1] * start.ndim))
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end


def cover(image: Image, mask: Image, colour: Floats, opacity: float) -> Image:
    """Lay an opaque colour over an image.

    mask: uint8 [H, W], 255 where the colour lies.
    colour: [3], 0 to 255.
    opacity: of the colour where the mask is full.
    """
    import cv2
    import numpy as np

    plain = np.empty_like(image)
    plain[:] = np.clip(np.rint(colour), 0, 255)
    share = mask.astype(np.float32) * np.float32(opacity / 255)
    return np.asarray(cv2.blendLinear(image, plain, 1 - share, share), np.uint8)


def stain(image: Image, mask: Image, colour: Floats, strength: float) -> Image:
    """Let an image shine through a transparent colour: it multiplies.

    mask: uint8 [H, W], 255 where the colour lies.
    colour: [3], share of the light of each channel that passes.
    strength: of the stain where the mask is full.
    """
    import cv2
    import numpy as np

    passed = np.asarray(cv2.multiply(image, (*np.asarray(colour, float), 1.0)), np.uint8)
    share = mask.astype(np.float32) * np.float32(strength / 255)
    return np.asarray(cv2.blendLinear(image, passed, 1 - share, share), np.uint8)


def lighten(image: Image, mask: Image, strength: float) -> Image:
    """Move pixels towards white.

    mask: uint8 [H, W].
    strength: where the mask is full.
    """
    import numpy as np

    return cover(image, mask, np.full(3, 255.0), strength)
