"""Choose images, and ask an explainer for their maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from skinfw.data.loader import EvalImages, Loader
from skinfw.guards.tensors import check_maps, unchanged_network
from skinfw.interfaces.protocols import Explainer
from skinfw.interfaces.values import Explanations, Predictions
from skinfw.models.modalities import ModalityData
from skinfw.recipe.component import PlannedComponent
from skinfw.runtime.device import Hardware
from skinfw.runtime.seed import stream
from skinfw.statistics.intervals import select

BATCH = 32


def explain(
    component: PlannedComponent[Explainer],
    explainer: Explainer,
    model: torch.nn.Module,
    images: EvalImages,
    predictions: Predictions,
    hardware: Hardware,
    seed: int,
    modalities: ModalityData,
) -> Explanations:
    """Return maps of some images, and of the most confident mistakes.

    images: of the part that was predicted, in the same order; of several pictures the first is
        explained.
    predictions: of that part.
    modalities: what is known of the part beside its images.
    """
    host = component.host
    chosen = choose_images(predictions, host["images"], host["mistakes"], seed, host["order"])
    predictions = select(predictions, np.array(chosen, int))
    explains = host["explains"]
    classes = predictions.predicted if explains == "predicted" else predictions.true
    cut = [chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)]
    normalise = hardware.normaliser(model)
    model.eval()
    pictures, maps, done = [], [], 0
    for views, _, rows in Loader(images, hardware).load(cut):
        first = views[:, 0]
        looking = with_metadata(model, modalities.inputs(rows))
        wanted = torch.from_numpy(classes[done : done + len(first)]).to(hardware.device)
        shown = first if first.ndim == 4 else first[:, 0]
        with component.guard(explainer), unchanged_network(model):
            own_maps = check_maps(
                explainer(looking, normalise(first), wanted), tuple(shown.shape[:3])
            )
        pictures.append(shown.numpy())
        maps.append(own_maps)
        done += len(first)
    found = np.concatenate(pictures), np.concatenate(maps)
    return Explanations(component.use, explains, predictions, *found, order=host["order"])


class _WithMetadata(torch.nn.Module):
    """Stand for a network that looks at images whose metadata are known."""

    def __init__(self, model: torch.nn.Module, metadata: torch.Tensor) -> None:
        super().__init__()
        self.model, self._metadata = model, metadata

    def forward(self, images: torch.Tensor) -> Any:
        # Explainers ask about several versions of all images, one batch behind the other.
        versions = len(images) // len(self._metadata)
        return self.model(images, self._metadata.repeat(versions, 1))

    def get_submodule(self, target: str) -> torch.nn.Module:
        return self.model.get_submodule(target)

    def __getattr__(self, name: str) -> Any:
        own = super().__getattr__("model")
        return own if name == "model" else getattr(own, name)


def with_metadata(model: torch.nn.Module, known: Sequence[torch.Tensor]) -> torch.nn.Module:
    """Return a network of images alone, to which the metadata of these images are known.

    It takes the images, or several versions of all of them, one batch behind the other.

    known: nothing, or the metadata [N, K].
    """
    return _WithMetadata(model, *known).eval() if known else model


def choose_images(
    predictions: Predictions,
    count: int,
    mistakes: int,
    seed: int,
    order: Literal["spread", "first"] = "spread",
) -> list[int]:
    """Return positions of images to explain.

    count: how many are taken, before mistakes.
    mistakes: how many are wrong and most confident; some may be among the others.
    order: "spread" takes from every class in turn, at random within a class, and orders all by
        class; "first" takes the first ones, and behind them the mistakes that are not among them.
    """
    wrong = np.flatnonzero(predictions.predicted != predictions.true)
    sure = predictions.probabilities.max(1)[wrong]
    worst = wrong[np.argsort(-sure, kind="stable")][:mistakes].tolist()
    if order == "first":
        return list(dict.fromkeys([*range(min(count, len(predictions.ids))), *worst]))
    chosen = {*_spread(predictions, count, seed), *worst}
    return sorted(chosen, key=lambda index: (predictions.true[index], index))


def _spread(predictions: Predictions, count: int, seed: int) -> list[int]:
    """Return positions of so many images, taken from every class in turn."""
    rng = stream(seed, "explain")
    turns = [
        list(rng.permutation(np.flatnonzero(predictions.true == label)))
        for label in range(len(predictions.classes))
    ]
    chosen: list[int] = []
    while len(chosen) < count and any(turns):
        for turn in turns:
            if turn and len(chosen) < count:
                chosen.append(int(turn.pop()))
    return chosen
