"""Which layers of a network can be explained, and what their output is as maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError
from skinfw.toolkit import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor, nn

AUTO = "auto"
"""The name of a layer that is chosen on validation images; until then the declared one is meant."""

_MOST_PREFIX_TOKENS = 16
"""Before the tokens of the patches: a class token, one for a teacher, registers."""

_PROPORTIONS = 1.4
"""What is longer than images by this factor is a row of heads or of tokens."""


@dataclass(frozen=True)
class MapLayer:
    """Hold a layer whose output can be explained.

    name: as an explainer's `layer` takes it: dotted, within the backbone where it lies there.
    channels, height, width: of its map, for the images that the network was shown.
    is_declared: whether it is the one that the backbone names in `cam_layer`.
    """

    name: str
    channels: int
    height: int
    width: int
    is_declared: bool = False


def find_backbone(model: nn.Module) -> nn.Module:
    """Return the backbone, which a network with other inputs holds inside."""
    return model.get_submodule(str(getattr(model, "backbone_layer", "")))


def declared_layer(model: nn.Module) -> str:
    """Return the name of the layer that the network declares, as an explainer takes it."""
    return _short(str(model.cam_layer), model)


def find_layer(model: nn.Module, name: str = "") -> nn.Module:
    """Return a layer.

    name: dotted, within the backbone or within the network; empty or "auto" for the declared one.
    """
    name, backbone = "" if name == AUTO else name, find_backbone(model)
    inside = name and name in dict(backbone.named_modules())
    return (backbone if inside else model).get_submodule(name or str(model.cam_layer))


def check_layer(model: nn.Module, name: str) -> None:
    """Raise RecipeError where the network has no such layer.

    name: empty for the declared one; "auto" is none yet.
    """
    backbone = find_backbone(model)
    layers = [own for own, _ in backbone.named_modules() if own]
    if name not in ("", AUTO) and name not in {*layers, *dict(model.named_modules())}:
        raise RecipeError(
            f'the backbone has no layer "{name}"{did_you_mean(name, layers)}',
            why=f"its modules are {', '.join(dict(backbone.named_children()))}",
            cure="name one of them, or one inside; without layer the last feature map is taken",
        )


def as_maps(values: Tensor, backbone: nn.Module) -> Tensor:
    """Return features as [N, C, H, W], from channels-last maps or from tokens, too.

    values: the output of a layer, [N, C, H, W], [N, H, W, C], or tokens [N, L, C].
    backbone: tells how many tokens stand before those of the patches, and how maps are laid out
        where the shape does not tell it.
    """
    if values.ndim == 3:
        tokens = values[:, _prefix_tokens(values.shape[1], backbone) :]
        side = isqrt(tokens.shape[1])
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
    return values.permute(0, 3, 1, 2) if _is_channels_last(values, backbone) else values


def is_map(values: Any, backbone: nn.Module, images: Tensor) -> bool:
    """Tell whether the output of a layer is a map of the images, of more than one place.

    values: of any type.
    images: [N, 3, H, W]; a map has their number, and about their proportions.
    """
    import torch

    if not isinstance(values, torch.Tensor) or values.shape[:1] != images.shape[:1]:
        return False
    if values.ndim == 3:
        patches = values.shape[1] - _prefix_tokens(values.shape[1], backbone)
        return patches > 1 and _is_square(patches)
    if values.ndim != 4:
        return False
    height, width = as_maps(values, backbone).shape[2:]
    proportions = height * images.shape[3] / (width * images.shape[2])
    return min(height, width) > 1 and max(proportions, 1 / proportions) < _PROPORTIONS


def candidate_layers(model: nn.Module, images: Tensor) -> list[MapLayer]:
    """Return the layers that make sense for maps, in the order of computation.

    They are the ends of the stages, or of the blocks where all maps are of one size. timm's
    networks name them in `feature_info`; where they do not, or a stage gives more than a map, the
    last layer of each size of map is taken. The
    declared layer is always among them. Of layers that the class depends on through a class token
    alone, as after the last attention of a ViT, no map can be made, and they are left out.

    model: in evaluation mode; it is run once, forward and backward, and left as it was.
    images: float [N, 3, H, W], normalised; any two or more images of the size that it sees.
    """
    backbone = find_backbone(model)
    seen, patched = _watch(model, backbone, images)
    declared = declared_layer(model)
    wanted = {*_stage_ends(backbone, seen), declared}
    layers = []
    for name, output in seen.items():
        is_declared = name == declared
        # What hands on the declared map, such as a row of stages and its last one, is no other.
        other = name in patched and not _same(output, seen.get(declared))
        if name in wanted and (is_declared or other):
            channels, height, width = as_maps(output, backbone).shape[1:]
            layers.append(MapLayer(name, channels, height, width, is_declared))
    return layers


def _same(output: Tensor, other: Tensor | None) -> bool:
    return other is not None and output.shape == other.shape and bool((output == other).all())


def _watch(
    model: nn.Module, backbone: nn.Module, images: Tensor
) -> tuple[dict[str, Tensor], set[str]]:
    """Return the maps by the name of their layer, and those that patches act through."""
    import torch

    from skinfw_explain.hooks import differentiable

    seen: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        def hook(_: Any, __: Any, output: Any) -> Any:
            seen.pop(name, None)
            if not is_map(output, backbone, images):
                return None
            seen[name] = output
            # What follows gets a copy: it may overwrite its input in place.
            return output.clone() if output.requires_grad else None

        return hook

    with differentiable(model):
        handles = [
            layer.register_forward_hook(watch(_short(name, model)))
            for name, layer in model.named_modules()
            if name
        ]
        try:
            logits = model(images.clone().requires_grad_())
        finally:
            for handle in handles:
                handle.remove()
        names = [name for name, own in seen.items() if own.requires_grad]
        gradients = torch.autograd.grad(
            logits.sum(), [seen[name] for name in names], allow_unused=True
        )
    acting = {
        name
        for name, own in zip(names, gradients, strict=True)
        if own is not None and bool(as_maps(own, backbone).any())
    }
    # Where the head is zero, as before the training of an MLP-Mixer, nothing acts.
    return {name: own.detach() for name, own in seen.items()}, acting or set(names)


def _stage_ends(backbone: nn.Module, seen: dict[str, Tensor]) -> list[str]:
    """Return the names of the layers that end stages, among those that give maps."""
    infos = getattr(backbone, "feature_info", ())
    infos = infos if isinstance(infos, Sequence) else getattr(infos, "info", ())
    named = [str(info["module"]) for info in infos]
    giving = [name for name in named if name in seen]
    if len(giving) > max(1, len(named) // 2):
        return giving
    outer = [name for name in seen if not any("att" in part for part in name.split("."))]
    last: dict[Any, str] = {}
    for name in sorted(outer, key=lambda name: -name.count(".")):  # the outermost come last
        last[as_maps(seen[name], backbone).shape[2:]] = name
    return list(last.values()) if len(last) > 1 else _blocks(seen)


def _blocks(seen: dict[str, Tensor]) -> list[str]:
    """Return the names of the longest row of layers that lie beside each other."""
    rows: dict[str, list[str]] = {}
    for name in seen:
        parent, _, own = name.rpartition(".")
        if own.isdigit():
            rows.setdefault(parent, []).append(name)
    return max(rows.values(), key=len, default=[])


def _short(name: str, model: nn.Module) -> str:
    """Return the name of a layer within the backbone where it lies there."""
    return name.removeprefix(f"{getattr(model, 'backbone_layer', '')}.")


def _prefix_tokens(tokens: int, backbone: nn.Module) -> int:
    """Return how many tokens stand before those of the patches, which are a square."""
    own = int(getattr(backbone, "num_prefix_tokens", 0) or 0)
    counts = [own, *range(_MOST_PREFIX_TOKENS)]
    return next((one for one in counts if _is_square(tokens - one)), own)


def _is_square(count: int) -> bool:
    return count > 0 and isqrt(count) * isqrt(count) == count


def _is_channels_last(values: Tensor, backbone: nn.Module) -> bool:
    """Tell whether channels come last, by what is a square, else by what the backbone tells."""
    _, first, second, third = values.shape
    if (first == second) != (second == third):
        return bool(first == second)
    channels = getattr(backbone, "num_features", first)
    return bool(first != channels and third == channels)
