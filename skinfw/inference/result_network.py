"""What of a result asks the network once more, for reports about a finished run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skinfw.evaluation.choices import explainers_by_name
from skinfw.inference.model_evaluator import ModelEvaluator
from skinfw.interfaces.protocols import Dataset
from skinfw.interfaces.values import Change, InspectedImages, Result
from skinfw.recipe.component import build_components


def with_network(
    result: Result,
    evaluator: ModelEvaluator,
    labelled: Callable[[str], tuple[pd.DataFrame, Dataset]],
) -> Result:
    """Return a result whose reports can ask the network once more.

    evaluator: of the network, or of an ensemble, which nobody can look into.
    labelled: returns the rows of a part, and the data set that they are of.
    """
    model = evaluator.trained_model

    def predict_changed(
        part: str, places: Sequence[int], change: Change, *, views: str = "first"
    ) -> npt.NDArray[np.float64]:
        return evaluator.predict_changed(*labelled(part), places, change, views=views)

    def inspect(part: str, places: Sequence[int]) -> Iterator[InspectedImages]:
        return evaluator.inspect(*labelled(part), result.predictions[part], places)

    inside: dict[str, Any] = {}
    if not model.members:
        explainers = build_components(model.components("explainer"), model.classes)
        inside = {"inspect": inspect, "explainers": explainers_by_name(explainers)}
    return replace(
        result,
        features=lambda part, places=None: evaluator.features(*labelled(part), places),
        images=lambda part, places: evaluator.images(*labelled(part), places),
        predict_changed=predict_changed,
        **inside,
    )
