"""Use the network of a run from Python."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skinfw.api.html import interval, table
from skinfw.api.runs import Run
from skinfw.errors import RecipeError, SkinfwError
from skinfw.inference.trained_model import MEMBERS, TrainedModel, load_trained_model
from skinfw.interfaces.calibration import FittedCalibration
from skinfw.interfaces.notices import NOTICE

if TYPE_CHECKING:
    from skinfw.inference.networks import NetworkName
    from skinfw.inference.prediction import Case
    from skinfw.inference.torch_model import TorchPredictor
    from skinfw.interfaces.values import Predictions

Picture = Any
"""A path, a PIL image, or an array, uint8 [H, W, 3] in RGB or [H, W] in grey."""


@dataclass(frozen=True)
class Answers:
    """Hold what a model says of images, in their order; a notebook shows them as a table.

    names: the paths, or "image 0" and so on for pixels.
    classes: class names [C].
    probabilities: float64 [N, C], NaN for an image that cannot be used.
    prediction_sets: for each image the classes that cannot be ruled out; None where none were
        fitted, or calibration is not wanted.
    may_be_unknown: bool [N], whether the image may show none of the classes; None likewise.
    maps: float32 [N, H, W] in [0, 1], where the evidence for the predicted class is; None unless
        they were asked for.
    errors: for each image that cannot be used, by name, why.
    """

    names: Sequence[str]
    classes: tuple[str, ...]
    probabilities: npt.NDArray[np.floating[Any]] = field(repr=False)
    prediction_sets: Sequence[tuple[str, ...]] | None = field(repr=False)
    may_be_unknown: npt.NDArray[np.bool_] | None = field(repr=False)
    maps: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    errors: Mapping[str, SkinfwError] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    @property
    def predicted(self) -> list[str]:
        """The most probable class of each image; blank for one that cannot be used."""
        return [
            "" if math.isnan(row[0]) else self.classes[int(row.argmax())]
            for row in self.probabilities
        ]

    def table(self) -> pd.DataFrame:
        """Return a row per image."""
        rows = pd.DataFrame(self.probabilities, columns=list(self.classes))
        rows.insert(0, "image", list(self.names))
        rows.insert(1, "predicted", self.predicted)
        if self.prediction_sets is not None:
            rows["prediction_set"] = [" ".join(own) for own in self.prediction_sets]
        if self.may_be_unknown is not None:
            rows["may_be_unknown"] = self.may_be_unknown
        return rows

    def _repr_html_(self) -> str:
        rows = self.table()
        return table(
            list(rows.columns),
            [[f"{cell:.3f}" if isinstance(cell, float) else cell for cell in row]
             for row in rows.itertuples(index=False)],
            NOTICE,
            2,
        )  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """Hold what a model says of a data set whose labels are known.

    predictions: of its images.
    metrics: the numbers of the run's metrics.
    intervals: their 95 % intervals over lesions.
    """

    predictions: Predictions = field(repr=False)
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(repr=False)

    def _repr_html_(self) -> str:
        rows = [
            (name, interval(value, self.intervals.get(name)))
            for name, value in self.metrics.items()
            if "/" not in name
        ]
        return table(("number", "95 % interval"), rows, f"{len(self.predictions.ids):,} images")


@dataclass(frozen=True)
class Model:
    """Hold a trained model.

    trained_model: what is known of it.
    """

    trained_model: TrainedModel = field(repr=False)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.trained_model.path

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the probabilities."""
        return self.trained_model.classes

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know before believing its answers."""
        return self.trained_model.image_marks()

    @property
    def calibration(self) -> FittedCalibration:
        """What was fitted on validation images."""
        return self.trained_model.calibration

    @cached_property
    def network(self) -> Any:
        """The network, an nn.Module in evaluation mode, from normalised images to logits."""
        if self.trained_model.members:
            raise SkinfwError(
                "an ensemble has several networks",
                str(self.folder),
                cure=f'skinfw.load("{self.folder / MEMBERS / "1"}").network is the first of them',
            )
        return self._predictor.model

    @cached_property
    def _predictor(self) -> TorchPredictor:
        from skinfw.inference.torch_model import TorchPredictor

        return TorchPredictor(self.trained_model)

    def predict(
        self,
        images: Picture | Iterable[Picture],
        *,
        calibrate: bool = True,
        maps: bool | str = False,
        batch_size: int | None = None,
        modalities: pd.DataFrame | Mapping[str, Sequence[Any]] | None = None,
    ) -> Answers:
        """Predict images as `skinfw predict` does; one that cannot be used stops no other.

        images: one, or several, each a path, a PIL image, or an array, uint8 [H, W, 3] in RGB.
        calibrate: whether to use the temperature, the prediction sets and the limit for unknown
            images that were fitted on validation.
        maps: whether to explain the predicted classes with the explainer of the run, or the name of
            another one, such as "rise".
        batch_size: images that are computed together; as in the run's evaluation unless given.
        modalities: what is known of each image beside, by the columns of the recipe's [modalities]:
            further pictures, given as `images` are, and metadata. Absent metadata are missing.
        """
        from skinfw.inference.prediction import predict_images

        pictures = [_pixels(one) for one in _several(images)]
        columns = {} if modalities is None else modalities
        cases = self._cases(pictures, {str(name): list(own) for name, own in columns.items()})
        names = [
            one if isinstance(one, str) else f"image {place}" for place, one in enumerate(pictures)
        ]
        size = batch_size or self.trained_model.batch_size
        outcomes = list(predict_images(cases, self._predictor, size))
        errors = {
            name: outcome
            for name, outcome in zip(names, outcomes, strict=True)
            if isinstance(outcome, SkinfwError)
        }
        nothing = np.full(len(self.classes), np.nan)
        rows = [nothing if isinstance(own, SkinfwError) else own for own in outcomes]
        raw = np.stack(rows) if rows else np.empty((0, len(self.classes)))
        fitted = self.calibration if calibrate else FittedCalibration()
        return Answers(
            names,
            self.classes,
            fitted.scale(raw),
            fitted.prediction_sets(raw, self.classes),
            fitted.may_be_unknown(raw),
            self._maps(cases, raw, "" if maps is True else maps) if maps else None,
            errors,
        )

    def _cases(self, pictures: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> list[Case]:
        """Return what the network is asked about."""
        from skinfw.inference.prediction import Case

        self.trained_model.check_whole_images()
        self.trained_model.check_pictures(columns)
        further = {name for own in self.trained_model.networks for name in own.pictures}
        for name, values in columns.items():
            if len(values) != len(pictures):
                raise RecipeError(
                    f"modalities has {len(values)} values of {name} for {len(pictures)} images",
                    cure="give one for each image, in their order",
                )
        known = {
            name: [_pixels(one) for one in values] if name in further else list(values)
            for name, values in columns.items()
        }
        return [
            Case(image, {name: values[place] for name, values in known.items()})
            for place, image in enumerate(pictures)
        ]

    def _maps(
        self, cases: Sequence[Case], raw: npt.NDArray[np.float64], method: str
    ) -> npt.NDArray[np.float32]:
        """Return maps of the first view of each image; black ones where there is no answer."""
        from skinfw.inference.maps import check_explainer, named_explainer, predicted_class_maps

        if method:
            component = named_explainer(self.trained_model, method, f'maps="{method}"')
            check_explainer(self._predictor, component)
            return predicted_class_maps(self._predictor, component, cases, raw)
        explainers = self.trained_model.components("explainer")
        if not explainers:
            raise RecipeError(
                "the recipe of the run names no explainer",
                str(self.folder),
                cure="add [[explainer]] to the recipe and run it again: skinfw show explainer",
            )
        return predicted_class_maps(self._predictor, explainers[0], cases, raw)

    def evaluate(
        self, dataset: str | Mapping[str, Any] | Sequence[Mapping[str, Any]], **keys: Any
    ) -> Evaluation:
        """Evaluate all images of a data set with the metrics of the run; nothing is written.

        dataset: its name in recipes, a recipe's [dataset] table, or its [[dataset]] tables.
        keys: the keys of a single table, such as root="../data/ISIC_2018".
        `skinfw evaluate` does more: it maps labels, compares images and writes reports.
        """
        from skinfw.inference.model_evaluator import evaluate_dataset

        named = {"use": dataset} if isinstance(dataset, str) else dataset
        if isinstance(named, Mapping):
            named = {**named, **keys}
        elif keys:
            raise RecipeError(
                f"{', '.join(keys)} is a key of one of several data sets",
                "the arguments",
                cure="write it into its table",
            )
        return Evaluation(*evaluate_dataset(self.trained_model, named))


def load(
    run: str | Path | Run, *, trust: bool = False, network: NetworkName | None = None, **view: Any
) -> Model:
    """Load the network of a run.

    run: a run, or its folder.
    trust: whether Python files that the run names may be imported unseen.
    network: "best", the one of the run's numbers, or "refit", which is meant where there is one.
    view: keys of its [view] that change how images are looked at, such as use="dihedral".
    Raises SkinfwError where it has no weights yet.
    """
    folder = run.folder if isinstance(run, Run) else Path(run)
    # Texts, numbers and truth values are written alike in JSON and TOML.
    sets = [f"view.{key}={json.dumps(value)}" for key, value in view.items()]
    return Model(load_trained_model(folder, sets, trust, network))


def _several(images: Any) -> list[Any]:
    """Return one image as a list of one."""
    alone = isinstance(images, str | Path | np.ndarray) or hasattr(images, "convert")
    if isinstance(images, np.ndarray) and images.ndim == 4:
        return list(images)
    return [images] if alone else list(images)


def _pixels(one: Any) -> str | npt.NDArray[np.uint8]:
    """Return a path as a text, and anything else as RGB pixels."""
    if isinstance(one, str | Path):
        return str(one)
    if hasattr(one, "convert"):
        return np.asarray(one.convert("RGB"), np.uint8)
    array = np.asarray(one)
    if array.dtype == np.uint8 and array.ndim == 2:
        array = array[..., None].repeat(3, 2)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise RecipeError(
            f"an image cannot be an array of {array.dtype} {list(array.shape)}",
            cure="give a path, a PIL image, or uint8 [H, W, 3] in RGB from 0 to 255",
        )
    return np.ascontiguousarray(array)
