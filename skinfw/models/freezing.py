"""Parts of a network that do not learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from skinfw.errors import RecipeError
from skinfw.registry.names import did_you_mean

TRUNK = "trunk"


def head_name(model: nn.Module) -> str:
    """Return the dotted name of a network's last layer: the last module with weights of its own."""
    own = [name for name, module in model.named_modules() if [*module.parameters(recurse=False)]]
    return str(own[-1])


@dataclass(frozen=True)
class FrozenLayers:
    """Hold what of a network does not learn.

    modules: what stays in evaluation mode while the others train.
    weights: those that would learn otherwise.
    """

    modules: Sequence[nn.Module] = ()
    weights: Sequence[nn.Parameter] = ()

    def hold(self) -> None:
        """Keep it as it is; to be called again whenever the network is set to train."""
        for module in self.modules:
            module.eval()
        for weights in self.weights:
            weights.requires_grad_(False)

    def release(self) -> None:
        """Let it learn with the rest."""
        for weights in self.weights:
            weights.requires_grad_(True)


def freeze(model: nn.Module, names: Sequence[str], where: str) -> FrozenLayers:
    """Stop parts of a network from learning.

    names: dotted names of modules, or "trunk" for all but the last layer.
    where: the place in the recipe.
    Raises RecipeError for an unknown name.
    """
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    known = dict(model.named_modules())
    head = head_name(model)
    frozen: list[nn.Module] = []
    for name in names:
        if name == TRUNK:
            model.requires_grad_(False)  # some weights belong to no layer, such as class tokens
            known[head].requires_grad_(True)
            frozen += [module for key, module in known.items() if _is_leaf(module) and key != head]
        elif name in known and name:
            frozen.append(known[name])
        else:
            raise RecipeError(
                f'train.freeze names no module of the backbone: "{name}"'
                f"{did_you_mean(name, list(known))}",
                where,
                cure=f'"trunk", or one of {", ".join(dict(model.named_children()))}',
            )
    for module in frozen:
        module.eval().requires_grad_(False)
    if not any(weights.requires_grad for weights in model.parameters()):
        raise RecipeError("train.freeze leaves nothing to learn", where, cure='freeze "trunk"')
    return FrozenLayers(frozen, [weights for weights in learning if not weights.requires_grad])


def _is_leaf(module: nn.Module) -> bool:
    return not any(module.children())
