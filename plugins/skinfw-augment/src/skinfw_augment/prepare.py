"""What happens to every image once, in training and in evaluation alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Interval, Lt

from skinfw import SkinfwError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

_BACK = 0.05
_TOO_MUCH = 0.3


@dataclass(frozen=True, kw_only=True)
class BorderCrop:
    """Cut the same border off every side.

    Derm7PT's images have frames; Yao et al. 2022 (arXiv 2102.01284) cut 25 pixels off.

    pixels: width of the border in pixels of the decoded image.
    ratio: share of each side that is cut away instead, half of it at either end.
    """

    pixels: Annotated[int, Ge(0)] = 0
    ratio: Annotated[float, Ge(0), Lt(1)] = 0.0

    def __post_init__(self) -> None:
        """Refuse two ways to say the same."""
        if self.pixels and self.ratio:
            raise SkinfwError(
                "border-crop takes pixels or a ratio, not both", cure="leave one of them out"
            )

    def prepare(self, image: Image) -> Image:
        """Return the inner part of an image, uint8 [H, W, 3].

        Raises SkinfwError where nothing would be left.
        """
        height, width = image.shape[:2]
        top = self.pixels or round(height * self.ratio / 2)
        left = self.pixels or round(width * self.ratio / 2)
        inner = image[top : height - top, left : width - left]
        if not inner.size:
            raise SkinfwError(
                f"a border of {self.pixels} pixels leaves nothing of an image of {width}x{height}",
                cure="lower pixels, or set ratio",
            )
        return inner


@dataclass(frozen=True, kw_only=True)
class BlackBorderCrop:
    """Cut dark frames and corners off, and take the square in the middle of what is left.

    After the tool that Yao et al. 2022 (arXiv 2102.01284) use for ISIC 2019: dark rows and columns
    go first; then, while a corner is dark, its two sides move in; a twentieth of the short side is
    given back. Where more than 30 % of a side would go, the image is taken for dark skin and
    nothing is cut. It ends after a hundred steps at most, whatever the image.

    dark: brightest value that counts as dark, of 255.
    """

    dark: Annotated[int, Interval(ge=1, le=254)] = 40

    def prepare(self, image: Image) -> Image:
        """Return the square, uint8 [S, S, 3]."""
        image = _square(image)
        side = image.shape[0]
        light = image.max(axis=2)
        top, bottom, left, right = _corners(light, self.dark, *_lines(light, self.dark))
        back = round(_BACK * side)
        top, left = max(0, top - back), max(0, left - back)
        bottom, right = min(side, bottom + back), min(side, right + back)
        if max(top, left, side - bottom, side - right) > _TOO_MUCH * side:
            return image
        return _square(image[top:bottom, left:right])


@dataclass(frozen=True, kw_only=True)
class ShadesOfGray:
    """Give every image the same light: scale channels so that their power means agree.

    Finlayson and Trezzi 2004; Barata et al. 2015 for dermoscopy. Values beyond 255 are clipped; in
    Yao et al.'s code they wrap around.

    power: of the mean; 1 is gray world, large ones go towards the brightest pixel.
    gamma: values are raised to 1 / gamma before; 0 leaves them.
    """

    power: Annotated[float, Interval(ge=1, le=20)] = 6.0
    gamma: Annotated[float, Interval(ge=0, le=5)] = 0.0

    def prepare(self, image: Image) -> Image:
        """Return the image, uint8 [H, W, 3], in neutral light."""
        import cv2
        import numpy as np

        levels = np.arange(256) / 255
        if self.gamma:
            levels = levels ** (1 / self.gamma)
        shares = [np.bincount(image[..., c].ravel(), minlength=256) for c in range(3)]
        light = np.array([(s @ levels**self.power / s.sum()) ** (1 / self.power) for s in shares])
        if not light.all():  # a channel that is black throughout tells nothing of the light
            return image
        light /= np.linalg.norm(light)
        table = np.rint(255 * levels[:, None] / (light * np.sqrt(3))).clip(0, 255)
        return np.asarray(cv2.LUT(image, table.astype(np.uint8)[:, None, :]), np.uint8)


def _square(image: Image) -> Image:
    """Return the largest square in the middle."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _lines(light: Image, dark: int) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is left without dark rows and columns."""
    ends: list[int] = []
    for axis in (1, 0):
        bright = (light.max(axis=axis) >= dark).nonzero()[0]
        whole = light.shape[1 - axis]
        ends += [int(bright[0]), int(bright[-1]) + 1] if len(bright) else [0, whole]
    return ends[0], ends[1], ends[2], ends[3]


def _corners(
    light: Image, dark: int, top: int, bottom: int, left: int, right: int
) -> tuple[int, int, int, int]:
    """Move the sides in while a patch in a corner is dark; each step takes a hundredth."""
    step = max(2, round(light.shape[0] / 100))
    while min(bottom - top, right - left) > 4 * step:
        above, below = slice(top, top + step), slice(bottom - step, bottom)
        first, last = slice(left, left + step), slice(right - step, right)
        a, b = light[above, first].max() < dark, light[above, last].max() < dark
        c, d = light[below, first].max() < dark, light[below, last].max() < dark
        if not (a or b or c or d):
            break
        top, bottom = top + step * (a or b), bottom - step * (c or d)
        left, right = left + step * (a or c), right - step * (b or d)
    return top, bottom, left, right
