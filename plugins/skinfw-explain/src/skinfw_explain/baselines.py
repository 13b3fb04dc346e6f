"""Maps that know nothing of the network, which an explanation must beat to say anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from zlib import crc32

from annotated_types import Gt, Interval, Le

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class RandomMap:
    """Draw a map at random, the same one for the same image.

    cells: random values beside each other; between them the map is interpolated, so that it is as
        coarse as those of a network.
    """

    cells: Annotated[int, Interval(ge=2, le=64)] = 7

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: is not asked.
        images: float [N, 3, H, W]; what is in them is the seed.
        targets: int [N]; the map is the same for all classes.
        """
        import torch

        from skinfw_explain.scaling import enlarge, stretch

        sides = (1, self.cells, self.cells)
        grids = [torch.rand(sides, generator=_dice(image)) for image in images]
        return stretch(enlarge(torch.stack(grids).to(images.device), images))


@dataclass(frozen=True, kw_only=True)
class CentredGaussian:
    """Draw the same round hill in the middle of every image, where most lesions are.

    width: standard deviation of the hill, as a share of the sides of the image.
    """

    width: Annotated[float, Gt(0), Le(1)] = 0.2

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: is not asked.
        images: float [N, 3, H, W].
        targets: int [N]; the map is the same for all classes.
        """
        import torch

        rows, columns = (
            ((torch.arange(side, device=images.device) + 0.5) / side - 0.5) / self.width
            for side in images.shape[2:]
        )
        hill = torch.exp(-(rows[:, None] ** 2 + columns[None] ** 2) / 2)
        return (hill / hill.max()).repeat(len(images), 1, 1)


def _dice(image: Tensor) -> Any:
    """Return a generator whose seed is an image; rounding makes it the same on every machine."""
    import torch

    pixels = (16 * image).round().to(torch.int16).cpu().contiguous()
    return torch.Generator().manual_seed(crc32(pixels.numpy().tobytes()))
