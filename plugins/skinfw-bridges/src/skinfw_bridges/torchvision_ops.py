"""`torchvision/*`: the transforms of torchvision.transforms.v2 that change one image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw_bridges.library_op import LibraryOp
from skinfw_bridges.signatures import LibraryParameter, builder, library_parameters

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

# Transforms of boxes and points, of batches, into several images, and of types.
_OTHERS = {
    "ClampBoundingBoxes", "ClampKeyPoints", "ConvertBoundingBoxFormat", "RandomIoUCrop",
    "SanitizeBoundingBoxes", "SanitizeKeyPoints", "SetClampingMode", "UniformTemporalSubsample",
    "CutMix", "MixUp", "FiveCrop", "TenCrop",
    "ConvertImageDtype", "Normalize", "PILToTensor", "ToDtype", "ToImage", "ToPILImage",
    "ToPureTensor", "ToTensor", "Transform",
}  # fmt: skip
_RESIZING = {
    "CenterCrop", "Pad", "RandomCrop", "RandomResize", "RandomResizedCrop", "RandomShortestSize",
    "RandomZoomOut", "Resize", "ScaleJitter",
}  # fmt: skip


def variants(asked: str = "") -> list[str]:
    """Return the names of the transforms, whichever was asked for."""
    return [name for name in _transforms() if _parameters(name) is not None]


def member(variant: str) -> Callable[..., Any]:
    """Return what builds a transform."""
    own = _parameters(variant)
    assert own is not None, "variants that cannot be built are not offered"
    return builder("torchvision", variant, _transforms()[variant], own, partial(_build, variant))


def _transforms() -> dict[str, type]:
    from torchvision.transforms import v2

    classes = {name: value for name, value in vars(v2).items() if isinstance(value, type)}
    return {
        name: value
        for name, value in sorted(classes.items())
        if issubclass(value, v2.Transform) and name not in _OTHERS
    }


def _parameters(name: str) -> list[LibraryParameter] | None:
    return library_parameters(_transforms()[name], leave_out={"inplace"})


def _build(variant: str, **options: Any) -> LibraryOp:
    transform = _transforms()[variant](**options)
    resizes = variant in _RESIZING or bool(options.get("expand"))
    return LibraryOp(f"torchvision/{variant}", partial(_apply, transform), resizes)


def _apply(transform: Any, seed: int, image: Image) -> Image:
    """Return what a transform makes of an image, uint8 [H, W, C]."""
    import torch

    from skinfw_bridges.random_numbers import OwnGenerator

    pixels = torch.from_numpy(image.transpose(2, 0, 1).copy())
    with torch.no_grad(), OwnGenerator(seed):
        changed = transform(pixels)
    made: Image = changed.permute(1, 2, 0).contiguous().numpy()
    return made
