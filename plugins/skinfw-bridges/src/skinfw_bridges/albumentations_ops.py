"""`albumentations/*`: the transforms of Albumentations 2.0.8 that change one image."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError
from skinfw_bridges.library_op import LibraryOp
from skinfw_bridges.signatures import LibraryParameter, builder, library_parameters

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

VERSION = "2.0.8"
"""The version whose pixels a recipe means; no later one has the licence of this one."""

# Transforms that need boxes, masks, texts or other images; of volumes, of types, and base classes.
_OTHERS = {
    "AtLeastOneBBoxRandomCrop", "BBoxSafeRandomCrop", "ConstrainedCoarseDropout",
    "CropNonEmptyMaskIfExists", "MaskDropout", "RandomCropNearBBox", "RandomSizedBBoxSafeCrop",
    "FDA", "HistogramMatching", "Mosaic", "OverlayElements", "PixelDistributionAdaptation",
    "TemplateTransform", "TextImage",
    "CenterCrop3D", "CoarseDropout3D", "CubicSymmetry", "Pad3D", "PadIfNeeded3D", "RandomCrop3D",
    "FromFloat", "Normalize", "ToFloat", "ToRGB", "ToTensor3D", "ToTensorV2", "Lambda",
    "BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D",
}  # fmt: skip
_RESIZING = {
    "CenterCrop", "Crop", "CropAndPad", "LongestMaxSize", "Pad", "PadIfNeeded", "RandomCrop",
    "RandomCropFromBorders", "RandomResizedCrop", "RandomRotate90", "RandomScale",
    "RandomSizedCrop", "Resize", "SmallestMaxSize", "Transpose", "D4", "SquareSymmetry",
}  # fmt: skip
_OF_MASKS = {
    "fill_mask", "keypoint_remapping_method", "mask_drop_value", "mask_interpolation",
    "mask_params",
}  # fmt: skip
_RESIZING_IF = {"crop_border": True, "fit_output": True, "keep_size": False}


def variants(asked: str = "") -> list[str]:
    """Return the names of the transforms, whichever was asked for."""
    return [name for name in _transforms() if _parameters(name) is not None]


def member(variant: str) -> Callable[..., Any]:
    """Return what builds a transform."""
    own = _parameters(variant)
    assert own is not None, "variants that cannot be built are not offered"
    function = _transforms()[variant]
    return builder("Albumentations", variant, function, own, partial(_build, variant))


def _transforms() -> dict[str, type]:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the internet
    import albumentations

    if albumentations.__version__ != VERSION:
        raise SkinfwError(
            f"Albumentations {albumentations.__version__} is installed",
            why=f"albumentations/* means the transforms of {VERSION}",
            cure="pip install 'skinfw[albumentations]'",
        )
    classes = vars(albumentations).items()
    return {
        name: value
        for name, value in sorted(classes)
        if isinstance(value, type)
        and issubclass(value, albumentations.BasicTransform)
        and name not in _OTHERS
    }


def _parameters(name: str) -> list[LibraryParameter] | None:
    return library_parameters(_transforms()[name], leave_out=_OF_MASKS)


def _build(variant: str, **options: Any) -> LibraryOp:
    transform = _transforms()[variant](**options)
    chosen = any(options.get(name, not value) is value for name, value in _RESIZING_IF.items())
    resizes = variant in _RESIZING or chosen
    return LibraryOp(f"albumentations/{variant}", partial(_apply, transform), resizes)


def _apply(transform: Any, seed: int, image: Image) -> Any:
    """Return what a transform makes of an image, uint8 [H, W, C] or [H, W].

    Transforms remember what they did, and draw from generators of their own: a copy of the
    transform belongs to one image, and so to one thread.
    """
    own = copy(transform)
    own.set_random_seed(seed)
    return own(image=image.copy())["image"]
