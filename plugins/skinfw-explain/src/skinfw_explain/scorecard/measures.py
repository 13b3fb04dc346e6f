"""The measures of the scorecard, and what each explainer gets for each image."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from skinfw import InspectedImages, Predictions, concatenate
from skinfw.metrics import mean_of_measured
from skinfw_explain.scorecard import location
from skinfw_explain.scorecard.ranks import rank_correlation

if TYPE_CHECKING:
    from torch import Tensor

    from skinfw import Explainer
    from skinfw_explain.scorecard.faithfulness import Ask

Floats = npt.NDArray[np.floating[Any]]
Values = dict[str, npt.NDArray[np.float64]]
"""By the name of a measure, a value for each image; NaN where it is not measured."""


@dataclass(frozen=True)
class Measure:
    """Say what a measure is.

    name: its name in numbers.md.
    better: whether a map is better the "higher" or the "lower" it is; empty where neither is.
    of_lesion: whether it needs to know where the lesion is.
    compared: whether the centred Gaussian is a rival in it; a map that does not look at the image
        is perfectly stable and never changes with the network.
    """

    name: str
    better: Literal["higher", "lower", ""]
    of_lesion: bool = False
    compared: bool = False


MEASURES = (
    Measure("pointing", "higher", of_lesion=True, compared=True),
    Measure("energy_in_lesion", "higher", of_lesion=True, compared=True),
    Measure("rank_in_lesion", "higher", of_lesion=True, compared=True),
    Measure("energy_at_border", "", of_lesion=True),
    Measure("energy_at_corners", "lower"),
    Measure("deletion_auc", "lower", compared=True),
    Measure("insertion_auc", "higher", compared=True),
    Measure("road", "higher", compared=True),
    Measure("randomised_correlation", "lower"),
    Measure("stability", "higher"),
)
LOCATIONS = tuple(own.name for own in MEASURES[:5])
PROBES = tuple(own.name for own in MEASURES[5:])
"""The measures of maps as they are, and those that change images or the network."""

CHOOSING = Measure("insertion_less_deletion", "higher", compared=True)
"""What chooses a layer where the lesion is not known."""

RATE = "pointing"
"""The measure that says yes or no of each image."""

BY_NAME = {own.name: own for own in (*MEASURES, CHOOSING)}


@dataclass(frozen=True)
class Measurements:
    """Hold what was measured of some images.

    predictions: of these images.
    values: by explainer.
    seconds: by explainer, what the map of an image took.
    masks: of how many images the lesion is known.
    """

    predictions: Predictions
    values: Mapping[str, Values]
    seconds: Mapping[str, float]
    masks: int

    @property
    def probed(self) -> int:
        """How many images got every measure."""
        own = next(iter(self.values.values()))
        return int((~np.isnan(own["road"])).sum())

    def black(self, explainer: str) -> int:
        """Return how many maps of an explainer are black."""
        return int(np.isnan(self.values[explainer]["energy_at_corners"]).sum())


def measure_explainers(
    probed: Iterable[InspectedImages],
    others: Iterable[InspectedImages],
    explainers: Mapping[str, Explainer],
    explains: Literal["predicted", "true"] = "predicted",
) -> Measurements:
    """Measure explainers on images, for the predicted or the true class of each.

    probed: images with the network, which get every measure.
    others: further images, of whose maps only the place is measured.
    explainers: by name.
    """
    predictions: list[Predictions] = []
    values: dict[str, list[Values]] = {name: [] for name in explainers}
    seconds = dict.fromkeys(explainers, 0.0)
    masks = 0
    both = chain(((own, True) for own in probed), ((own, False) for own in others))
    for batch, probes in both:
        shown = ShownBatch(batch, explains)
        maps = {}
        for name, explainer in explainers.items():
            start = time.perf_counter()
            maps[name] = shown.maps(explainer)
            seconds[name] += time.perf_counter() - start
        own = probe(shown, explainers, maps) if probes else {name: {} for name in explainers}
        unknown = np.full(len(batch.pixels), math.nan)
        for name in explainers:
            known = location_values(maps[name], batch) | own[name]
            values[name].append({one.name: known.get(one.name, unknown) for one in MEASURES})
        predictions.append(batch.predictions)
        masks += sum(location.is_known(lesion) for lesion in batch.lesions)
    every = concatenate(predictions)
    joined = {
        name: {one.name: np.concatenate([own[one.name] for own in parts]) for one in MEASURES}
        for name, parts in values.items()
    }
    each = {name: own / len(every.ids) for name, own in seconds.items()}
    return Measurements(every, joined, each, masks)


def probe(
    shown: ShownBatch, explainers: Mapping[str, Explainer], maps: Mapping[str, Floats]
) -> dict[str, Values]:
    """Return what changed images and changed networks tell of each explainer.

    maps: of the images and the network as they are.
    """
    changes = randomised_correlations(shown, explainers, maps)
    return {
        name: faithfulness_values(shown, maps[name])
        | {
            "randomised_correlation": changes[name],
            "stability": shown.stability(explainer, maps[name]),
        }
        for name, explainer in explainers.items()
    }


def location_values(maps: Floats, batch: InspectedImages) -> Values:
    """Return where maps lie; what needs the lesion is NaN where it is not known or not in view.

    maps: [N, H, W].
    """
    known = np.array([location.is_known(own) for own in batch.lesions])
    values = {own.name: np.full(len(maps), math.nan) for own in MEASURES if own.of_lesion}
    if known.any():
        lesions = np.stack([own for own in batch.lesions if own is not None and own.any()])
        own = maps[known]
        values["pointing"][known] = location.pointing(own, lesions)
        values["energy_in_lesion"][known] = location.energy(own, lesions)
        values["rank_in_lesion"][known] = location.rank(own, lesions)
        values["energy_at_border"][known] = location.energy(own, location.border_bands(lesions))
    values["energy_at_corners"] = location.energy(maps, location.corners(*maps.shape[1:]))
    return values


def faithfulness_values(shown: ShownBatch, maps: Floats) -> Values:
    """Return whether the network answers by the pixels that maps are high at.

    maps: [N, H, W].
    """
    import torch

    from skinfw_explain.scorecard import faithfulness

    heat = torch.from_numpy(maps).to(shown.images.device)
    return {
        name: measure(shown.ask, shown.images, heat).double().cpu().numpy()
        for name, measure in (
            ("deletion_auc", faithfulness.deletion),
            ("insertion_auc", faithfulness.insertion),
            ("road", faithfulness.road),
        )
    }


def randomised_correlations(
    shown: ShownBatch, explainers: Mapping[str, Explainer], maps: Mapping[str, Floats]
) -> Values:
    """Return how alike maps stay as the network forgets, the mean over its stages, by explainer.

    A stage after which the map is black does not count.

    maps: of the network as it is.
    """
    from skinfw_explain.scorecard.randomisation import randomised

    alike: dict[str, list[Floats]] = {name: [] for name in explainers}
    for model in randomised(shown.batch.model):
        for name, explainer in explainers.items():
            alike[name].append(rank_correlation(maps[name], shown.maps(explainer, model)))
    return {name: mean_of_measured(np.stack(own)).astype(np.float64) for name, own in alike.items()}


class ShownBatch:
    """Hold a batch as tensors, and ask explainers and the network about it.

    images: float [N, 3, H, W] in [0, 1].
    inputs: what the network gets of them.
    classes: int64 [N], those that are explained.
    """

    def __init__(self, batch: InspectedImages, explains: Literal["predicted", "true"]) -> None:
        """Make the tensors of a batch."""
        import torch

        self.batch = batch
        pixels = torch.from_numpy(batch.pixels.copy())
        self.images = pixels.permute(0, 3, 1, 2).float() / 255
        classes = batch.predictions.predicted if explains == "predicted" else batch.predictions.true
        self.inputs = batch.to_input(pixels)
        self.classes = torch.from_numpy(classes.astype(np.int64)).to(self.inputs.device)

    def maps(self, explainer: Explainer, model: Any = None) -> Floats:
        """Return the maps of the images as they are, float32 [N, H, W]."""
        found = explainer(model or self.batch.model, self.inputs, self.classes)
        return np.asarray(found.detach().float().cpu().numpy())

    @property
    def ask(self) -> Ask:
        """The probability of the explained class of images [N, 3, H, W] in [0, 1]."""
        import torch

        count = len(self.batch.predictions.classes)

        @torch.no_grad()
        def probability(images: Tensor) -> Tensor:
            logits = self.batch.model(self._inputs(images))
            chances: Tensor = logits[:, :count].float().softmax(1)
            return chances.gather(1, self.classes[:, None])[:, 0]

        return probability

    def stability(self, explainer: Explainer, maps: Floats) -> npt.NDArray[np.float64]:
        """Return whether maps follow the images."""
        from skinfw_explain.scorecard.stability import stability

        def explain(images: Tensor) -> Tensor:
            return explainer(self.batch.model, self._inputs(images), self.classes).detach().float()

        return stability(explain, self.images, maps)

    def _inputs(self, images: Tensor) -> Tensor:
        """Return what the network gets of images, in whole steps of 255 as files have them."""
        return self.batch.to_input((255 * images).round().permute(0, 2, 3, 1))


def compared_measures(masks: bool) -> Iterator[Measure]:
    """Yield the measures in which explainers are compared with the centred Gaussian.

    masks: whether the lesion is known.
    """
    yield from (own for own in MEASURES if own.compared and (masks or not own.of_lesion))
