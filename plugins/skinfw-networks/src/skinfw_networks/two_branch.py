"""The bilateral-branch network."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw import SkinfwError
from skinfw_networks.layers import last_linear, last_stages

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class TwoBranch:
    """Split the last stage into two branches that learn from differently drawn images.

    Zhou et al. 2020 (BBN, arXiv 1912.02413), as Yao et al. (arXiv 2102.01284) offer it for ResNet
    and RegNet. The first branch sees the images of the sampler "pairs", the second their partners,
    which favour rare classes. Features and losses are mixed in the shares l and 1 - l, where
    l = 1 - done^2 and done is the share of the training that is done, so that the first branch
    leads at the beginning and the second one in the end. In evaluation both see every image.
    """

    def modify(self, model: nn.Module) -> nn.Module:
        """Double the last stage, and the width of the linear layer that ends the network.

        Raises SkinfwError where other layers stand between the two.
        """
        import torch
        from torch import nn

        from skinfw_networks.branches import Branches

        cure = "choose a ResNet or a RegNet of timm"
        (name,) = last_stages(model, 1, cure)
        stage = model.get_submodule(name)
        holder, own, linear = last_linear(model, "two branches double its inputs")
        branches = Branches(stage, deepcopy(stage))
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, branches)
        bias = linear.bias is not None
        setattr(holder, own, nn.Linear(2 * linear.in_features, linear.out_features, bias))
        try:
            was_training = model.training
            with torch.no_grad():
                model.eval()(torch.zeros(1, 3, 64, 64))
            model.train(was_training)
        except RuntimeError as error:
            raise SkinfwError(
                f"the last stage of the backbone, {name}, cannot be doubled",
                why=f"the layers after it do not take twice the channels: {error}",
                cure=cure,
            ) from error
        model.takes_pairs = True  # type: ignore[assignment]
        model.cam_layer = name  # type: ignore[assignment]
        model.training_loss = branches.training_loss  # type: ignore[assignment]
        return model
