"""`torchvision/*`: every classifier of torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def torchvision_backbone(
    variant: str,
    classes: Sequence[str],
    size: int,
    *,
    pretrained: bool | Path = True,
) -> nn.Module:
    """Build a model of torchvision with a new head.

    pretrained: true downloads torchvision's default ImageNet weights, false starts at random, a
        path loads a .safetensors or .pth file.
    """
    import torchvision

    from skinfw_timm.cam import last_map
    from skinfw_timm.weights import load_file, reachable

    # Models that Inception's auxiliary heads make awkward are asked for without them.
    options = {"aux_logits": False} if variant in ("googlenet", "inception_v3") else {}
    if pretrained is True:
        with reachable(f"torchvision/{variant}", "download.pytorch.org"):
            model: nn.Module = torchvision.models.get_model(variant, weights="DEFAULT")
        if options:
            model.aux_logits = False  # type: ignore[assignment]
    else:
        extra = {"init_weights": True} if options else {}
        model = torchvision.models.get_model(variant, weights=None, **options, **extra)
    _replace_head(model, len(classes))
    if isinstance(pretrained, Path):
        load_file(model, pretrained)
    model.cam_layer = last_map(model, size)  # type: ignore[assignment]
    return model


def _replace_head(model: nn.Module, count: int) -> None:
    """Replace the last layer by one with `count` outputs, of the same type."""
    from torch import nn

    name, layer = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ][-1]
    head: nn.Module
    if isinstance(layer, nn.Linear):
        head = nn.Linear(layer.in_features, count)
    else:
        head = nn.Conv2d(layer.in_channels, count, kernel_size=1)
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, head)
