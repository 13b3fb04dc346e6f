"""Look at what a layer gives for images, and at how the classes depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def features_and_gradients(
    model: nn.Module, layer: nn.Module, images: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the output of a layer, and the gradient there of the logits of the classes.

    Only what follows the layer is differentiated, so that a batch costs one forward pass and the
    backward pass of what follows.

    model: in evaluation mode; it is left as it was.
    layer: of the model; of several calls the last one counts.
    images: float [N, 3, H, W], normalised.
    targets: int [N].
    """
    import torch

    held: list[Tensor] = []
    # Inference tensors cannot be differentiated, whoever calls.
    with torch.inference_mode(False), torch.enable_grad(), frozen(model):
        handle = layer.register_forward_hook(_cut(held))
        try:
            logits = model(images.clone())
        finally:
            handle.remove()
        scores = logits.gather(1, targets.clone()[:, None]).sum()
        (gradients,) = torch.autograd.grad(scores, held[-1])
    return held[-1].detach(), gradients


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
def frozen(model: nn.Module) -> Iterator[None]:
    """Switch the weights' gradients off, so that the trunk builds no graph."""
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    for weights in learning:
        weights.requires_grad_(False)
    try:
        yield
    finally:
        for weights in learning:
            weights.requires_grad_(True)
