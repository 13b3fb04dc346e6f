"""`timm/*` as optimizers: those of timm.optim that need gradients and no other package."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError
from skinfw_bridges.signatures import LibraryParameter, builder, library_parameters
from skinfw_bridges.torch_optimizers import NOT_FOR_RECIPES

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

_MOMENTUM = 0.9  # what timm gives to whoever has momentum
_OTHERS = {"Kron"}  # compiles itself, keeps dice of its own, and wants a package that is not ours
_TYPES = {"lr": float, "weight_decay": float}


def variants(asked: str = "") -> list[str]:
    """Return the names of the optimizers, whichever was asked for."""
    optim = _optim()
    infos = {name: optim.get_optimizer_info(name) for name in optim.list_optimizers()}
    # Optimizers of apex and bitsandbytes are texts; those of second order want other gradients.
    return [
        name
        for name, info in infos.items()
        if not isinstance(info.opt_class, str)
        and not info.second_order
        and info.opt_class.__name__ not in _OTHERS
    ]


def member(variant: str) -> Callable[..., Any]:
    """Return what builds an optimizer."""
    function = _optim().get_optimizer_class(variant, bind_defaults=False)
    own = _parameters(variant, function)
    return builder("timm", variant, function, own, partial(_build, function), ("model",))


def _optim() -> Any:
    import timm
    from timm import optim

    if not hasattr(optim, "get_optimizer_info"):
        raise SkinfwError(
            f"timm {timm.__version__} does not tell which optimizers it has",
            cure="pip install --upgrade timm",
        )
    return optim


def _parameters(variant: str, function: Callable[..., Any]) -> list[LibraryParameter]:
    """Return the parameters with the defaults of timm's name, which stand above its class's."""
    info = _optim().get_optimizer_info(variant)
    defaults: dict[str, Any] = {"momentum": _MOMENTUM} if info.has_momentum else {}
    defaults |= info.defaults or {}
    if not isinstance(inspect.signature(function).parameters["lr"].default, float | int):
        defaults["lr"] = inspect.Parameter.empty  # schedules need a rate to start from
    leave_out = {*NOT_FOR_RECIPES, "verbose"}
    return library_parameters(function, leave_out, _TYPES, defaults) or []


def _build(
    function: Callable[..., Optimizer], model: nn.Module, *, weight_decay: float, **options: Any
) -> Optimizer:
    """Build an optimizer of all weights that learn; biases and norms do not decay."""
    spared: set[str] = getattr(model, "no_weight_decay", set)()
    groups = _optim().param_groups_weight_decay(model, weight_decay, no_weight_decay_list=spared)
    return function([group for group in groups if group["params"]], **options)
