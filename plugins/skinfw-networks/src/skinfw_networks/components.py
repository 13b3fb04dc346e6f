"""What recipes may say of a network's changes; each change has a module of its name."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Interval, Le, Lt

from skinfw import Modalities, SkinfwError

# A recipe is checked without torch.
if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class DropBlock:
    """Drop squares of feature maps in training, the same ones in all channels of an image.

    Ghiasi et al. 2018 (arXiv 1810.12890), as Yao et al. 2022 (arXiv 2102.01284) use it after the
    last two stages. The probability grows from 0 with the optimizer's steps; in their released
    code it hardly leaves 0. The centre of a square is drawn anywhere, with a chance of
    probability / block^2; what is left is scaled up by what is missing from the batch.

    probability: share of a map that is dropped in the end, about.
    block: side of a square, in places of the map; odd.
    ramp: share of the training during which the probability grows.
    stages: after how many of the last stages, where the backbone names its stages as timm's do.
    after: modules of the backbone instead, by their dotted names.
    """

    probability: Annotated[float, Ge(0), Lt(1)] = 0.1
    block: Annotated[int, Interval(ge=1, le=15)] = 5
    ramp: Annotated[float, Gt(0), Le(1)] = 1.0
    stages: Annotated[int, Ge(1)] = 2
    after: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse squares without a middle."""
        if self.block % 2 == 0:
            raise SkinfwError(
                f"block is {self.block}, which has no middle", cure="choose an odd number"
            )

    def modify(self, model: nn.Module) -> nn.Module:
        """Let what leaves some modules lose squares.

        Raises SkinfwError where a module does not exist.
        """
        from skinfw_networks.drop_block import drop_squares

        return drop_squares(model, self)


@dataclass(frozen=True, kw_only=True)
class CosineHead:
    """Replace the last linear layer by the cosine between features and class weights.

    No class wins by the length of its weights, which grow with its frequency. LDAM is made for it
    (Cao et al. 2019, arXiv 1906.07413) and brings a scale of its own.

    scale: factor of the cosines; 1 for LDAM, about 16 for cross-entropy.
    """

    scale: Annotated[float, Gt(0)] = 1.0

    def modify(self, model: nn.Module) -> nn.Module:
        """Replace the layer.

        Raises SkinfwError where the network does not end in a linear layer.
        """
        from skinfw_networks.cosine_head import replace_last_layer

        return replace_last_layer(model, self.scale)


@dataclass(frozen=True, kw_only=True)
class MultiSampleDropout:
    """Drop features before the last linear layer several times at once, and average the losses.

    Inoue 2019 (arXiv 1905.09788). The trunk is computed once, so that the further samples cost next
    to nothing. A dropout of the backbone's own stands before it; leave that at 0. Components that
    replace the last layer stand before this one.

    samples: how many dropouts of the same features there are.
    dropout: share of the features that each of them drops.
    """

    samples: Annotated[int, Interval(ge=2, le=64)] = 8
    dropout: Annotated[float, Gt(0), Lt(1)] = 0.5

    def modify(self, model: nn.Module) -> nn.Module:
        """Let the last linear layer see the samples.

        Raises SkinfwError where the network does not end in one, or has a loss of its own.
        """
        from skinfw_networks.multi_sample_dropout import sample_dropout

        return sample_dropout(model, self.samples, self.dropout)


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
        from skinfw_networks.two_branch import double_last_stage

        return double_last_stage(model)


@dataclass(frozen=True)
class MultimodalHead:
    """Join the features of pictures and metadata, and answer the class and the auxiliary outputs.

    It makes use of the recipe's [modalities], in the manner of Kawahara et al. 2019 (IEEE JBHI
    23): every picture has a trunk of its own, whose features are joined before one linear layer.
    Metadata go through a small network first; what a missing value means is learned, and values
    are hidden in training so that there is something to learn it from. Components that change the
    trunk stand before this one.

    classes: class names.
    modalities: what the recipe's [modalities] came to.
    width: features that the metadata become.
    hide: share of the metadata's values that are hidden in training.
    dropout: share of the joined features that are dropped in training.
    """

    classes: tuple[str, ...]
    modalities: Modalities
    _: KW_ONLY
    width: Annotated[int, Interval(ge=1, le=1024)] = 64
    hide: Annotated[float, Ge(0), Lt(1)] = 0.1
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.0

    def modify(self, model: nn.Module) -> nn.Module:
        """Replace the last linear layer.

        Raises SkinfwError where the network does not end in one.
        """
        from skinfw_networks.multimodal_head import fuse

        return fuse(model, self)
