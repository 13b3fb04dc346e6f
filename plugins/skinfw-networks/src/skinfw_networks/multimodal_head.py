"""A head that knows more than one picture."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Interval, Lt

from skinfw import Modalities
from skinfw_networks.layers import last_linear

if TYPE_CHECKING:
    from torch import nn


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
        from torch import nn

        from skinfw_networks.fusion import Fusion, MetadataFeatures

        holder, own, linear = last_linear(model, "features are what flows into it")
        setattr(holder, own, nn.Identity())
        known = self.modalities
        trunks = [model, *(deepcopy(model) for _ in range(known.pictures - 1))]
        metadata = None
        if known.metadata:
            categories = [len(values) for values in known.categories.values()]
            metadata = MetadataFeatures(len(known.numbers), categories, self.width, self.hide)
        outputs = len(self.classes) + sum(map(len, known.auxiliary.values()))
        return Fusion(trunks, linear.in_features, metadata, outputs, self.dropout, known)
