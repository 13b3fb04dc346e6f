"""Where in images the evidence for the predicted class is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from skinfw.data.preparation import make_view, recipe_decoding
from skinfw.errors import SkinfwError
from skinfw.guards.tensors import check_maps, unchanged_network
from skinfw.inference.prediction import Picture, image_views
from skinfw.inference.torch_model import TorchPredictor
from skinfw.recipe.component import PlannedComponent


def predicted_class_maps(
    predictor: TorchPredictor,
    component: PlannedComponent[Any],
    images: Sequence[Picture],
    probabilities: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Return maps [N, H, W] in [0, 1] of the first view of each image.

    component: the explainer.
    images: paths or pixels.
    probabilities: [N, C]; a row of NaN is an image that cannot be used, and its map is black.
    """
    trained_model, explainer = predictor.trained_model, component.make()
    size = trained_model.image.size
    view = make_view(trained_model.view, size)
    how = recipe_decoding(trained_model.image, trained_model.components("prepare"))
    maps = np.zeros((len(images), size, size), np.float32)
    for place, image in enumerate(images):
        views = image_views(image, view, how)
        if isinstance(views, SkinfwError) or np.isnan(probabilities[place, 0]):
            continue
        pixels = predictor.normalise(torch.from_numpy(views[:1]))
        wanted = torch.tensor([int(probabilities[place].argmax())], device=pixels.device)
        with component.guard(explainer), unchanged_network(predictor.model):
            maps[place] = check_maps(explainer(predictor.model, pixels, wanted), (1, size, size))[0]
    return maps
