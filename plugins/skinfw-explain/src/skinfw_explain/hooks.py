"""Look at what a layer gives for images, and at how the classes depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

PICTURE = slice(0, 3)
"""The channels of the first picture, which is explained where a network looks at several."""

_TOGETHER = 32


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
    held: list[Tensor] = []
    with differentiable(model):
        handle = layer.register_forward_hook(_cut(held))
        try:
            logits = model(images.clone())
        finally:
            handle.remove()
        scores = logits.gather(1, targets.clone()[:, None]).sum()
        (gradients,) = torch.autograd.grad(scores, held[-1])
    return held[-1].detach(), gradients


def layer_output(model: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """Return the output of a layer, without gradients.

    model: in evaluation mode.
    layer: of the model; of several calls the last one counts.
    images: float [N, 3, H, W], normalised.
    """
    held: list[Tensor] = []
    # What follows may overwrite its input in place.
    handle = layer.register_forward_hook(lambda _, __, output: held.append(output.clone()))
    try:
        with torch.no_grad():
            model(images)
    finally:
        handle.remove()
    return held[-1]


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
def differentiable(model: nn.Module) -> Iterator[None]:
    """Let inputs be differentiated, and nothing else; the weights want no gradients meanwhile."""
    # Inference tensors cannot be differentiated, whoever calls.
    with torch.inference_mode(False), torch.enable_grad(), _frozen(model):
        yield


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


def versions_at_once(images: Tensor) -> int:
    """Return how many versions of a batch a network is shown together.

    images: [N, ...].
    """
    return max(1, _TOGETHER // len(images))


def ask(model: nn.Module, versions: Tensor) -> Tensor:
    """Return the logits [K, N, C] of K versions of a batch.

    Versions stand one behind the other, each the whole batch, so that what is known of the images
    beside their pixels fits all of them.

    versions: float [K, N, 3, H, W].
    """
    with torch.no_grad():
        logits: Tensor = model(versions.flatten(0, 1))
    return logits.reshape(*versions.shape[:2], -1)


def probabilities(model: nn.Module, logits: Tensor) -> Tensor:
    """Return the probabilities of the classes; a network may answer other outputs behind them.

    logits: [..., C] and more.
    """
    modalities = getattr(model, "modalities", None)
    others = sum(map(len, modalities.auxiliary.values())) if modalities else 0
    return logits[..., : logits.shape[-1] - others].softmax(-1)
