"""What components and host hand to each other: small values, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar, cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import torch
    from torch import nn

    from skinfw.errors import SkinfwError
    from skinfw.interfaces.calibration import FittedCalibration
    from skinfw.interfaces.protocols import Explainer

    Floats = npt.NDArray[np.floating[Any]]
    Integers = npt.NDArray[np.integer[Any]]
    Image = npt.NDArray[np.uint8]

T = TypeVar("T")
Change = Callable[["ViewedImage"], "Image"]
"""What makes versions [K, H, W, 3] of one view of an image."""

PARTS = ("train", "val", "test")


def read_only(array: T) -> T:
    """Return a view of an array that nobody can write into."""
    view: Any = array.view()  # type: ignore[attr-defined]
    view.flags.writeable = False
    return cast(T, view)


def _immutable(array: Any) -> Any:
    """Return a copy of an array in memory that numpy lets nobody write into, nor make writable."""
    import numpy as np

    return np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)


def _lock(value: object, *names: str) -> None:
    """Make small arrays of a frozen value immutable, so that whoever gets it can only look."""
    for name in names:
        object.__setattr__(value, name, _immutable(getattr(value, name)))


class _ClassNameCheck:
    """Refuse a text that is no class of the recipe's data set."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def check(value: str, info: Any) -> str:
            classes = (info.context or {}).get("classes")
            if classes is not None and value not in classes:
                raise PydanticCustomError("class_name", "no such class")
            return value

        return core_schema.with_info_after_validator_function(check, handler(source))


UNKNOWN = "UNK"
"""The label of images that show none of the classes, as in ISIC 2019."""

MALIGNANT = ("MEL", "BCC", "SCC", "AK", "AKIEC")
"""The classes that are malignant unless a recipe names others; actinic keratoses count, as in
Tschandl et al. 2019 (Lancet Oncology 20)."""

ClassName = Annotated[str, _ClassNameCheck()]
"""The annotation of a parameter that names a class; the host checks it against the data set."""


@dataclass(frozen=True)
class Leakage:
    """Hold what was checked of a division, and what came of it.

    check: what was looked at, "images" or "ids" alone.
    components: how many groups of images there are that belong together.
    links: how many links there are, by evidence.
    straddling: components with images in more than one part.
    dropped: images that were left out of each part, so that none straddles.
    """

    check: Literal["images", "ids"]
    components: int
    links: Mapping[str, int]
    straddling: int
    dropped: Mapping[str, int]


@dataclass(frozen=True)
class DataTable:
    """Hold the table of a data set, and what must be said with it.

    rows: a row per image: id, path, label, lesion, and any metadata; once divided, also the
        component of images that belong together, and the part.
    notes: sentences that the user must hear, such as how many images are absent.
    marks: what must stand beside every number, such as that images are synthetic.
    absent: images that the files of the data set name and that are not there.
    leakage: what was checked of the division; None before there is one.
    bad: why image files cannot be decoded, by path; the host finds them.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    absent: int = 0
    leakage: Leakage | None = None
    bad: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Draw:
    """Hold what a sampler drew for one epoch.

    indices: int [M], positions in the training part, in the order of training.
    copies: bool [M], True where an image is an extra repeat; None means that none is.
    partners: int [M], a second image for each, which the same batch shows after all of the first;
        for networks with two branches. None means that there are none.
    """

    indices: Integers
    copies: npt.NDArray[np.bool_] | None = None
    partners: Integers | None = None

    @property
    def shown(self) -> Integers:
        """All positions that the epoch shows, those of partners last."""
        import numpy as np

        if self.partners is None:
            return np.asarray(self.indices)
        return np.concatenate([self.indices, self.partners])


@dataclass(frozen=True)
class Context:
    """Give a sampler what it may ask of the engine.

    classes: class names; labels index them.
    epoch: the epoch to draw for, from 1.
    rng: the sampler's own stream of this epoch.
    once: `once(key, compute)` computes once per run; `compute(rng)` gets a stream that is the
        same in every epoch, so that a resumed run finds the same.
    thumbnails: `thumbnails(indices, size, grey)` -> uint8 [M, size, size] or, in colour,
        [M, size, size, 3].
    embeddings: `embeddings(indices)` -> float32 [M, D], the backbone's features before training.
    lesions: the lesion of each image [N]; all that belongs together, such as copies of a photograph
        and other lesions of a patient where the split joins them, has one name.
    """

    classes: tuple[str, ...]
    epoch: int
    rng: np.random.Generator
    once: Callable[[str, Callable[[np.random.Generator], Any]], Any]
    thumbnails: Callable[[Integers, int, bool], Image]
    embeddings: Callable[[Integers], Floats]
    lesions: Sequence[str] = ()


@dataclass(frozen=True)
class Modalities:
    """Hold what a network gets beside one picture, and what it answers beside the class.

    pictures: how many pictures of each lesion; images are [N, 3 * pictures, H, W].
    numbers: the mean and the standard deviation of each number in the training part.
    categories: the values of each category in the training part.
    auxiliary: the values of each auxiliary output; their logits stand behind those of the classes.
    """

    pictures: int = 1
    numbers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    auxiliary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def metadata(self) -> tuple[str, ...]:
        """The columns of the metadata [N, K]: numbers, then categories."""
        return (*self.numbers, *self.categories)


@dataclass(frozen=True)
class Auxiliary:
    """Hold what a model says of one auxiliary output.

    values: the names of the K values.
    true: int [N], the value of each image; -1 where it is unknown.
    probabilities: float64 [N, K].
    """

    values: tuple[str, ...]
    true: Integers
    probabilities: Floats

    def __post_init__(self) -> None:
        """Make what it holds read-only."""
        _lock(self, "true", "probabilities")


@dataclass(frozen=True)
class Predictions:
    """Hold what a model says of one part of the data.

    ids: image ids [N].
    lesions: lesion ids [N].
    true: int [N], the class of each image.
    probabilities: float64 [N, C], rows sum to one.
    classes: class names [C].
    loss: mean loss over the part.
    auxiliary: the auxiliary outputs by name, where the recipe has some.
    paths: of the images, as the data set's table has them [N]; empty where they are not known.
    """

    ids: Sequence[str]
    lesions: Sequence[str]
    true: Integers
    probabilities: Floats
    classes: tuple[str, ...]
    loss: float = float("nan")
    auxiliary: Mapping[str, Auxiliary] = field(default_factory=dict)
    paths: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Make what it holds read-only."""
        _lock(self, "true", "probabilities")
        object.__setattr__(self, "paths", tuple(self.paths))
        object.__setattr__(self, "ids", tuple(self.ids))
        object.__setattr__(self, "lesions", tuple(self.lesions))

    def copy(self) -> Predictions:
        """Return predictions of their own memory, for somebody who may write past numpy."""
        auxiliary = {name: replace(own) for name, own in self.auxiliary.items()}
        return replace(self, auxiliary=auxiliary)

    @property
    def predicted(self) -> Integers:
        """The most probable class of each image, int [N]."""
        predicted: Integers = self.probabilities.argmax(axis=1)
        return predicted


@dataclass(frozen=True)
class Explanations:
    """Hold some images with the maps of one explainer.

    explainer: its name in the recipe.
    explains: which class of each image the maps are about, "predicted" or "true".
    predictions: of these images, in the same order.
    images: uint8 [N, H, W, 3], as the model saw them.
    maps: float32 [N, H, W] in [0, 1].
    order: how the images were chosen, "spread" over the classes or the "first" of the test part.
    """

    explainer: str
    explains: Literal["predicted", "true"]
    predictions: Predictions
    images: Image
    maps: Floats
    order: Literal["spread", "first"] = "spread"

    def __post_init__(self) -> None:
        """Make what it holds read-only."""
        for name in ("images", "maps"):  # too large to be copied
            object.__setattr__(self, name, read_only(getattr(self, name)))


@dataclass(frozen=True)
class Features:
    """Hold what the last layer of a network gets and gives, for the first view of each image.

    true: int [N], the class of each image.
    values: float32 [N, D], what flows into the last layer.
    logits: float64 [N, C], of the classes.
    """

    true: Integers
    values: Floats
    logits: Floats

    def __post_init__(self) -> None:
        """Make what it holds read-only."""
        for name in ("true", "values", "logits"):  # too large to be copied
            object.__setattr__(self, name, read_only(getattr(self, name)))


class Interval(tuple[float, float]):
    """Hold the lower and the upper end of the 95 % interval of a number, and how it was made.

    Both ends are NaN where there is no interval.
    """

    method: str
    """How, as a key of `skinfw.toolkit.INTERVAL_METHODS`; empty where there is no interval."""
    reason: str
    """Why there is no interval; empty where there is one, and where nothing was measured."""

    def __new__(cls, low: float, high: float, method: str = "", reason: str = "") -> Interval:
        """Hold two ends."""
        own = super().__new__(cls, (low, high))
        own.method, own.reason = method, reason
        return own

    def __getnewargs__(self) -> tuple[float, float, str, str]:
        """Return what copies are made of."""
        return *self, self.method, self.reason


def no_interval(reason: str = "") -> Interval:
    """Return the interval of a number that has none."""
    return Interval(float("nan"), float("nan"), reason=reason)


@dataclass(frozen=True)
class ViewedImage:
    """Hold one view of an image, as the network sees it.

    place: of the image in its part.
    pixels: uint8 [H, W, 3], read-only.
    lesion: bool [H, W], where the mask of the data set says that the lesion is; None where it has
        no mask of this image.
    """

    place: int
    pixels: Image
    lesion: npt.NDArray[np.bool_] | None


@dataclass(frozen=True)
class InspectedImages:
    """Hold some images with the network that looks at them, for who looks inside it.

    predictions: of these N images.
    pixels: uint8 [N, H, W, 3], the first view of each, of several pictures the first; read-only.
    lesions: bool [H, W] each, where the mask of the data set says that the lesion is; None where it
        has no mask of an image.
    model: the network of normalised images alone, in evaluation mode; what else is known of these
        images is known to it, so that it answers for all N in this order.
    to_input: makes pixels, [N, H, W, 3] from 0 to 255, to normalised images on the device of the
        network.
    """

    predictions: Predictions
    pixels: Image
    lesions: Sequence[npt.NDArray[np.bool_] | None]
    model: nn.Module
    to_input: Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Estimate:
    """Hold a number with the ends of its 95 % interval.

    value: the number; NaN where it was not measured.
    low, high: NaN where there is no interval.
    remark: what a reader must know beside it, such as "few".
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")
    remark: str = ""


Cell = str | float | Estimate
"""A cell of a table: a text, a number, or a number with its interval."""


@dataclass(frozen=True)
class FindingsTable:
    """Hold a table for a reader.

    caption: what it shows.
    head: the names of the columns.
    rows: a cell for each column; the first one names the row.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class FindingsPicture:
    """Hold a picture for a reader.

    caption: what it shows.
    alt: what those must know who cannot see it.
    png: the bytes of a PNG file.
    """

    caption: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class ScatterPoint:
    """Hold an image as a point of a plane.

    x, y: where it lies.
    group: its class.
    marked: whether it stands out.
    text: what is said of it where a reader asks.
    image: the bytes of a small JPEG file.
    """

    x: float
    y: float
    group: str
    marked: bool
    text: str
    image: bytes


@dataclass(frozen=True)
class FindingsScatter:
    """Hold a plane of images for a reader, who may ask for each of them.

    caption: what it shows.
    alt: what those must know who cannot see it.
    groups: the classes, in their order.
    mark: what marked points are, such as "mistake".
    points: the images.
    """

    caption: str
    alt: str
    groups: Sequence[str]
    mark: str
    points: Sequence[ScatterPoint]


@dataclass(frozen=True)
class Findings:
    """Hold what a report found, for its own files and for other reports, such as a page.

    key: the section's name in addresses, such as "calibration".
    title: the section's heading.
    text: sentences below the heading.
    tables: below the text; none where there was nothing to find.
    data: all of it for JSON.
    files: tables that become CSV files, by name.
    calibration: what answers about new images may use, where it was fitted.
    pictures: below the tables.
    scatters: below the text, before the tables.
    """

    key: str
    title: str
    text: Sequence[str] = ()
    tables: Sequence[FindingsTable] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, FindingsTable] = field(default_factory=dict)
    calibration: FittedCalibration | None = None
    pictures: Sequence[FindingsPicture] = ()
    scatters: Sequence[FindingsScatter] = ()


@dataclass(frozen=True)
class ExplainerChoice:
    """Hold what an explainer chose of its parameters, on validation images.

    parameters: what it is built with from now on, by name.
    text: sentences that say what was chosen, and how good it is.
    table: what it was chosen from.
    """

    parameters: Mapping[str, str | float | int | bool]
    text: Sequence[str]
    table: FindingsTable


class PredictChanged(Protocol):
    """What shows the network changed images, as `Result.predict_changed` says."""

    def __call__(
        self,
        part: str,
        places: Sequence[int],
        change: Change,
        *,
        views: Literal["first", "all"] = "first",
    ) -> Floats:
        """Return the probabilities of every version of some images, [M, K, C]."""


class LookForFeatures(Protocol):
    """What asks the network for features, as `Result.features` says."""

    def __call__(self, part: str, places: Sequence[int] | None = None) -> Features:
        """Return the features of a part, or of its images at some places."""


@dataclass(frozen=True)
class Failure:
    """Hold what a report, an explainer or a tracker could not do.

    component: who failed, as messages name it.
    error: why.
    """

    component: str
    error: SkinfwError


@dataclass(frozen=True)
class Result:
    """Hold all that a run found, for reports.

    folder: the run folder.
    name: the recipe's name.
    classes: class names.
    history: a row per epoch; empty where an old run did not keep it.
    best_epoch: the epoch whose weights were kept.
    select: the number that chose it.
    predictions: by part, "val" and "test"; where images were evaluated that show none of the
        classes, "out_of_distribution", whose classes end with UNK.
    metrics: by part, named numbers.
    intervals: by part, the 95 % interval of each number over lesions; empty where the recipe wants
        none.
    replicates, seed: how often lesions are drawn again for them, 0 for no intervals, and the draws'
        seed.
    record: of the run, as run.json has it.
    evaluation: of an evaluation, the name of its data set, which part of it the images are ("all"
        where no part is meant) and what was said of them; empty where the run itself is meant.
    findings: what the reports of the recipe found, in their order.
    failures: what reports, explainers and trackers could not do; the run is worth as much.
    explanations: one entry per explainer.
    rows: by part, the data set's table, a row per prediction in the same order.
    marks: what a reader must know before believing the numbers.
    features: `features(part)` looks at every image of "train" or of a part in `predictions` once
        more, `features(part, places)` at those; None where the network is not at hand.
    images: `images(part, places)` reads some images of such a part once more, uint8 [M, H, W, 3],
        the first view that the network sees. None where `features` is.
    predict_changed: `predict_changed(part, places, change)` shows the network images of a part of
        `predictions` whose pixels are changed. `change` gets a `ViewedImage` and returns its
        versions, uint8 [K, H, W, 3]; it depends on that image alone, and may be called from several
        threads. Returns probabilities, float64 [M, K, C]. `views`, "first" unless given, may be
        "all", whose answers are averaged as in `predictions`. None where `features` is.
    inspect: `inspect(part, places)` yields `InspectedImages`, images of a part of `predictions`
        with the network itself. None where `features` is, and for several networks that answer
        together.
    explainers: those of the recipe, by name, each called as an explainer is; empty where the
        network is not at hand.
    """

    folder: Path
    name: str
    classes: tuple[str, ...]
    history: Sequence[Mapping[str, float]]
    best_epoch: int
    select: str
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    explanations: Sequence[Explanations] = ()
    rows: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    marks: Sequence[str] = ()
    intervals: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    features: LookForFeatures | None = None
    predict_changed: PredictChanged | None = None
    inspect: Callable[[str, Sequence[int]], Iterator[InspectedImages]] | None = None
    explainers: Mapping[str, Explainer] = field(default_factory=dict)
    replicates: int = 1000
    seed: int = 0
    record: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Findings] = ()
    failures: Sequence[Failure] = ()
    images: Callable[[str, Sequence[int]], Image] | None = None

    def section(self, key: str) -> Findings | None:
        """Return the findings of a section; None where no report of the recipe has any."""
        return next((own for own in self.findings if own.key == key), None)


def headline_numbers(select: str, metrics: Iterable[str]) -> list[str]:
    """Return the names of the numbers that a reader asks for first.

    select: the number that chose the epoch, which comes before all others.
    metrics: the names of what was measured.
    """
    first = dict.fromkeys([select, "balanced_accuracy", "accuracy", "macro_auc"])
    return [name for name in first if name in set(metrics)]


@dataclass(frozen=True)
class ComparisonEntry:
    """Hold one number of one run.

    value, interval: the number and its 95 % interval over lesions.
    difference: to the first run, with its interval and the chance that exchanging the two runs
        lesion by lesion gives as large a one; NaN for the first run, and where the two cannot be
        compared.
    deviation: between seeds, where this is the mean of several trainings. Its intervals, and that
        of the difference, are over lesions and seeds then, and there is no p.
    """

    value: float
    interval: Interval
    difference: float = float("nan")
    difference_interval: Interval = field(default_factory=no_interval)
    p: float = float("nan")
    deviation: float = float("nan")

    @property
    def holds(self) -> bool:
        """Whether the interval of the difference leaves zero out."""
        low, high = self.difference_interval
        return low > 0 or high < 0


@dataclass(frozen=True)
class Comparison:
    """Hold the numbers of several runs, of which the first is what the others are compared with.

    runs: their names.
    images, lesions: how many each was evaluated on, in all seeds together.
    numbers: for each number, what it is in each run.
    notes: why runs cannot be compared, and the marks of each.
    seeds: with how many seeds each was trained, where they are folders of several; else empty.
    """

    runs: tuple[str, ...]
    images: tuple[int, ...]
    lesions: tuple[int, ...]
    numbers: Mapping[str, Sequence[ComparisonEntry]]
    notes: Sequence[str] = ()
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class SeedNumber:
    """Hold one number of several trainings of one recipe, each with a seed of its own.

    values: of each training; NaN where it was not measured.
    mean, deviation: over the trainings; the deviation divides by one less than their number.
    interval: the 95 % interval of the mean, over lesions and seeds together.
    """

    values: tuple[float, ...]
    mean: float
    deviation: float
    interval: Interval


@dataclass(frozen=True)
class SeedsSummary:
    """Hold the numbers of a recipe that was trained with several seeds.

    name: of the recipe.
    trainings: what each is called, such as "seed-1".
    images, lesions: how many the test part of each has.
    one_division: whether all have the same test part; otherwise each seed has its own.
    numbers: of the test parts, over the trainings.
    select: the number that chose the epochs.
    notes: the marks of the trainings, and what could not be measured.
    """

    name: str
    trainings: tuple[str, ...]
    images: tuple[int, ...]
    lesions: tuple[int, ...]
    one_division: bool
    numbers: Mapping[str, SeedNumber]
    select: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ValidationNumber:
    """Hold one number of a run on a data set that it did not learn from.

    there: on this data set.
    home: on the run's own test part, of the same classes; NaN for the test part itself.
    drop: home less there.
    images, lesions: of the data set that it rests on.
    """

    there: Estimate
    home: Estimate
    drop: Estimate
    images: int
    lesions: int


@dataclass(frozen=True)
class ClassGroup:
    """Hold labels of a data set and classes of a network that mean the same together.

    name: of the group.
    labels: of the data set.
    classes: of the network, whose probabilities are summed.
    """

    name: str
    labels: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ValidationSet:
    """Hold what was found on one data set.

    name: as the validation calls it.
    dataset: the component that reads it.
    images, lesions: that were judged.
    left_out: images that were not, by reason.
    groups: how its labels and the classes of the network were aligned.
    numbers: by name; empty where it failed.
    notes: what a reader must hear.
    failure: why it could not be judged; empty where it could.
    """

    name: str
    dataset: str = ""
    images: int = 0
    lesions: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    groups: Sequence[ClassGroup] = ()
    numbers: Mapping[str, ValidationNumber] = field(default_factory=dict)
    notes: Sequence[str] = ()
    failure: str = ""


@dataclass(frozen=True)
class Validation:
    """Hold the numbers of one run at home and on other data sets.

    run: its name.
    home: its own test part.
    sets: the other data sets, in the order they were named.
    threshold: the chance from which an image is called malignant.
    marks: what a reader must know before believing the numbers.
    """

    run: str
    home: ValidationSet
    sets: Sequence[ValidationSet]
    threshold: float
    marks: Sequence[str] = ()


@dataclass(frozen=True)
class Fingerprint:
    """Hold what one look at an image file tells.

    digest: of its bytes; empty where the file is absent.
    size: width and height of the file, (0, 0) where it cannot be decoded.
    damage: why it cannot be decoded; empty where it can.
    """

    digest: str
    size: tuple[int, int]
    damage: str = ""


@dataclass(frozen=True)
class Duplicates:
    """Hold which image files are copies of each other.

    files: what each file tells, in the order of the paths.
    pairs: positions of two paths and the evidence that joins them: "bytes", "pixels" or
        "near-duplicate"; enough of them to join all that belongs together, not every pair.
    """

    files: Sequence[Fingerprint]
    pairs: Sequence[tuple[int, int, str]]


@dataclass(frozen=True)
class Download:
    """Name one official file of a data set.

    url: where it lies.
    size: its bytes, roughly; the server's word counts more.
    folder: the folder below the root into which a zip is unpacked; empty for a file that stays as
        it is. A zip that holds nothing but this folder does not nest it twice.
    sha256: the checksum that it must have; empty where nobody published one.
    """

    url: str
    size: int
    folder: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        """The file's name in the root."""
        return self.url.partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True)
class Downloads:
    """Say where the official files of a data set lie, and on what terms.

    folder: what its folder is called unless the user says otherwise, such as "ISIC_2019".
    licence: its name and where its text stands; becomes LICENSE.txt.
    attribution: whom to name, a line each; becomes ATTRIBUTION.txt.
    files: all that the data set reads.
    """

    folder: str
    licence: str
    attribution: str
    files: tuple[Download, ...]
