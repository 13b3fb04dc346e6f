"""Choose the layer of an explainer by its scores on validation images: `layer = "auto"`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from skinfw import (
    Cell,
    Estimate,
    ExplainerChoice,
    FindingsTable,
    InspectedImages,
    concatenate,
)
from skinfw_explain.layers import MapLayer, candidate_layers
from skinfw_explain.scorecard import location
from skinfw_explain.scorecard.findings import compare_with_gaussian
from skinfw_explain.scorecard.measures import BY_NAME, ShownBatch, Values, location_values
from skinfw_explain.scorecard.numbers import ALL, BEYOND, GAUSSIAN, Scores, score_estimates

if TYPE_CHECKING:
    from skinfw import Explainer

_LEAST_MASKS = 10
"""Images whose lesion must be known; with fewer the network's answers choose."""
_REPLICATES = 1000


def choose_layer(
    make: Callable[[str], Explainer], batches: Sequence[InspectedImages]
) -> ExplainerChoice:
    """Return the layer whose maps score best on validation images, for the predicted classes.

    make: builds the explainer for a layer.
    batches: validation images.
    The candidates are those of `candidate_layers`. Where the lesion is known of ten images, the
    layer with the most energy in the lesion is chosen; otherwise the one with the largest insertion
    less deletion AUC. Of equals the later one is chosen.
    """
    from skinfw_explain.baselines import CentredGaussian

    shown = [ShownBatch(batch, "predicted") for batch in batches]
    layers = candidate_layers(batches[0].model, shown[0].inputs)
    explainers = {own.name: make(own.name) for own in layers}
    explainers[GAUSSIAN] = CentredGaussian()
    known = sum(location.is_known(own) for batch in batches for own in batch.lesions)
    by_masks = known >= _LEAST_MASKS
    values = {
        layer: _join([_values(own, explainer, by_masks) for own in shown])
        for layer, explainer in explainers.items()
    }
    predictions = concatenate([batch.predictions for batch in batches])
    numbers = score_estimates(Scores(values), predictions, _REPLICATES, 0)
    measure = "energy_in_lesion" if by_masks else "insertion_less_deletion"
    best = max(reversed(layers), key=lambda own: numbers[f"{measure}/{own.name}/{ALL}"].value)
    return ExplainerChoice(
        {"layer": best.name},
        _text(best, measure, numbers, len(predictions.ids)),
        _table(layers, numbers, by_masks),
    )


def _values(shown: ShownBatch, explainer: Explainer, by_masks: bool) -> Values:
    """Return the scores of a layer's maps of some images."""
    import torch

    from skinfw_explain.scorecard.faithfulness import deletion, insertion

    maps = shown.maps(explainer)
    if by_masks:
        own = location_values(maps, shown.batch)
        return {name: own[name] for name in ("energy_in_lesion", "pointing")}
    heat = torch.from_numpy(maps).to(shown.images.device)
    gap = insertion(shown.ask, shown.images, heat)
    gap = gap - deletion(shown.ask, shown.images, heat)
    return {"insertion_less_deletion": gap.double().cpu().numpy()}


def _join(parts: Sequence[Values]) -> Values:
    return {name: np.concatenate([own[name] for own in parts]) for name in parts[0]}


def _text(best: MapLayer, measure: str, numbers: dict[str, Estimate], images: int) -> list[str]:
    words = measure.replace("_", " ")
    own, gaussian = (numbers[f"{measure}/{one}/{ALL}"].value for one in (best.name, GAUSSIAN))
    gap = numbers[f"{BEYOND}/{measure}/{best.name}/{ALL}"]
    return [
        f"the layer {best.name} ({best.height}x{best.width}) is looked at, which has the best "
        f"{words} on {images:,} validation images, {own:.3f}.",
        f"a centred Gaussian has {gaussian:.3f}; the map "
        f"{compare_with_gaussian(gap, BY_NAME[measure].better)}.",
    ]


def _table(
    layers: Sequence[MapLayer], numbers: dict[str, Estimate], by_masks: bool
) -> FindingsTable:
    shown = ("energy_in_lesion", "pointing") if by_masks else ("insertion_less_deletion",)
    sizes = {own.name: f"{own.height}x{own.width}" for own in layers} | {GAUSSIAN: ""}
    rows: list[list[Cell]] = [
        [layer, size, *(numbers[f"{measure}/{layer}/{ALL}"] for measure in shown)]
        for layer, size in sizes.items()
    ]
    head = ["layer", "map", *(measure.replace("_", " ") for measure in shown)]
    return FindingsTable("layers that could be looked at, on validation images", head, rows)
