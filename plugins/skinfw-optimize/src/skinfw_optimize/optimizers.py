"""Optimizers of torch, built for all weights of a model that learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Lt

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

Rate = Annotated[float, Gt(0)]
Decay = Annotated[float, Ge(0)]
Beta = Annotated[float, Ge(0), Lt(1)]


def adam(
    model: nn.Module,
    *,
    lr: Rate = 1e-4,
    weight_decay: Decay = 0.0,
    betas: tuple[Beta, Beta] = (0.9, 0.999),
) -> Optimizer:
    """Adam (Kingma and Ba 2015).

    lr: learning rate.
    weight_decay: L2 penalty added to the gradients.
    betas: decay of the two running averages.
    """
    import torch

    return torch.optim.Adam(
        _learning(model), lr=lr, weight_decay=weight_decay, betas=betas, fused=_can_fuse(model)
    )


def adamw(
    model: nn.Module,
    *,
    lr: Rate = 3e-4,
    weight_decay: Decay = 0.01,
    betas: tuple[Beta, Beta] = (0.9, 0.999),
) -> Optimizer:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); spares biases and norms.

    lr: learning rate.
    weight_decay: share of the learning rate by which weights shrink in each step.
    betas: decay of the two running averages.
    """
    import torch

    matrices = [weights for weights in _learning(model) if weights.ndim > 1]
    vectors = [weights for weights in _learning(model) if weights.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=lr, betas=betas, fused=_can_fuse(model)
    )


def nadam(
    model: nn.Module,
    *,
    lr: Rate = 1e-4,
    weight_decay: Decay = 0.0,
    betas: tuple[Beta, Beta] = (0.9, 0.999),
    momentum_decay: Decay = 4e-3,
) -> Optimizer:
    """Adam with Nesterov's momentum (Dozat 2016).

    lr: learning rate.
    weight_decay: L2 penalty added to the gradients.
    betas: decay of the two running averages.
    momentum_decay: how fast the first one grows to its value.
    """
    import torch

    return torch.optim.NAdam(
        _learning(model),
        lr=lr,
        weight_decay=weight_decay,
        betas=betas,
        momentum_decay=momentum_decay,
    )


def rmsprop(
    model: nn.Module,
    *,
    lr: Rate = 1e-4,
    weight_decay: Decay = 0.0,
    decay: Beta = 0.9,
    momentum: Beta = 0.0,
    centred: bool = False,
) -> Optimizer:
    """Gradients over the root of their mean square (Tieleman and Hinton 2012).

    lr: learning rate.
    weight_decay: L2 penalty added to the gradients.
    decay: of the running mean of squares, torch's alpha.
    momentum: decay of the running step.
    centred: whether the mean gradient is taken off, so that the root is a standard deviation.
    """
    import torch

    return torch.optim.RMSprop(
        _learning(model),
        lr=lr,
        weight_decay=weight_decay,
        alpha=decay,
        momentum=momentum,
        centered=centred,
    )


def sgd(
    model: nn.Module,
    *,
    lr: Rate = 0.01,
    momentum: Beta = 0.9,
    weight_decay: Decay = 1e-4,
    nesterov: bool = True,
) -> Optimizer:
    """Stochastic gradient descent with momentum.

    lr: learning rate.
    momentum: decay of the running gradient.
    weight_decay: L2 penalty added to the gradients.
    nesterov: look ahead; needs momentum.
    """
    import torch

    return torch.optim.SGD(
        _learning(model),
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=nesterov and momentum > 0,
        fused=_can_fuse(model),
    )


def _learning(model: nn.Module) -> list[nn.Parameter]:
    return [weights for weights in model.parameters() if weights.requires_grad]


def _can_fuse(model: nn.Module) -> bool | None:
    """Tell whether one kernel does the whole step: on a GPU, where launching many costs time."""
    return True if all(weights.is_cuda for weights in _learning(model)) else None
