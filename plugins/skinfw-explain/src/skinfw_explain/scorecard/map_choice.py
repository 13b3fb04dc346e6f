"""Choose layers and methods of explainers by their scores on validation images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Candidate:
    """Hold a way to make maps that may be chosen.

    name: of its row in the table.
    size: of its maps before they are enlarged, in words.
    explainer: makes them.
    parameters: what is recorded where it is chosen.
    says: what is done where it is chosen.
    """

    name: str
    size: str
    explainer: Explainer
    parameters: dict[str, str]
    says: str


def choose_layer(
    make: Callable[[str], Explainer], batches: Sequence[InspectedImages]
) -> ExplainerChoice:
    """Return the layer whose maps score best on validation images, for the predicted classes.

    make: builds the explainer for a layer.
    batches: validation images.
    The candidates are those of `candidate_layers`; `choose_map` has the rule.
    """
    shown = [ShownBatch(batch, "predicted") for batch in batches]
    candidates = [
        Candidate(
            own.name, size, make(own.name), {"layer": own.name},
            f"the layer {own.name} ({size}) is looked at",
        )
        for own, size in map_layers(shown)
    ]  # fmt: skip
    return choose_map("layers that could be looked at", candidates, shown)


def map_layers(shown: Sequence[ShownBatch]) -> list[tuple[MapLayer, str]]:
    """Return the layers of a network that can be explained, and the sizes of their maps in words.

    shown: validation images.
    """
    layers = candidate_layers(shown[0].batch.model, shown[0].inputs)
    return [(own, f"{own.height}x{own.width}") for own in layers]


def choose_map(
    title: str, candidates: Sequence[Candidate], shown: Sequence[ShownBatch]
) -> ExplainerChoice:
    """Return the candidate whose maps score best.

    title: of the table of all candidates.
    candidates: the better of two equal ones last.
    shown: validation images.
    Where the lesion is known of ten images, the candidate with the most energy in the lesion is
    chosen; otherwise the one with the largest insertion less deletion AUC.
    """
    from skinfw_explain.baselines import CentredGaussian

    explainers = {own.name: own.explainer for own in candidates} | {GAUSSIAN: CentredGaussian()}
    known = sum(location.is_known(lesion) for own in shown for lesion in own.batch.lesions)
    by_masks = known >= _LEAST_MASKS
    values = {
        name: _join([_values(own, explainer, by_masks) for own in shown])
        for name, explainer in explainers.items()
    }
    predictions = concatenate([own.batch.predictions for own in shown])
    numbers = score_estimates(Scores(values), predictions, _REPLICATES, 0)
    measure = "energy_in_lesion" if by_masks else "insertion_less_deletion"
    scores = [numbers[f"{measure}/{own.name}/{ALL}"].value for own in candidates]
    # A map that is black throughout has no score.
    best = candidates[
        max(range(len(scores)), key=lambda at: (np.nan_to_num(scores[at], nan=-1), at))
    ]
    return ExplainerChoice(
        best.parameters,
        _text(best, measure, numbers, len(predictions.ids)),
        _table(title, candidates, numbers, by_masks),
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


def _text(best: Candidate, measure: str, numbers: dict[str, Estimate], images: int) -> list[str]:
    words = measure.replace("_", " ")
    own, gaussian = (numbers[f"{measure}/{one}/{ALL}"].value for one in (best.name, GAUSSIAN))
    gap = numbers[f"{BEYOND}/{measure}/{best.name}/{ALL}"]
    return [
        f"{best.says}, which has the best {words} on {images:,} validation images, {own:.3f}.",
        f"a centred Gaussian has {gaussian:.3f}; the map "
        f"{compare_with_gaussian(gap, BY_NAME[measure].better)}.",
    ]


def _table(
    title: str, candidates: Sequence[Candidate], numbers: dict[str, Estimate], by_masks: bool
) -> FindingsTable:
    shown = ("energy_in_lesion", "pointing") if by_masks else ("insertion_less_deletion",)
    sizes = {own.name: own.size for own in candidates} | {GAUSSIAN: ""}
    rows: list[list[Cell]] = [
        [name, size, *(numbers[f"{measure}/{name}/{ALL}"] for measure in shown)]
        for name, size in sizes.items()
    ]
    head = ["looked at", "map", *(measure.replace("_", " ") for measure in shown)]
    return FindingsTable(f"{title}, on validation images", head, rows)
