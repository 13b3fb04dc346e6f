"""Attention rollout: which patches a vision transformer's answer is mixed of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError
from skinfw_explain.layers import as_maps, find_backbone

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class AttentionRollout:
    """Multiply the attentions of all blocks of a vision transformer.

    Abnar and Zuidema 2020 (arXiv 2005.00928), section 3: each block's attention A, the mean over
    its heads, counts as (A + I) / 2 because of the residual connection, and the product over the
    blocks says how much of each patch is in each token. The map is the row of the class token, or
    the mean of all rows where the patches are pooled, stretched from its smallest value, 0, to its
    largest, 1. It is the same for all classes, and only for transformers whose blocks all attend to
    all tokens: ViT, DeiT, BEiT, EVA and their like of timm.
    """

    def check(self, model: nn.Module) -> None:
        """Raise RecipeError where the network is no such transformer."""
        import torch

        backbone = find_backbone(model)
        _attentions(backbone)
        patches: Any = backbone.patch_embed
        size = patches.img_size or (224, 224)
        training = {module: module.training for module in backbone.modules()}
        try:
            self.rollout(backbone.eval(), torch.zeros(1, 3, *size))
        finally:
            for module, mode in training.items():
                module.training = mode

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N]; the map is the same for all classes.
        """
        from skinfw_explain.scaling import enlarge, stretch

        backbone = find_backbone(model)
        rows = self.rollout(model, images)
        own = rows[:, 0] if getattr(backbone, "global_pool", "") == "token" else rows.mean(1)
        return stretch(enlarge(as_maps(own[:, :, None], backbone), images))

    def rollout(self, model: nn.Module, images: Tensor) -> Tensor:
        """Return how much of each token is in each token in the end, [N, L, L]; rows sum to one.

        model, images: as in a call.
        Raises RecipeError where the blocks do not all attend to all tokens.
        """
        import torch

        held: list[Tensor] = []
        with _watched(find_backbone(model), held), torch.no_grad():
            model(images)
        shapes = {own.shape[2:] if own.ndim == 4 else () for own in held}
        if {len(own) for own in held} != {len(images)} or len(shapes) != 1 or not _square(shapes):
            raise _unsuitable(f"its attentions are {', '.join(str(list(one)) for one in shapes)}")
        tokens = held[0].shape[-1]
        same = torch.eye(tokens, device=images.device)
        rollout = same.expand(len(images), -1, -1)
        for own in held:
            rollout = (own.float().mean(1) + same) / 2 @ rollout
        return rollout


def _square(shapes: set[Any]) -> bool:
    return all(len(one) == 2 and one[0] == one[1] for one in shapes)


def _attentions(backbone: nn.Module) -> list[Any]:
    """Return the attention of each block.

    Raises RecipeError where the backbone is no plain transformer.
    """
    blocks: Any = getattr(backbone, "blocks", ())
    found = [getattr(block, "attn", None) for block in blocks]
    plain = hasattr(backbone, "patch_embed") and hasattr(backbone, "num_prefix_tokens")
    if not (plain and found) or not all(hasattr(own, "attn_drop") for own in found):
        raise _unsuitable(f"{type(backbone).__name__} has no blocks with an attention of this kind")
    return found


@contextmanager
def _watched(backbone: nn.Module, held: list[Tensor]) -> Iterator[None]:
    """Let the attentions be computed step by step, and keep them."""
    attentions = _attentions(backbone)
    fused = [vars(own).get("fused_attn") for own in attentions]
    handles = []
    try:
        for own in attentions:
            own.fused_attn = False
            handles.append(
                own.attn_drop.register_forward_hook(lambda _, __, output: held.append(output))
            )
        yield
    finally:
        for handle in handles:
            handle.remove()
        for own, before in zip(attentions, fused, strict=True):
            if before is None:
                del own.fused_attn
            else:
                own.fused_attn = before


def _unsuitable(why: str) -> RecipeError:
    return RecipeError(
        "attention rollout does not fit this network",
        why=why,
        cure="use grad-cam or rise, which fit every network, or a ViT such as "
        "timm/vit_small_patch16_224",
    )
