"""`timm/*`: every model of timm."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Lt

from skinfw import SkinfwError

if TYPE_CHECKING:
    from torch import nn

Probability = Annotated[float, Ge(0), Lt(1)]


def timm_backbone(
    variant: str,
    classes: Sequence[str],
    size: int,
    *,
    pretrained: bool | Path = True,
    dropout: Probability = 0.0,
    drop_path: Probability = 0.0,
    checkpoint_gradients: bool = False,
) -> nn.Module:
    """Build a model of timm with a new head; `densenet121.tv_in1k` has torchvision's weights.

    pretrained: true downloads the weights of the variant's tag, false starts at random, a path
        loads a .safetensors or .pth file.
    dropout: chance of dropping a feature before the head.
    drop_path: chance of skipping a residual block (stochastic depth).
    checkpoint_gradients: keep the input of each block alone for the backward pass, which computes
        the rest once more: a third more work, a fraction of the memory, the same numbers (Chen et
        al. 2016, arXiv 1604.06174). For large transformers and ConvNeXt.
    """
    import timm
    from torch import nn

    from skinfw_timm.cam import last_map
    from skinfw_timm.weights import load_file, reachable

    options: dict[str, object] = {"num_classes": len(classes)}
    options |= {"drop_rate": dropout} if dropout else {}
    options |= {"drop_path_rate": drop_path} if drop_path else {}
    if timm.get_pretrained_cfg(variant).fixed_input_size:  # such as ViT's position embedding
        options["img_size"] = size
    hub = reachable(f"timm/{variant}", "huggingface.co") if pretrained is True else nullcontext()
    with hub:
        model: nn.Module = _create(variant, pretrained is True, options)
    head = model.get_classifier()  # type: ignore[operator]
    if isinstance(head, nn.Linear):
        # Some families draw heads so wide that training begins with a loss of ten; this is as
        # narrow as torch's own default for a thousand features.
        nn.init.trunc_normal_(head.weight, std=0.02)
    if isinstance(pretrained, Path):
        load_file(model, pretrained)
    settings: Any = model.pretrained_cfg
    model.normalisation = (settings["mean"], settings["std"])  # type: ignore[assignment]
    model.cam_layer = last_map(model, size)  # type: ignore[assignment]
    if checkpoint_gradients:
        _checkpoint(model, variant)
    return model


def _checkpoint(model: nn.Module, variant: str) -> None:
    """Let the blocks of a model be computed twice, where that changes no number."""
    from torch.nn.modules.batchnorm import _BatchNorm

    why = "timm knows no blocks of it that could be computed twice"
    if any(isinstance(own, _BatchNorm) for own in model.modules()):
        why = "its batch normalisation would count the images of each batch twice"
    else:
        try:
            model.set_grad_checkpointing(True)  # type: ignore[operator]
            return
        except (AttributeError, AssertionError):
            pass
    raise SkinfwError(
        f"timm/{variant} cannot checkpoint its gradients",
        "backbone.checkpoint_gradients",
        why,
        "leave checkpoint_gradients out, or choose a transformer or ConvNeXt",
    )


def _create(variant: str, pretrained: bool, options: dict[str, object]) -> nn.Module:
    import timm

    try:
        model: nn.Module = timm.create_model(variant, pretrained=pretrained, **options)
    except TypeError as error:
        raise SkinfwError(
            f"timm/{variant} does not take {' or '.join(options.keys() - {'num_classes'})}",
            why=str(error),
            cure="leave drop_path out, or choose another architecture",
        ) from error
    return model
