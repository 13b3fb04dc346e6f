"""What a component of each kind must be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from skinfw.interfaces.values import (
        Context,
        Draw,
        Integers,
        Predictions,
        Result,
    )


class Dataset(Protocol):
    """A data set: a table, and if its images are no files, a way to draw them.

    `image(path) -> uint8 [H, W, 3]` and `mask(path) -> bool [H, W]` are optional; without
    `image` the engine decodes the file at `path`. `table().attrs["notes"]` may list sentences
    that the user must hear, such as how many images are absent. A class whose attribute
    `downloads` holds `Downloads` can be fetched by `skinfw data fetch`.
    """

    classes: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Return a row per image: id, path, label, lesion, and any metadata."""


class Split(Protocol):
    """A split: which part each image belongs to."""

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> Sequence[str]:
        """Return "train", "val" or "test" for each row."""


class Sampler(Protocol):
    """A sampler: which images an epoch sees."""

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return the draw of one epoch, given the labels [N] of the training part."""


class Metric(Protocol):
    """A metric: named numbers of predictions.

    `resampled(predictions, weights) -> Mapping[str, float64 [R]]` is optional: the numbers under
    each row of weights, float64 [R, N], which say how often each image counts. Without it,
    intervals call the metric once for each replicate. `smaller_is_better` may name numbers by
    which no epoch can be chosen.
    """

    def __call__(self, predictions: Predictions) -> Mapping[str, float]:
        """Return the numbers; those of one class are called `name/CLASS`."""


class Report(Protocol):
    """A report: files about a result.

    Two more methods are optional. `evaluate(result, folder)` writes about images that `skinfw
    evaluate` has judged: they are the part "test", and `result.folder` is still that of the run.
    `compare(comparison, folder)` writes about several runs beside each other.
    """

    def write(self, result: Result, folder: Path) -> None:
        """Write into the folder."""
