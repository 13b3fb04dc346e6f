"""Find the layers of a backbone that a component changes."""

from __future__ import annotations

from torch import nn

from skinfw import SkinfwError


def last_linear(model: nn.Module, why: str) -> tuple[nn.Module, str, nn.Linear]:
    """Return the linear layer that ends a network, after the module that holds it and its name.

    why: what the layer is needed for.
    Raises SkinfwError where the network does not end in one.
    """
    weighted = [
        (name, module)
        for name, module in model.named_modules()
        if list(module.parameters(recurse=False))
    ]
    name, last = weighted[-1]
    if not isinstance(last, nn.Linear):
        raise SkinfwError(
            f"the last layer of the backbone, {name}, is a {type(last).__name__}",
            why=why,
            cure="choose another backbone",
        )
    parent, _, own = name.rpartition(".")
    return model.get_submodule(parent), own, last


def last_stages(model: nn.Module, count: int, cure: str) -> tuple[str, ...]:
    """Return the names of the modules that end the last stages.

    Raises SkinfwError where the network does not name its stages as timm's do.
    """
    info = getattr(model, "feature_info", ())
    stages = [str(stage["module"]) for stage in getattr(info, "info", info)]
    if not stages:
        raise SkinfwError("the backbone does not name its stages", cure=cure)
    return tuple(stages[-count:])
