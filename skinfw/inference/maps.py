"""Where in images the evidence for a class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from skinfw.errors import SkinfwError
from skinfw.evaluation.explain import with_metadata
from skinfw.files.paths import display_path
from skinfw.guards.tensors import check_maps, unchanged_network
from skinfw.inference.prediction import Case, CasePreparation
from skinfw.inference.torch_model import TorchPredictor
from skinfw.inference.trained_model import TrainedModel
from skinfw.interfaces.protocols import CheckingExplainer
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.named_component import named_component

NOTHING = -1
"""Instead of the place of a class: there is none to explain."""


def run_explainers(trained_model: TrainedModel, otherwise: str) -> list[PlannedComponent[Any]]:
    """Return the explainers of a run's recipe.

    otherwise: the explainer where it names none.
    """
    own = trained_model.components("explainer")
    where = display_path(trained_model.path)
    return own or [named_explainer(trained_model, otherwise, where)]


def named_explainer(
    trained_model: TrainedModel, use: str, where: str, layer: str = ""
) -> PlannedComponent[Any]:
    """Return an explainer of a trained model, with the parameters of its recipe where it names it.

    use: its name, as in a recipe.
    where: who names it, for messages.
    layer: of its network, instead of the one that it would look at; empty for that one.
    Raises RecipeError where there is no such explainer, or it looks at no layer.
    """
    own = next((one for one in trained_model.components("explainer") if one.use == use), None)
    if own and not layer:
        return own
    table = {**(own.table() if own else {"use": use}), **({"layer": layer} if layer else {})}
    return named_component("explainer", table, where, trained_model.trust, trained_model.classes)


def check_explainer(predictor: TorchPredictor, component: PlannedComponent[Any]) -> None:
    """Raise RecipeError where an explainer does not fit the network, or one of an ensemble.

    component: the explainer.
    """
    for member in predictor.members:
        check_explainer(member, member_explainer(member.trained_model, component))
    explainer = component.make()
    if not predictor.members and isinstance(explainer, CheckingExplainer):
        with component.guard(explainer.check), unchanged_network(predictor.model):
            explainer.check(predictor.model)


def predicted_class_maps(
    predictor: TorchPredictor,
    component: PlannedComponent[Any],
    cases: Sequence[Case],
    probabilities: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Return maps [N, H, W] in [0, 1] of the first view of each image, for its predicted class.

    component: the explainer.
    cases: of several pictures the first is explained.
    probabilities: [N, C]; a row of NaN is an image that cannot be used, and its map is black.
    """
    classes = np.array(
        [NOTHING if np.isnan(row[0]) else int(row.argmax()) for row in probabilities], np.int64
    )
    return class_maps(predictor, component, cases, classes)


def class_maps(
    predictor: TorchPredictor,
    component: PlannedComponent[Any],
    cases: Sequence[Case],
    classes: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Return maps [N, H, W] in [0, 1] of the first view of each image.

    component: the explainer.
    cases: of several pictures the first is explained.
    classes: int [N], the place of the class to explain; `NOTHING` where the map stays black.
    """
    if predictor.members:
        return _mean_maps(predictor, component, cases, classes)
    trained_model, explainer = predictor.trained_model, component.make()
    size = trained_model.image.size
    prepare = CasePreparation(trained_model)
    maps = np.zeros((len(cases), size, size), np.float32)
    for place, case in enumerate(cases):
        prepared = prepare(case)
        if isinstance(prepared, SkinfwError) or classes[place] == NOTHING:
            continue
        pixels = predictor.normalise(torch.from_numpy(prepared.views[:1]))
        known = [torch.from_numpy(prepared.metadata[None]).to(pixels.device)]
        model = with_metadata(predictor.model, known if trained_model.known.metadata else ())
        wanted = torch.tensor([int(classes[place])], device=pixels.device)
        with component.guard(explainer), unchanged_network(predictor.model):
            maps[place] = check_maps(explainer(model, pixels, wanted), (1, size, size))[0]
    return maps


def _mean_maps(
    predictor: TorchPredictor,
    component: PlannedComponent[Any],
    cases: Sequence[Case],
    classes: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Return the mean maps of the members of an ensemble, each by its own explainer."""
    maps = []
    for member in predictor.members:
        own = member_explainer(member.trained_model, component)
        maps.append(class_maps(member, own, cases, classes))
    model = predictor.trained_model
    return average_maps(maps, model.combination.weights, model.image.size)


def member_explainer(
    member: TrainedModel, component: PlannedComponent[Any]
) -> PlannedComponent[Any]:
    """Return a member's explainer of the same name, since its layers are its network's own.

    component: the explainer of the ensemble.
    """
    own = member.components("explainer")
    return next((one for one in own if one.use == component.use), component)


def average_maps(
    maps: Sequence[npt.NDArray[np.float32]], weights: Sequence[float], size: int
) -> npt.NDArray[np.float32]:
    """Return the weighted mean of the maps of several networks, scaled so that its largest is 1.

    maps: [N, H, W] of each network, each of its own size.
    weights: of the networks.
    size: side of the mean maps.
    """
    mean = np.zeros((len(maps[0]), size, size), np.float32)
    for weight, own in zip(weights, maps, strict=True):
        for place, one in enumerate(own):
            alike = one.shape == (size, size)
            mean[place] += weight * (one if alike else cv2.resize(one, (size, size)))
    highest = mean.max(axis=(1, 2), keepdims=True)
    return np.asarray(mean / np.maximum(highest, np.finfo(np.float32).tiny), np.float32)
