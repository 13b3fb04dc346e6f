"""Choose images, and ask an explainer for their maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from skinfw.contracts import Explanations, Predictions
from skinfw.engine.data import EvalImages, Loader
from skinfw.engine.device import Hardware
from skinfw.engine.seed import stream
from skinfw.errors import SkinfwError
from skinfw.targets import Planned

BATCH = 32


def explain(
    planned: Planned,
    explainer: Any,
    model: torch.nn.Module,
    images: EvalImages,
    predictions: Predictions,
    hardware: Hardware,
    seed: int,
) -> Explanations:
    """Return maps of some images, spread over the classes.

    images: of the part that was predicted, in the same order.
    predictions: of that part.
    """
    chosen = choose(predictions, planned.host["images"], seed)
    predictions = take(predictions, chosen)
    target = planned.host["target"]
    classes = predictions.predicted if target == "predicted" else predictions.true
    cut = [chosen[start : start + BATCH] for start in range(0, len(chosen), BATCH)]
    normalise = hardware.normaliser(model)
    model.eval()
    pictures, maps, done = [], [], 0
    for views, _ in Loader(images, hardware).load(cut):
        first = views[:, 0]
        wanted = torch.from_numpy(classes[done : done + len(first)]).to(hardware.device)
        with planned.guard():
            found = explainer(model, normalise(first), wanted)
            found = np.asarray(found.detach().float().cpu().numpy(), np.float32)
        size = (len(first), *first.shape[1:3])
        if found.shape != size or not ((found >= 0) & (found <= 1)).all():
            raise SkinfwError(
                f"{planned.found.label} returned maps of shape {found.shape}",
                planned.origin.text,
                f"maps are {size}, values in [0, 1]",
                f"report it to {planned.found.plugin.distribution}",
            )
        pictures.append(first.numpy())
        maps.append(found)
        done += len(first)
    return Explanations(
        planned.use, target, predictions, np.concatenate(pictures), np.concatenate(maps)
    )


def choose(predictions: Predictions, count: int, seed: int) -> list[int]:
    """Return positions of images to explain: every class in turn, at random within a class."""
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
    return sorted(chosen, key=lambda index: (predictions.true[index], index))


def take(predictions: Predictions, chosen: list[int]) -> Predictions:
    """Return the predictions of some images.

    chosen: their positions.
    """
    return Predictions(
        [predictions.ids[i] for i in chosen],
        [predictions.lesions[i] for i in chosen],
        predictions.true[chosen],
        predictions.probabilities[chosen],
        predictions.classes,
    )
