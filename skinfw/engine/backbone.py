"""Build the network of a recipe: the backbone, and what the recipe changes in it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from skinfw.errors import SkinfwError
from skinfw.targets import Planned


def build(
    backbone: Planned, changes: Sequence[Planned], classes: tuple[str, ...], size: int
) -> nn.Module:
    """Return the network.

    changes: the recipe's [[modify]] tables, in order.
    size: side of the square that it will see.
    """
    model: nn.Module = backbone.make(variant=backbone.found.variant, classes=classes, size=size)
    for change in changes:
        with change.guard():
            model = change.make(classes=classes).modify(model)
            if not isinstance(model, nn.Module):
                raise SkinfwError(
                    f"{change.found.label} returned a {type(model).__name__}",
                    why="modify returns the network",
                    cure=f"report it to {change.found.plugin.distribution}",
                )
    return model


def advance(model: nn.Module, done: float) -> dict[str, float]:
    """Tell all modules that want to know how much of the training is done.

    done: share of the optimizer's steps, from 0 to 1.
    Returns the named numbers that they answer with, for the history.
    """
    numbers: dict[str, float] = {}
    for module in model.modules():
        if tell := getattr(module, "set_progress", None):
            numbers |= tell(done)
    return numbers


def wants_progress(model: nn.Module) -> bool:
    """Return whether a module of the network wants to know."""
    return any(hasattr(module, "set_progress") for module in model.modules())
