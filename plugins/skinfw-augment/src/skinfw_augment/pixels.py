"""What no table and no matrix can do to an image; every function is deterministic.

Images are uint8 [H, W, 3], and so is what comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

MEAN = (124, 116, 104)
"""The mean colour of ImageNet, rounded, which Yao et al. fill empty places with."""

_COARSE = 8


def blend(image: Image, other: Image, share: float) -> Image:
    """Mix in another image, which is resized to this one.

    share: of the other image.
    """
    import cv2

    height, width = image.shape[:2]
    other = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    return _image(cv2.addWeighted(image, 1 - share, other, share, 0))


def vignette(
    image: Image, strength: float, centre: tuple[float, float], start: float, exponent: float = 1.2
) -> Image:
    """Darken the periphery.

    strength: share of the light that the farthest corner loses.
    centre: x and y of the bright middle, in pixels.
    start: distance from it at which darkening begins, in pixels.
    exponent: of the growth from there to the farthest corner.
    """
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    # The light changes slowly: a coarse grid, enlarged, is as good and much faster.
    rows, columns = max(2, height // _COARSE), max(2, width // _COARSE)
    y = (np.arange(rows, dtype=np.float32) + 0.5) * (height / rows) - centre[1]
    x = (np.arange(columns, dtype=np.float32) + 0.5) * (width / columns) - centre[0]
    far = np.hypot(max(centre[0], width - centre[0]), max(centre[1], height - centre[1]))
    away = (np.hypot(y[:, None], x[None]) - start) / max(far - start, 1e-6)
    light = 1 - strength * np.clip(away, 0, 1) ** exponent
    light = cv2.resize(light.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return _image(cv2.multiply(image, cv2.merge([light] * 3), dtype=cv2.CV_8U))


def add_noise(image: Image, deviation: float, seed: int) -> Image:
    """Add independent normal noise to every value.

    deviation: its standard deviation, in steps of the 255.
    seed: what decides the noise.
    """
    import cv2
    import numpy as np

    rng = np.random.Generator(np.random.SFC64(seed))
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(deviation)
    return _image(cv2.add(image, noise, dtype=cv2.CV_8U))


def sharpen(image: Image, factor: float) -> Image:
    """Move pixels away from, or to, the image smoothed by Pillow's kernel.

    factor: 0 smooths, 1 changes nothing, more sharpens.
    """
    import cv2
    import numpy as np

    kernel = np.full((3, 3), (1 - factor) / 13, np.float32)
    kernel[1, 1] = factor + (1 - factor) * 5 / 13
    return _image(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE))


def equalize(image: Image) -> Image:
    """Spread the histogram of each channel evenly."""
    import cv2

    return _image(cv2.merge([cv2.equalizeHist(channel) for channel in cv2.split(image)]))


def equalize_luma(image: Image) -> Image:
    """Spread the histogram of the brightness evenly, and leave the colours alone."""
    import cv2

    luma, *colours = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    return _image(cv2.cvtColor(cv2.merge([cv2.equalizeHist(luma), *colours]), cv2.COLOR_YCrCb2RGB))


def stretch(image: Image) -> Image:
    """Stretch all channels alike, so that the darkest value is 0 and the brightest is 255."""
    import cv2

    darkest, brightest, _, _ = cv2.minMaxLoc(image.reshape(image.shape[0], -1))
    if brightest <= darkest:
        return image
    scale = 255 / (brightest - darkest)
    return _image(cv2.convertScaleAbs(image, alpha=scale, beta=-darkest * scale))


def distort(image: Image, k: tuple[float, float], p: tuple[float, float]) -> Image:
    """Look through a lens with radial and tangential distortion; its focal length is the diagonal.

    Brown 1966; coefficients as OpenCV's.

    k: radial coefficients of the second and fourth power.
    p: tangential coefficients.
    """
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    focal = float(np.hypot(height, width))
    rows, columns = max(2, height // _COARSE), max(2, width // _COARSE)
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * (height / rows) - height / 2) / focal
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * (width / columns) - width / 2) / focal
    x, y = np.meshgrid(x, y)
    square = x * x + y * y
    radial = 1 + k[0] * square + k[1] * square**2
    across = x * radial + 2 * p[0] * x * y + p[1] * (square + 2 * x * x)
    down = y * radial + p[0] * (square + 2 * y * y) + 2 * p[1] * x * y
    # What a pixel moves by changes slowly, too.
    moved = np.stack([(across - x) * focal, (down - y) * focal], -1).astype(np.float32)
    moved = cv2.resize(moved, (width, height), interpolation=cv2.INTER_LINEAR)
    moved[..., 0] += np.arange(width, dtype=np.float32)
    moved[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    return _image(
        cv2.remap(
            image,
            moved,
            None,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=MEAN,
        )
    )


def cut_out(image: Image, centre: tuple[float, float], half: float) -> Image:
    """Fill a square with the mean colour.

    centre: x and y, in pixels.
    half: half its side, in pixels.
    """
    x, y = centre
    filled = image.copy()
    top, left = max(0, round(y - half)), max(0, round(x - half))
    filled[top : round(y + half), left : round(x + half)] = MEAN
    return filled


def _image(values: Any) -> Image:
    import numpy as np

    return np.asarray(values, np.uint8)
