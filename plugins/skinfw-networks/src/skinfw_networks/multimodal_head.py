"""The multimodal head in a network."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

import torch
from torch import nn

from skinfw import Modalities
from skinfw_networks.layers import last_linear

if TYPE_CHECKING:
    from skinfw_networks.components import MultimodalHead

EMBEDDING = 8


def fuse(model: nn.Module, component: MultimodalHead) -> nn.Module:
    """Give every picture a trunk, and replace the last linear layer by one over all features.

    model: the trunk with that layer.
    Raises SkinfwError where the network does not end in a linear layer.
    """
    holder, own, linear = last_linear(model, "features are what flows into it")
    setattr(holder, own, nn.Identity())
    known = component.modalities
    trunks = [model, *(deepcopy(model) for _ in range(known.pictures - 1))]
    metadata = None
    if known.metadata:
        categories = [len(values) for values in known.categories.values()]
        metadata = MetadataFeatures(len(known.numbers), categories, component.width, component.hide)
    outputs = len(component.classes) + sum(map(len, known.auxiliary.values()))
    return Fusion(trunks, linear.in_features, metadata, outputs, component.dropout, known)


class MetadataFeatures(nn.Module):
    """Turn numbers and categories, of which some are missing, into features."""

    def __init__(self, numbers: int, categories: Sequence[int], width: int, hide: float) -> None:
        """Build the layers.

        numbers: how many there are.
        categories: how many values each one has.
        width: features that come out.
        hide: share of the values that are hidden in training.
        """
        super().__init__()
        self.hide, self.numbers = hide, numbers
        self.absent = nn.Parameter(torch.zeros(numbers))
        # The last row stands for a missing value.
        self.words = nn.ModuleList(nn.Embedding(values + 1, EMBEDDING) for values in categories)
        inputs = numbers + EMBEDDING * len(categories)
        self.mixing = nn.Sequential(
            nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.width = width

    def forward(self, metadata: torch.Tensor) -> torch.Tensor:
        """Return [N, width] of metadata [N, K], whose missing values are NaN."""
        if self.training and self.hide:
            hidden = torch.rand_like(metadata) < self.hide
            metadata = metadata.masked_fill(hidden, torch.nan)
        missing = metadata.isnan()
        numbers = torch.where(missing, 0, metadata)[:, : self.numbers]
        parts = [torch.where(missing[:, : self.numbers], self.absent, numbers)]
        for place, words in enumerate(self.words, self.numbers):
            assert isinstance(words, nn.Embedding)
            last = words.num_embeddings - 1
            parts.append(words(metadata[:, place].nan_to_num(last).long()))
        features: torch.Tensor = self.mixing(torch.cat(parts, 1))
        return features


class Fusion(nn.Module):
    """Join the features of several pictures and of metadata before one linear layer."""

    def __init__(
        self,
        trunks: Sequence[nn.Module],
        features: int,
        metadata: MetadataFeatures | None,
        outputs: int,
        dropout: float,
        modalities: Modalities,
    ) -> None:
        """Take the trunks, one for each picture.

        features: of each trunk.
        outputs: logits.
        """
        super().__init__()
        self.trunks, self.metadata = nn.ModuleList(trunks), metadata
        self.dropout = nn.Dropout(dropout)
        joined = features * len(trunks) + (metadata.width if metadata else 0)
        self.head = nn.Linear(joined, outputs)
        nn.init.trunc_normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.modalities = modalities
        self.backbone_layer = "trunks.0"
        self.cam_layer = f"trunks.0.{trunks[0].cam_layer}"
        if hasattr(trunks[0], "normalisation"):
            self.normalisation = trunks[0].normalisation

    def forward(self, images: torch.Tensor, metadata: torch.Tensor | None = None) -> torch.Tensor:
        """Return the logits of the classes, and behind them those of the auxiliary outputs.

        images: [N, 3 * P, H, W], the channels of P pictures.
        metadata: [N, K], NaN where a value is missing; None where all of them are.
        """
        pictures = images.chunk(len(self.trunks), 1)
        parts = [trunk(picture) for trunk, picture in zip(self.trunks, pictures, strict=True)]
        if self.metadata:
            if metadata is None:
                shape = (len(images), len(self.modalities.metadata))
                metadata = torch.full(shape, torch.nan, device=images.device)
            parts.append(self.metadata(metadata))
        logits: torch.Tensor = self.head(self.dropout(torch.cat(parts, 1)))
        return logits
