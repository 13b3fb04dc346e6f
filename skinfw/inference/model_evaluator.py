"""Evaluate images of any data set with the network of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from skinfw.data.diagnoses import align
from skinfw.data.loader import EvalImages, Source, labels_of
from skinfw.data.masks import mask_function
from skinfw.data.preparation import make_view, recipe_decoding
from skinfw.data.table import check_picture_columns, image_function, kept_part, read_data_table
from skinfw.errors import RecipeError, raise_all
from skinfw.evaluation.changed_images import ChangedImages, MaskFunction, predict_changed
from skinfw.evaluation.evaluator import Evaluator
from skinfw.evaluation.explain import explain
from skinfw.evaluation.inspection import inspect_images
from skinfw.evaluation.numbers import compute_intervals, compute_metrics
from skinfw.guards.answers import check_mask
from skinfw.inference.maps import average_maps, member_explainer
from skinfw.inference.torch_model import choose_model_hardware, load_network
from skinfw.inference.trained_model import TrainedModel
from skinfw.interfaces.kinds import KINDS
from skinfw.interfaces.protocols import Dataset, Explainer
from skinfw.interfaces.values import (
    UNKNOWN,
    Change,
    Explanations,
    Features,
    InspectedImages,
    Interval,
    Predictions,
)
from skinfw.models.batch_norm import recompute_statistics
from skinfw.models.features import penultimate_features
from skinfw.models.forward import in_batches
from skinfw.models.input_pipeline import PixelPipeline
from skinfw.models.modalities import ModalityData
from skinfw.recipe.component import PlannedComponent, build_components, plan_component
from skinfw.recipe.merging import merge_components
from skinfw.recipe.places import Keys, Origin
from skinfw.registry.catalog import Catalog
from skinfw.runtime.device import Hardware
from skinfw.statistics.intervals import REPLICATES, add_unknown_class


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
        predictions = self._predict_classes(rows, dataset)
        return add_unknown_class(predictions) if (rows["label"] == UNKNOWN).any() else predictions

    def _predict_classes(self, rows: pd.DataFrame, dataset: Dataset) -> Predictions:
        """Return what the network says of its own classes alone: UNK is no member's answer."""
        if self._members:
            answers = [own._predict_classes(rows, dataset) for own in self._members]
            return self.trained_model.combination.predictions(answers)
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
        return evaluator.predict(self.network)

    def features(
        self, rows: pd.DataFrame, dataset: Dataset, places: Sequence[int] | None = None
    ) -> Features:
        """Return what the last layer of the network gets and gives for some images.

        rows, dataset: as for `predict`.
        places: positions of the images in the table; all unless given.
        Those of an ensemble are the values of its members beside each other, and their mean logits.
        """
        if self._members:
            parts = [own.features(rows, dataset, places) for own in self._members]
            weights = self.trained_model.combination.weights
            logits = np.average([own.logits for own in parts], axis=0, weights=weights)
            values = np.concatenate([own.values for own in parts], axis=1)
            return Features(parts[0].true, values, logits)
        return penultimate_features(
            self.network,
            self._images(rows, dataset, first=True),
            self._modality_data(rows),
            len(self.trained_model.classes),
            self.trained_model.batch_size,
            self._hardware,
            places,
        )

    def images(
        self, rows: pd.DataFrame, dataset: Dataset, places: Sequence[int]
    ) -> npt.NDArray[np.uint8]:
        """Return some images as the network sees them first, uint8 [M, H, W, 3].

        rows, dataset: as for `predict`.
        places: positions of the images in the table.
        Those of an ensemble are what its first member sees.
        """
        if self._members:
            return self._members[0].images(rows, dataset, places)
        return self._images(rows, dataset, first=True).first_views(places)

    def explain(
        self,
        rows: pd.DataFrame,
        dataset: Dataset,
        predictions: Predictions,
        component: PlannedComponent[Explainer],
        seed: int,
    ) -> Explanations:
        """Return maps of some images; those of an ensemble are the mean of its members' maps.

        rows, dataset: as for `predict`, which gave the predictions.
        component: the explainer.
        seed: of the images that are chosen.
        """
        if self._members:
            parts = []
            for own in self._members:
                named = member_explainer(own.trained_model, component)
                named = replace(named, host=component.host)  # all explain the same images
                parts.append(own.explain(rows, dataset, predictions, named, seed))
            weights, size = self.trained_model.combination.weights, self.trained_model.image.size
            return replace(parts[0], maps=average_maps([own.maps for own in parts], weights, size))
        return explain(
            component,
            component.make(),
            self.network,
            self._images(rows, dataset, first=True),
            predictions,
            self._hardware,
            seed,
            self._modality_data(rows),
        )

    def recompute_batch_norm(
        self, rows: pd.DataFrame, dataset: Dataset, names: Sequence[str]
    ) -> None:
        """Set the statistics of batch normalisation to those of some images.

        rows, dataset: as for `predict`; of the training part.
        names: of the modules of the network.
        """
        recompute_statistics(
            self.network,
            names,
            PixelPipeline(self._images(rows, dataset, first=True), self._hardware),
            [own for own in in_batches(len(rows), self.trained_model.batch_size) if len(own) > 1],
            self._hardware,
            self._modality_data(rows).inputs,
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
        if self._members:
            answers = [
                own.predict_changed(rows, dataset, places, change, views=views)
                for own in self._members
            ]
            return np.asarray(self.trained_model.combination.arrays(answers))
        shown = ChangedImages(
            self._images(rows, dataset, first=views == "first"),
            _mask(dataset),
            change,
        )
        return predict_changed(
            self.network,
            shown,
            places,
            len(self.trained_model.classes),
            self.trained_model.batch_size,
            self._hardware,
            self.trained_model.view_averaging,
            self._modality_data(rows),
        )

    def inspect(
        self,
        rows: pd.DataFrame,
        dataset: Dataset,
        predictions: Predictions,
        places: Sequence[int],
    ) -> Iterator[InspectedImages]:
        """Yield some images with the network that looks at them; an ensemble has none of its own.

        rows, dataset: as for `predict`, which gave the predictions.
        places: positions of the images.
        """
        return inspect_images(
            self.network,
            self._images(rows, dataset, first=True),
            _mask(dataset),
            predictions,
            places,
            self._hardware,
            self._modality_data(rows),
        )

    @cached_property
    def _members(self) -> tuple[ModelEvaluator, ...]:
        return tuple(ModelEvaluator(own) for own in self.trained_model.members)

    @cached_property
    def _hardware(self) -> Hardware:
        return choose_model_hardware(self.trained_model)

    @cached_property
    def network(self) -> torch.nn.Module:
        """The network, in evaluation mode; an ensemble has none of its own."""
        return load_network(self.trained_model, self._hardware)

    def _images(self, rows: pd.DataFrame, dataset: Dataset, first: bool = False) -> EvalImages:
        how = recipe_decoding(self.trained_model.image, self.trained_model.components("prepare"))
        keep, pictures = kept_part(self.trained_model.image, dataset), self.trained_model.pictures
        source = Source.of(rows, image_function(dataset), how, pictures=pictures, keep=keep)
        classes = self.trained_model.classes
        labels = labels_of(rows, classes if UNKNOWN in classes else (*classes, UNKNOWN))
        view = make_view(self.trained_model.view, self.trained_model.image.size)
        return EvalImages(source, labels, view, first)

    def _modality_data(self, rows: pd.DataFrame) -> ModalityData:
        return ModalityData(self.trained_model.known, 1.0, rows, self._hardware.device)


def _mask(dataset: Dataset) -> MaskFunction | None:
    """Return what makes masks; None where the data set knows none."""
    mask = mask_function(dataset)
    return (lambda path: check_mask(mask(path))) if mask else None


def evaluate_dataset(
    trained_model: TrainedModel, tables: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> tuple[Predictions, dict[str, float], dict[str, Interval]]:
    """Evaluate all images of a data set with the metrics of the run.

    tables: a recipe's [dataset] table, or its [[dataset]] tables.
    Returns predictions, numbers, and their intervals over lesions.
    """
    origin, kind = Origin("the arguments: dataset", Path.cwd()), KINDS["dataset"]
    if isinstance(tables, Mapping):
        component = _plan_dataset(("dataset",), tables, origin)
    else:
        sets = [_plan_dataset(("dataset", at), own, origin) for at, own in enumerate(tables)]
        component = merge_components(kind, sets, origin, Catalog())
    dataset = component.make()
    rows = read_data_table(component, dataset).rows
    trained_model.check_pictures(rows.columns)
    check_picture_columns(component, rows, trained_model.pictures)
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


def _plan_dataset(
    keys: Keys, table: Mapping[str, Any], origin: Origin
) -> PlannedComponent[Dataset]:
    """Check the table of a data set that no recipe names."""
    kind = KINDS["dataset"]
    component, complaints = plan_component(kind, keys, table, origin, origin.text, Catalog(), None)
    raise_all([RecipeError(f"{own.keys[0]} {own.text}", origin.text) for own in complaints])
    assert component  # there is one where nothing is complained of
    return component
