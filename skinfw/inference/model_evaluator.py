"""Evaluate images of any data set with the network of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from skinfw.data.diagnoses import align
from skinfw.data.loader import EvalImages, Source, labels_of
from skinfw.data.preparation import make_view, recipe_decoding
from skinfw.data.table import image_function, mask_function, read_data_table
from skinfw.errors import RecipeError, raise_all
from skinfw.evaluation.changed_images import ChangedImages, predict_changed
from skinfw.evaluation.evaluator import Evaluator
from skinfw.evaluation.numbers import compute_intervals, compute_metrics
from skinfw.guards.answers import check_mask
from skinfw.inference.torch_model import choose_model_hardware, load_network
from skinfw.inference.trained_model import TrainedModel
from skinfw.interfaces.kinds import KINDS
from skinfw.interfaces.protocols import Dataset
from skinfw.interfaces.values import UNKNOWN, Change, Features, Predictions
from skinfw.models.features import penultimate_features
from skinfw.models.input_pipeline import PixelPipeline
from skinfw.models.modalities import ModalityData, modalities_from_record
from skinfw.recipe.component import build_components, plan_component
from skinfw.recipe.places import Origin
from skinfw.registry.catalog import Catalog
from skinfw.runtime.device import Hardware
from skinfw.statistics.intervals import REPLICATES, Interval, add_unknown_class


@dataclass(frozen=True)
class ModelEvaluator:
    """Ask a trained network about images whose labels are known.

    trained_model: of a run folder.
    """

    trained_model: TrainedModel

    def predict(self, rows: pd.DataFrame, dataset: Dataset) -> Predictions:
        """Return what the network says of some images.

        rows: a table with columns id, path, label, lesion, and what the network gets beside; every
            label is one of its classes, or UNK, which then is a last class without probability.
        dataset: the object that made the table.
        """
        evaluator = Evaluator(
            rows,
            PixelPipeline(self._images(rows, dataset), self._hardware),
            self.trained_model.classes,
            None,
            self.trained_model.batch_size,
            self._hardware,
            self.trained_model.view_averaging,
            self._modality_data(rows),
        )
        predictions = evaluator.predict(self._network)
        return add_unknown_class(predictions) if (rows["label"] == UNKNOWN).any() else predictions

    def features(self, rows: pd.DataFrame, dataset: Dataset) -> Features:
        """Return what the last layer of the network gets and gives for some images.

        rows, dataset: as for `predict`.
        """
        return penultimate_features(
            self._network,
            self._images(rows, dataset, first=True),
            self._modality_data(rows),
            len(self.trained_model.classes),
            self.trained_model.batch_size,
            self._hardware,
        )

    def predict_changed(
        self,
        rows: pd.DataFrame,
        dataset: Dataset,
        places: Sequence[int],
        change: Change,
        *,
        views: str = "first",
    ) -> npt.NDArray[np.float64]:
        """Return what the network says of images whose pixels are changed, [M, K, C].

        rows, dataset: as for `predict`.
        places, change, views: as for `Result.predict_changed`.
        """
        mask = mask_function(dataset)
        shown = ChangedImages(
            self._images(rows, dataset, first=views == "first"),
            (lambda path: check_mask(mask(path))) if mask else None,
            change,
        )
        return predict_changed(
            self._network,
            shown,
            places,
            len(self.trained_model.classes),
            self.trained_model.batch_size,
            self._hardware,
            self.trained_model.view_averaging,
            self._modality_data(rows),
        )

    @cached_property
    def _hardware(self) -> Hardware:
        return choose_model_hardware(self.trained_model)

    @cached_property
    def _network(self) -> torch.nn.Module:
        return load_network(self.trained_model, self._hardware)

    def _images(self, rows: pd.DataFrame, dataset: Dataset, first: bool = False) -> EvalImages:
        how = recipe_decoding(self.trained_model.image, self.trained_model.components("prepare"))
        pictures = self.trained_model.tables.get("modalities", {}).get("pictures", ())
        source = Source.of(rows, image_function(dataset), how, pictures=pictures)
        classes = self.trained_model.classes
        labels = labels_of(rows, classes if UNKNOWN in classes else (*classes, UNKNOWN))
        view = make_view(self.trained_model.view, self.trained_model.image.size)
        return EvalImages(source, labels, view, first)

    def _modality_data(self, rows: pd.DataFrame) -> ModalityData:
        return ModalityData(
            modalities_from_record(self.trained_model.modalities), 1.0, rows, self._hardware.device
        )


def evaluate_dataset(
    trained_model: TrainedModel, tables: Mapping[str, Any]
) -> tuple[Predictions, dict[str, float], dict[str, Interval]]:
    """Evaluate all images of a data set with the metrics of the run.

    tables: a recipe's [dataset] table.
    Returns predictions, numbers, and their intervals over lesions.
    """
    origin = Origin("the arguments: dataset", Path.cwd())
    component, complaints = plan_component(
        KINDS["dataset"], ("dataset",), tables, origin, origin.text, Catalog(), None
    )
    raise_all([RecipeError(f"{own.keys[0]} {own.text}", origin.text) for own in complaints])
    assert component  # there is one where nothing is complained of
    dataset = component.make()
    rows = read_data_table(component, dataset).rows
    alignment = align(rows, trained_model.classes, {})
    if unknown := [name for name, own in alignment.answers.items() if len(own) != 1]:
        raise RecipeError(
            f"the network has no class {', '.join(unknown)}",
            origin.text,
            f"its classes are {', '.join(trained_model.classes)}",
            "skinfw evaluate RUN --map LABEL=CLASS calls labels by the network's classes",
        )
    rows["label"] = alignment.labels.map({name: own[0] for name, own in alignment.answers.items()})
    predictions = ModelEvaluator(trained_model).predict(rows, dataset)
    metrics = build_components(trained_model.components("metric"), trained_model.classes)
    seed = int(trained_model.tables.get("seed", 0))
    return (
        predictions,
        compute_metrics(metrics, predictions),
        compute_intervals(metrics, predictions, REPLICATES, seed),
    )
