"""The images of a run, where they are at hand: to fit 8-bit scales by, and to measure a loss on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skinfw import Interval, Predictions, SkinfwError
from skinfw.toolkit import (
    REPLICATES,
    Case,
    Predictor,
    TrainedModel,
    build_components,
    difference_intervals,
    image_function,
    load_data_plan,
    make_view,
    predict_images,
    recipe_decoding,
    recorded_data,
    render_views,
)

if TYPE_CHECKING:
    import pandas as pd

NUMBER = "balanced_accuracy"


@dataclass(frozen=True)
class Loss:
    """Hold what a smaller form of a network loses of a number, on the test part of its run.

    full, small: the number of both forms.
    interval: the 95 % interval of small less full, over the same lesions.
    images, lesions: on which it was measured.
    """

    full: float
    small: float
    interval: Interval
    images: int
    lesions: int

    @property
    def text(self) -> str:
        """The loss in a sentence."""
        low, high = self.interval
        return (
            f"On the {self.images:,} images of {self.lesions:,} lesions of the test part, the "
            f"balanced accuracy is {self.small:.4f}, and {self.full:.4f} in fp32: a difference of "
            f"{self.small - self.full:+.4f}, 95 % interval {low:+.4f} to {high:+.4f} over the same "
            "lesions."
        )


@dataclass(frozen=True)
class RunImages:
    """Read the images of a run as its network sees them.

    trained_model: of a run folder.
    """

    trained_model: TrainedModel

    def views(self, count: int) -> list[npt.NDArray[np.uint8]]:
        """Return the first view of some images that are not of the test part, spread over classes.

        Validation images come first, for training images are not seen so in training.
        """
        rows = self._rows[self._rows["part"] != "test"]
        rows = rows.assign(turn=rows.groupby(["part", "label"]).cumcount())
        rows = rows.sort_values(["turn", "part"], ascending=[True, False], kind="stable")[:count]
        model = self.trained_model
        view = make_view(model.view, model.image.size)
        how = recipe_decoding(model.image, model.components("prepare"))
        images = []
        for path in rows["path"]:
            pixels = how.read(path) if self._draw is None else how.read_pixels(self._draw(path))
            images.append(render_views(pixels, view.plan(pixels.shape[:2])[:1])[0])
        return images

    def loss(self, full: Predictor, small: Predictor) -> Loss | None:
        """Return what a smaller form loses; None where no metric of the run measures it."""
        model = self.trained_model
        metrics = build_components(model.components("metric"), model.classes)
        first, second = self._predict(full), self._predict(small)
        for component, metric in metrics:
            with component.guard():
                numbers, others = metric(first), metric(second)
                if NUMBER not in numbers:
                    continue
                seed = int(model.tables.get("seed", 0))
                interval = difference_intervals(metric, second, first, REPLICATES, seed)[NUMBER]
            lesions = len({*first.lesions})
            return Loss(numbers[NUMBER], others[NUMBER], interval, len(first.ids), lesions)
        return None

    def _predict(self, predictor: Predictor) -> Predictions:
        rows = self._rows[self._rows["part"] == "test"]
        draw: Any = self._draw or (lambda path: path)
        cases = [Case(draw(path)) for path in rows["path"]]
        answers = list(predict_images(cases, predictor, self.trained_model.batch_size))
        for answer in answers:
            if isinstance(answer, SkinfwError):
                raise answer
        classes = self.trained_model.classes
        return Predictions(
            rows["id"].tolist(),
            rows["component"].tolist(),
            rows["label"].map({name: place for place, name in enumerate(classes)}).to_numpy(),
            np.array(answers),
            classes,
        )

    @cached_property
    def _plan(self) -> Any:
        return load_data_plan(self.trained_model.path, trust=self.trained_model.trust)

    @cached_property
    def _draw(self) -> Any:
        return image_function(self._plan.dataset)

    @cached_property
    def _rows(self) -> pd.DataFrame:
        return recorded_data(self._plan, self.trained_model.path)
