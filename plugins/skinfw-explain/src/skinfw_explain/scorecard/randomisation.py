"""A network whose stages lose what they learned, from the top down."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

STAGES = 4
"""Into how many stages a network is divided at most."""


def stages(model: nn.Module) -> list[list[nn.Module]]:
    """Return the stages of a network from the top down, each as modules.

    The last module with weights is the first stage; the others are divided evenly in their order.
    """
    units = _units(model)
    if len(units) < 2:
        return [units]
    lower = units[:-1]
    count = min(STAGES - 1, len(lower))
    ends = [round(place * len(lower) / count) for place in range(count + 1)]
    groups = [lower[start:end] for start, end in pairwise(ends)]
    return [[units[-1]], *reversed(groups)]


def randomised(model: nn.Module) -> Iterator[nn.Module]:
    """Yield a copy of a network with one stage more at random each time, from the top down.

    model: in evaluation mode; it stays as it is.
    The weights of each tensor change places at random, so that their distribution stays and what
    they learned is gone. The copy is the same object each time. Source: the cascading randomization
    of Adebayo et al. 2018 (arXiv 1810.03292), who draw new weights.
    """
    import torch

    copy = deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    for stage in stages(copy):
        with torch.no_grad():
            for weights in (own for module in stage for own in module.parameters()):
                places = torch.randperm(weights.numel(), generator=generator)
                weights.copy_(weights.flatten()[places.to(weights.device)].view_as(weights))
        yield copy


def _units(module: nn.Module) -> list[nn.Module]:
    """Return the modules with weights that stand one after the other, in their order."""
    from torch import nn

    own = [child for child in module.children() if any(True for _ in child.parameters())]
    if len(own) == 1:
        return _units(own[0])
    units: list[nn.Module] = []
    for child in own:
        several = isinstance(child, nn.Sequential | nn.ModuleList)
        units += _units(child) if several and len(list(child.children())) > 1 else [child]
    return units or [module]
