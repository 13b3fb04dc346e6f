"""What the network still says where parts of the image are hidden; it is asked and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Interval, Lt

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Occlusion:
    """Hide a square, wherever it fits, and see how much of the class's logit goes with it.

    Zeiler and Fergus 2014 (arXiv 1311.2901), section 4.2. A place has the mean of what is lost
    under all squares that cover it, where that is positive. Computed by captum.

    window: side of the square, as a share of the sides of the image; it is rounded so that squares
        end where the image ends.
    stride: from square to square, likewise; at most the side, so that every place is covered.
    baseline: what hides: "grey", or the image itself under a "blur".
    """

    window: Annotated[float, Gt(0), Lt(1)] = 0.2
    stride: Annotated[float, Gt(0), Lt(1)] = 0.1
    baseline: Literal["grey", "blur"] = "grey"

    def check(self, model: nn.Module) -> None:
        """Import captum, so that its absence is told before the training."""
        import captum.attr  # noqa: F401

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        import torch
        from captum.attr import Occlusion as Captum

        from skinfw_explain.hooks import PICTURE, versions_at_once
        from skinfw_explain.missing_pixels import without_evidence
        from skinfw_explain.scaling import scale

        windows = [self._windows(side) for side in images.shape[2:]]
        sides, steps = zip(*windows, strict=True)
        with torch.no_grad():
            lost: Tensor = Captum(model).attribute(
                images,
                (images.shape[1], *sides),
                (images.shape[1], *steps),
                without_evidence(images, self.baseline),
                targets,
                perturbations_per_eval=versions_at_once(images),
            )
        return scale(lost[:, PICTURE].mean(1).relu())

    def _windows(self, side: int) -> tuple[int, int]:
        """Return how long squares are, and how far apart, of an image of this side, in pixels.

        Squares that do not end with the image would leave a strip that one of them covers alone.
        """
        step = max(1, round(min(self.stride, self.window) * side))
        steps = max(1, round((1 - self.window) * side / step))
        return max(1, side - steps * step), step


@dataclass(frozen=True, kw_only=True)
class Rise:
    """Show the image through many random masks, and take the mean of them by the answers.

    Petsiuk et al. 2018 (RISE, arXiv 1806.07421), equation 6: the sum over masks of the class's
    probability times the mask, divided by how often a place shows. A mask is a small grid of zeros
    and ones, enlarged and shifted at random. The map is stretched from its smallest value, 0, to
    its largest, 1. The paper draws 4,000 to 8,000 masks.

    masks: how many, each a forward pass; fewer make spots where nothing is.
    cells: of the grid, beside each other.
    shown: share of the cells that show the image.
    baseline: what hides: "grey", or the image itself under a "blur".
    seed: of the masks, which are the same for all images.
    """

    masks: Annotated[int, Interval(ge=16, le=65536)] = 1000
    cells: Annotated[int, Interval(ge=2, le=32)] = 7
    shown: Annotated[float, Gt(0), Lt(1)] = 0.5
    baseline: Literal["grey", "blur"] = "grey"
    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)] = 0

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        import torch

        from skinfw_explain.hooks import ask, probabilities, versions_at_once
        from skinfw_explain.missing_pixels import without_evidence
        from skinfw_explain.scaling import stretch

        empty = without_evidence(images, self.baseline)
        sums = torch.zeros_like(images[:, 0])
        times = torch.zeros_like(images[0, 0])
        for masks in self._draw(images, versions_at_once(images)):
            shown = masks[:, None, None]
            versions = shown * images + (1 - shown) * empty
            chances = probabilities(model, ask(model, versions))
            own = chances[:, torch.arange(len(images)), targets]
            sums += torch.einsum("kn,khw->nhw", own, masks)
            times += masks.sum(0)
        return stretch(sums / times.clamp_min(1e-6))

    def _draw(self, images: Tensor, together: int) -> Iterator[Tensor]:
        """Yield masks [K, H, W] in [0, 1], some at a time."""
        import torch
        from torch.nn.functional import interpolate

        dice = torch.Generator().manual_seed(self.seed)
        grids = torch.rand((self.masks, 1, self.cells, self.cells), generator=dice) < self.shown
        height, width = images.shape[2:]
        cell = -(-height // self.cells), -(-width // self.cells)
        large = [(self.cells + 1) * side for side in cell]
        tops, lefts = (torch.randint(0, side, (self.masks,), generator=dice) for side in cell)
        for start in range(0, self.masks, together):
            some = slice(start, start + together)
            masks = interpolate(grids[some].float(), large, mode="bilinear", align_corners=False)
            cut = [
                mask[0, top : top + height, left : left + width]
                for mask, top, left in zip(masks, tops[some], lefts[some], strict=True)
            ]
            yield torch.stack(cut).to(images)
