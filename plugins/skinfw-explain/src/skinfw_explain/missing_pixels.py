"""What stands in an image where nothing should be seen."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from skinfw_explain.hooks import PICTURE

Baseline = Literal["grey", "blur"]


def without_evidence(images: Tensor, baseline: Baseline) -> Tensor:
    """Return images whose first picture shows nothing of what it shows.

    images: float [N, 3, H, W], normalised.
    baseline: "grey" is the mean colour of what the backbone learned from, "blur" the image without
        detail, with a standard deviation of a tenth of its sides.
    """
    from torchvision.transforms.functional import gaussian_blur

    empty = images.clone()
    if baseline == "grey":
        empty[:, PICTURE] = 0
        return empty
    sigma = max(images.shape[2:]) / 10
    side = 2 * round(1.5 * sigma) + 1
    empty[:, PICTURE] = gaussian_blur(images[:, PICTURE], [side, side], [sigma, sigma])
    return empty
