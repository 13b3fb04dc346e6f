"""`torch/*`: the optimizers of torch.optim that a training step can drive."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw_bridges.signatures import builder, library_parameters

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

# LBFGS asks for the loss again and again within one step, SparseAdam takes sparse gradients alone,
# and Muon takes matrices alone, which the weights of a convolution are not.
_OTHERS = {"LBFGS", "Muon", "Optimizer", "SparseAdam"}
NOT_FOR_RECIPES = {"capturable", "differentiable", "maximize", "params"}
"""Parameters that are given, or that the loop of training decides."""


def variants(asked: str = "") -> list[str]:
    """Return the names of the optimizers, whichever was asked for."""
    from torch import optim

    classes = {name: value for name, value in vars(optim).items() if isinstance(value, type)}
    return [
        name
        for name, value in sorted(classes.items())
        if issubclass(value, optim.Optimizer) and name not in _OTHERS
    ]


def member(variant: str) -> Callable[..., Any]:
    """Return what builds an optimizer."""
    from torch import optim

    function = getattr(optim, variant)
    own = library_parameters(function, leave_out=NOT_FOR_RECIPES) or []
    return builder("torch", variant, function, own, partial(_build, function), ("model",))


def _build(function: Callable[..., Optimizer], model: nn.Module, **options: Any) -> Optimizer:
    """Build an optimizer of all weights that learn; biases and norms do not decay."""
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    if "weight_decay" not in options:
        return function(learning, **options)
    groups: list[dict[str, Any]] = [
        {"params": [weights for weights in learning if weights.ndim > 1]},
        {"params": [weights for weights in learning if weights.ndim <= 1], "weight_decay": 0.0},
    ]
    return function([group for group in groups if group["params"]], **options)
