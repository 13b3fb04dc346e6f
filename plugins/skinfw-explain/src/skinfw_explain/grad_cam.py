"""Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError
from skinfw.toolkit import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class GradCam:
    """Weigh the channels of the last feature map by how much they raise the class's logit.

    The layer is the one that the backbone declares. Only what follows it is differentiated, so a
    batch costs one forward pass and the backward pass of the head alone.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one. Where
        several pictures have a backbone each, it is that of the first.
    """

    layer: str = ""

    def check(self, model: nn.Module) -> None:
        """Raise RecipeError where the network has no such layer."""
        backbone = _backbone(model)
        layers = [name for name, _ in backbone.named_modules() if name]
        if self.layer and self.layer not in {*layers, *dict(model.named_modules())}:
            raise RecipeError(
                f'the backbone has no layer "{self.layer}"{did_you_mean(self.layer, layers)}',
                why=f"its modules are {', '.join(dict(backbone.named_children()))}",
                cure="name one of them, or one inside; without layer the last feature map is taken",
            )

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, scaled so that its largest value is 1.

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        Returns float [N, H, W] in [0, 1]; all zero where nothing speaks for the class.
        """
        import torch
        from torch.nn.functional import interpolate

        held: list[Tensor] = []
        # Inference tensors cannot be differentiated, whoever calls.
        with torch.inference_mode(False), torch.enable_grad(), _frozen(model):
            handle = self._layer(model).register_forward_hook(_cut(held))
            try:
                logits = model(images.clone())
            finally:
                handle.remove()
            scores = logits.gather(1, targets.clone()[:, None]).sum()
            (gradients,) = torch.autograd.grad(scores, held[-1])
        backbone = _backbone(model)
        features = _as_maps(held[-1].detach(), backbone)
        weights = _as_maps(gradients, backbone).mean((2, 3), keepdim=True)
        maps = (weights * features).sum(1, keepdim=True).relu()
        maps = interpolate(maps, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
        highest = maps.amax((1, 2), keepdim=True)
        return maps / highest.clamp_min(torch.finfo(maps.dtype).tiny)

    def _layer(self, model: nn.Module) -> nn.Module:
        backbone = _backbone(model)
        inside = self.layer and self.layer in dict(backbone.named_modules())
        return (backbone if inside else model).get_submodule(self.layer or str(model.cam_layer))


def _backbone(model: nn.Module) -> nn.Module:
    """Return the backbone, which a network with other inputs holds inside."""
    return model.get_submodule(str(getattr(model, "backbone_layer", "")))


def _cut(held: list[Tensor]) -> Any:
    """Return a hook that keeps a layer's output as the leaf where the gradient ends.

    The head gets a copy, since DenseNet's next operation overwrites its input in place.
    """

    def hook(_: Any, __: Any, output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        held.append(leaf)
        return leaf.clone()

    return hook


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Switch the weights' gradients off, so that the trunk builds no graph."""
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    for weights in learning:
        weights.requires_grad_(False)
    try:
        yield
    finally:
        for weights in learning:
            weights.requires_grad_(True)


def _as_maps(values: Tensor, backbone: nn.Module) -> Tensor:
    """Return features as [N, C, H, W], from channels-last maps or from tokens, too."""
    if values.ndim == 3:
        tokens = values[:, int(getattr(backbone, "num_prefix_tokens", 0)) :]
        side = round(tokens.shape[1] ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
    channels = getattr(backbone, "num_features", values.shape[1])
    if values.shape[1] != channels and values.shape[3] == channels:
        return values.permute(0, 3, 1, 2)
    return values
