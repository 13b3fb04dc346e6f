"""What a component of each kind must be able to do, and what a network may offer beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import torch
    from torch import nn

    from skinfw.interfaces.compositions import Composition
    from skinfw.interfaces.sweeps import SweepSummary
    from skinfw.interfaces.tasks import Task, TaskEnd
    from skinfw.interfaces.transforms import Dice, Step
    from skinfw.interfaces.values import (
        Comparison,
        Context,
        DataTable,
        Draw,
        Duplicates,
        ExplainerChoice,
        Findings,
        Floats,
        Image,
        InspectedImages,
        Integers,
        Modalities,
        Predictions,
        Result,
        SeedsSummary,
        Validation,
    )

    LossFunction = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


class Dataset(Protocol):
    """A data set: a table, and if its images are no files, a way to draw them.

    `image(path) -> uint8 [H, W, 3]` and `mask(path) -> bool [H, W]` are optional; without
    `image` the file at `path` is decoded. `mask_file(path) -> Path | None` is optional, too: the
    file that a mask is read from. A class whose attribute `downloads` holds `Downloads`
    can be fetched by `skinfw data fetch`; one whose attribute `display_licence` names the licence
    that permits it lets others see its images.
    """

    @property
    def classes(self) -> Sequence[str]:
        """The class names, in the order of the network's outputs."""

    def table(self) -> DataTable:
        """Return a row per image: id, path, label, lesion, and any metadata."""


class DuplicateFinder(Protocol):
    """A finder of image files that hold one photograph."""

    def find(self, paths: Sequence[str], folder: Path, say: Callable[[str], None]) -> Duplicates:
        """Look at files; what was seen may be kept in the folder, `say` is told what it costs."""


class Split(Protocol):
    """A split: which part each image belongs to."""

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> Sequence[str]:
        """Return "train", "val" or "test" for each row."""


class Sampler(Protocol):
    """A sampler: which images an epoch sees."""

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return the draw of one epoch, given the labels [N] of the training part."""


class Preparation(Protocol):
    """A preparation: what happens once to every decoded image."""

    def prepare(self, image: Image) -> Image:
        """Return the image, uint8 [H, W, 3] as given."""


class Decoding(Protocol):
    """A way in which image files become arrays; the host gives it to a cache.

    key: what decides the pixels beside the file and its reduction.
    short: length that the short side of a reduced image keeps; 0 for all pixels.
    limits: what a file may cost, as `read_file` of `skinfw.toolkit` takes them.
    """

    @property
    def key(self) -> str:
        """What decides the pixels beside the file and its reduction."""

    @property
    def short(self) -> int:
        """The length that the short side of a reduced image keeps; 0 for all pixels."""

    @property
    def limits(self) -> Any:
        """What a file may cost."""

    def decode(self, content: bytes, path: Path | str) -> Image:
        """Return the image of a file's bytes."""


class DecodedImages(Protocol):
    """Decoded images by path."""

    def __len__(self) -> int:
        """Return how many images there are."""

    def get(self, path: str) -> Image | None:
        """Return an image, uint8 [H, W, 3], maybe read-only; None where it is not held."""


class Cache(Protocol):
    """A cache of decoded images, and of the features of frozen networks."""

    def open(
        self, paths: Sequence[str], decoding: Decoding, build: bool, say: Callable[[str], None]
    ) -> DecodedImages | None:
        """Return what is held, after decoding what is absent if that is asked for."""

    def features(
        self, key: str, compute: Callable[[], Floats], say: Callable[[str], None]
    ) -> Floats:
        """Return what is kept under a key, float32 [N, V, D], or compute and keep it."""


class Augmentation(Protocol):
    """An augmentation: the dice first, the pixels later."""

    def roll(self, dice: Dice) -> Sequence[Step]:
        """Decide what happens to one image; an empty list leaves it alone."""


class Mix(Protocol):
    """A mix of the images of a batch."""

    def mix(
        self, images: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Return images, the order of those mixed in, and the share of the first ones."""


class View(Protocol):
    """A view: what of an image is looked at in evaluation."""

    def plan(self, size: tuple[int, int]) -> Sequence[Sequence[Step]]:
        """Return the steps of each view of an image of this height and width."""


class Modification(Protocol):
    """A modification of the backbone, before it learns."""

    def modify(self, model: nn.Module) -> nn.Module:
        """Return the network."""


class Weighting(Protocol):
    """A weighting of classes in the loss."""

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> Sequence[float]:
        """Return the weight of each class in an epoch, from 1."""


class Schedule(Protocol):
    """A learning rate schedule, as those of torch."""

    last_epoch: int

    def step(self) -> None:
        """Go on by one step of the optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """Return what must be kept to go on later."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what was kept."""


class Metric(Protocol):
    """A metric: named numbers of predictions.

    `resample(predictions, weights) -> Mapping[str, float64 [R]]` is optional, see
    `ResamplingMetric`, and so is `composition(predictions) -> Mapping[str, Composition]`, see
    `ComposedMetric`, and `rests_on(predictions) -> Mapping[str, int]`, see `RestingMetric`.
    `smaller_is_better` may name numbers by which no epoch can be chosen.
    """

    def __call__(self, predictions: Predictions) -> Mapping[str, float]:
        """Return the numbers; those of one class are called `name/CLASS`."""


@runtime_checkable
class ResamplingMetric(Protocol):
    """A metric that computes many weightings of the same images at once.

    Intervals call the metric once for each replicate where it does not.
    """

    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number [R] under each row of weights [R, N], how often each image counts."""


@runtime_checkable
class ComposedMetric(Protocol):
    """A metric that says what its numbers are made of.

    A rate, an area or a mean of them has an interval that holds on few lesions and at 0 and 1.
    """

    def composition(self, predictions: Predictions) -> Mapping[str, Composition]:
        """Return what numbers are made of, by their names; those that it leaves out are drawn."""


@runtime_checkable
class RestingMetric(Protocol):
    """A metric that says on how few lesions its numbers rest.

    Without it a number called `name/CLASS` is taken to rest on the lesions of the class, and any
    other one on all of them.
    """

    def rests_on(self, predictions: Predictions) -> Mapping[str, int]:
        """Return the lesions that numbers rest on, by their names; of two sides the smaller."""


class Explainer(Protocol):
    """An explainer: where in an image the evidence for a class is."""

    def __call__(
        self, model: nn.Module, images: torch.Tensor, classes: torch.Tensor, /
    ) -> torch.Tensor:
        """Return maps [N, H, W] in [0, 1] for the classes [N] of normalised images."""


@runtime_checkable
class CheckingExplainer(Protocol):
    """An explainer that says before the training whether it fits the network."""

    def check(self, model: nn.Module) -> None:
        """Raise RecipeError where the network cannot be explained as the recipe says."""


@runtime_checkable
class ChoosingExplainer(Protocol):
    """An explainer that chooses some of its parameters once the network is trained.

    The host asks it once, records the answer in run.json, and builds it with these parameters from
    then on.
    """

    def choose(self, batches: Sequence[InspectedImages]) -> ExplainerChoice | None:
        """Return what it chooses by validation images; None where the recipe leaves no choice."""


class Report(Protocol):
    """A report: files about a result.

    All reports that analyse do so before the first one writes, so that each finds the findings of
    all others in the result, in whatever order the recipe names them.
    """

    def write(self, result: Result, folder: Path) -> None:
        """Write into the folder."""


@runtime_checkable
class AnalysingReport(Protocol):
    """A report that finds something that other reports may show."""

    def analyse(self, result: Result) -> Sequence[Findings]:
        """Return what it finds, a section each; it stands in the results that are written about."""


@runtime_checkable
class EvaluationReport(Protocol):
    """A report that can also write about images that `skinfw evaluate` looked at."""

    def evaluate(self, result: Result, folder: Path) -> None:
        """Write about the part "test"; `result.folder` is still that of the run."""


@runtime_checkable
class ComparisonReport(Protocol):
    """A report that can also speak of several runs beside each other."""

    def compare(self, comparison: Comparison, folder: Path) -> None:
        """Write about the comparison."""


@runtime_checkable
class ValidationReport(Protocol):
    """A report that can also speak of one run on several data sets."""

    def validate(self, validation: Validation, folder: Path) -> None:
        """Write about the validation."""


@runtime_checkable
class SeedsReport(Protocol):
    """A report that can also speak of a recipe that was trained with several seeds."""

    def summarize(self, summary: SeedsSummary, folder: Path) -> None:
        """Write about all of them together."""


@runtime_checkable
class SweepReport(Protocol):
    """A report that can also speak of the settings that a sweep tried."""

    def sweep(self, summary: SweepSummary, folder: Path) -> None:
        """Write about all of them together."""


@runtime_checkable
class FindingsReport(Protocol):
    """A report that can also show what a command found."""

    def present(self, title: str, findings: Sequence[Findings], file: Path) -> None:
        """Write about the findings, in their order.

        title: what they are about.
        file: where to, without an ending.
        """


class Launcher(Protocol):
    """A launcher: carries out commands of skinfw side by side, here or on other machines."""

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        """Carry out tasks, and yield how each ended, as they end.

        A task is asked for when there is room for it, so that a search can choose the next one by
        what has ended: where there is none for now, it is asked for again after the next end.
        Closing the iterator ends what is under way as SIGTERM does, so that it can go on later.
        Raises SkinfwError where nothing can be carried out.
        """


@runtime_checkable
class CheckingLauncher(Protocol):
    """A launcher that says before anything is made whether it can carry out tasks."""

    def check(self) -> None:
        """Raise SkinfwError where it cannot, such as far from its cluster."""


@runtime_checkable
class PairedNetwork(Protocol):
    """A network that trains on pairs: batches hold N images and then their N partners.

    takes_pairs: true.
    """

    takes_pairs: bool


@runtime_checkable
class StatefulLoss(Protocol):
    """A loss that remembers earlier batches; a run keeps what it remembers."""

    def state_dict(self) -> dict[str, Any]:
        """Return tensors and numbers, by name."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""


@runtime_checkable
class NetworkWithLoss(Protocol):
    """A network whose training needs the recipe's loss in its own way."""

    def training_loss(
        self,
        loss: LossFunction,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weight: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return the loss of a batch."""


@runtime_checkable
class ProgressListener(Protocol):
    """A module of a network that changes with the progress of the training."""

    def set_progress(self, done: float) -> dict[str, float]:
        """Hear which share of the optimizer's steps is done; return numbers for the history."""


@runtime_checkable
class MultimodalNetwork(Protocol):
    """A network that makes use of the recipe's [modalities]."""

    modalities: Modalities


@runtime_checkable
class ExplainableNetwork(Protocol):
    """A network that names the layer whose maps are explained."""

    cam_layer: str


@runtime_checkable
class NormalisedNetwork(Protocol):
    """A network that wants another normalisation than ImageNet's.

    normalisation: mean and standard deviation of each channel, of values in [0, 1].
    """

    normalisation: tuple[Sequence[float], Sequence[float]]
