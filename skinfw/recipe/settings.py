"""The tables of a recipe that belong to the host, and the keys it adds to components.

They are read like the parameters of any component: the signature is the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval, Lt, MinLen

Side = Annotated[int, Interval(ge=32, le=2048)]
ImageFormat = Literal["jpeg", "png", "tiff", "webp", "bmp", "jpeg2000", "gif"]
"""Formats whose cost can be bounded before they are decoded; none starts another program."""


@dataclass(frozen=True, kw_only=True)
class TopLevel:
    """Set what stands above the tables of a recipe.

    seed: one number behind all random streams.
    requires: packages that must be installed, as pip would write them.
    """

    seed: Annotated[int, Ge(0)] = 0
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """Set the square that the network sees.

    size: side of the square in pixels; augmentation and views aim at it.
    short: images whose short side is at least twice this long are halved while they are decoded,
        once or more, so that they keep this length; 0 takes one and a half times `size`.
    train_sizes: sides of the square in training, one after the other, each for an equal share of
        the epochs; empty takes `size` throughout. Random crops show a lesion larger than the
        center view does, so that training at a smaller size loses little and saves much time
        (Touvron et al. 2019, arXiv 1906.06423); growing sizes save more (Tan and Le 2021,
        arXiv 2104.00298).
    keep: what the network sees of each image, in training and in evaluation: "all"; the "lesion"
        alone; the "skin" without the lesion; or its "surroundings", all outside the smallest box
        around it, so that not even its shape is left. The rest is black. It needs a data set with
        masks, and asks how much a data set tells beside the lesion (Bissoto et al. 2019,
        arXiv 1904.08818).
    formats: of the files that are decoded, told by what they contain and never by their names;
        "gif" may be added. Of several frames or pages the first is read.
    max_pixels: of the largest image, width times height; half as many for WebP and a quarter for
        JPEG 2000, which cost more. Dermoscopic originals have up to 6,700 x 4,500.
    max_megabytes: of the largest file; for JPEG 2000, which is slow, a sixteenth.
    """

    size: Side = 224
    short: Annotated[int, Interval(ge=0, le=8192)] = 0
    train_sizes: tuple[Side, ...] = ()
    keep: Literal["all", "lesion", "skin", "surroundings"] = "all"
    formats: Annotated[tuple[ImageFormat, ...], MinLen(1)] = (
        "jpeg", "png", "tiff", "webp", "bmp", "jpeg2000"
    )  # fmt: skip
    max_pixels: Annotated[int, Interval(ge=1, le=170_000_000)] = 40_000_000
    max_megabytes: Annotated[int, Interval(ge=1, le=2_000)] = 128

    @property
    def decoded_short(self) -> int:
        """The length that the short side of a decoded image keeps."""
        return self.short or self.size * 3 // 2

    def train_size(self, epoch: int, epochs: int) -> int:
        """Return the side of the square in one epoch of training.

        epoch: from 1.
        epochs: of the whole training.
        """
        sizes = self.train_sizes or (self.size,)
        return sizes[(epoch - 1) * len(sizes) // epochs]


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Set how long and how to train.

    epochs: passes over the sampler's draw.
    batch_size: images per batch, on all devices together; "auto" takes the largest power of two
        per device that its memory allows, up to 128, on a CPU up to 32, and leaves an epoch 16
        batches at least. run.json keeps the number.
    accumulate: batches per optimizer step.
    clip_norm: largest gradient norm; 0 does not clip.
    ema: decay of the moving average of the weights that is evaluated and kept; 0 keeps none.
    swa: share of the epochs, at the end, over which the weights are averaged; from the first of
        them on the average is evaluated and kept, with statistics of batch normalisation of its
        own. It wants a learning rate that stays up, such as of the schedule "constant"; 0 averages
        none, and `ema` averages otherwise. Izmailov et al. 2018 (arXiv 1803.05407).
    freeze: modules of the backbone that do not learn, by their dotted names, such as "blocks.0";
        "trunk" stands for all but the last layer. What is frozen keeps the statistics of its
        batch normalisation, too.
    unfreeze: the epoch from which the frozen modules learn like the others; 0 never.
    early_stopping: epochs without a better `select` before training stops; 0 never stops.
    select: the number of the validation part that chooses the best epoch; `val_loss` chooses
        the smallest, every other number the largest.
    validation: the part that chooses; "test" only to repeat a published protocol, and the run
        is marked.
    refit: train a second network from the beginning once everything is chosen, for as many epochs
        as were best, on "train+val" or on "all" images; "none" trains one. Numbers stay those of
        the first network, and the second answers new images. With "all" the run is marked.
        Goodfellow et al. 2016, Deep Learning, algorithm 7.2.
    limit_batches: batches per epoch for a quick look; 0 takes all. The run is marked.
    limit_eval_batches: the same for validation and test.
    """

    epochs: Annotated[int, Ge(1)] = 10
    batch_size: Annotated[int, Ge(2)] | Literal["auto"] = 32
    accumulate: Annotated[int, Ge(1)] = 1
    clip_norm: Annotated[float, Ge(0)] = 0.0
    ema: Annotated[float, Ge(0), Lt(1)] = 0.0
    swa: Annotated[float, Ge(0), Lt(1)] = 0.0
    freeze: tuple[str, ...] = ()
    unfreeze: Annotated[int, Ge(0)] = 0
    early_stopping: Annotated[int, Ge(0)] = 0
    select: str = "balanced_accuracy"
    validation: Literal["val", "test"] = "val"
    refit: Literal["none", "train+val", "all"] = "none"
    limit_batches: Annotated[int, Ge(0)] = 0
    limit_eval_batches: Annotated[int, Ge(0)] = 0


REFIT_ON_ALL = (
    "no test part is left: the network for use has learned it, too, and the numbers are those of "
    "the network before"
)
"""What a run is marked with whose refit has learned every lesion."""

REFIT_PARTS: dict[str, tuple[str, ...]] = {
    "train+val": ("train", "val"),
    "all": ("train", "val", "test"),
}
"""What a refit learns, by the words of `refit`."""


@dataclass(frozen=True, kw_only=True)
class TeacherSettings:
    """Set whose answers a network learns beside the labels; `skinfw distil` fills it in.

    answers: the table of a teacher's probabilities; empty for no teacher.
    sha256: of this table, which must not change; empty for any.
    share: of the loss that is the distance from the teacher's answers, the Kullback-Leibler
        divergence; the rest is the recipe's loss of the labels, which images without labels lack.
    temperature: by which the logarithms of both answers are divided, so that small probabilities
        are learned, too (Hinton et al. 2015, arXiv 1503.02531).
    marks: what must be known of the teacher before believing the student's numbers.
    """

    answers: str = ""
    sha256: str = ""
    share: Annotated[float, Interval(ge=0, le=1)] = 0.5
    temperature: Annotated[float, Interval(ge=0.1, le=100)] = 2.0
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """Set how the numbers of validation and test are measured, once the training is done.

    replicates: how often the lesions are drawn again for the 95 % interval of each number; 0 makes
        no intervals.
    """

    replicates: Annotated[int, Interval(ge=0, le=100_000)] = 1000


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Set how the machine computes.

    Only `precision` may change a number beyond rounding, and `sync_batch_norm` where several
    processes share a run.

    device: "auto" takes a GPU where there is one.
    precision: of the forward pass; "auto" is bf16 on a GPU that has it, and on a CPU that has
        units for it if a short trial trains clearly faster; else fp32. run.json keeps the choice.
    memory_format: "auto" is channels_last, which convolutions like on every device.
    compile: whether torch compiles the network; "auto" tries it on a GPU and does it where it
        saves more time than it costs, and never on a CPU, where it gains little.
    deterministic: take no kernels but those that give the same bits again, so that a run on a GPU
        repeats as one on a CPU does, on the same GPU with the same versions. It is slower, is not
        compiled unless `compile` is "on", and stops at an operation that has no such kernel.
    sync_batch_norm: let batch normalisation take mean and variance of the images of all processes
        and not of each process's own, so that a run by several processes learns as one does.
    workers: threads that load images ahead; -1 chooses: none on a CPU, whose cores train.
    eval_batch_size: images per batch in validation and test; 0 takes twice `train.batch_size`.
    cache: keep decoded images, and features of a frozen backbone, on the disk for later epochs
        and runs; the folder is ~/.cache/skinfw, or what SKINFW_CACHE names.
    save_minutes: also save the resumable state inside long epochs, this often; less often where
        that would take more than a hundredth of the time.
    """

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    memory_format: Literal["auto", "contiguous", "channels_last"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    deterministic: bool = False
    sync_batch_norm: bool = False
    workers: Annotated[int, Interval(ge=-1, le=128)] = -1
    eval_batch_size: Annotated[int, Ge(0)] = 0
    cache: bool = True
    save_minutes: Annotated[float, Gt(0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class ModalitySettings:
    """Set what the network gets beside one picture, and what it answers beside the class.

    All of it are columns of the data set's table. A component of [[modify]] must make use of it.

    pictures: columns with the paths of further pictures of the same lesion.
    numbers: metadata that are numbers, such as the age; blanks are missing.
    categories: metadata that are words, such as sex and site; blanks and "unknown" are missing.
    auxiliary: what the network learns to answer beside the class, in words.
    auxiliary_weight: share of the auxiliary losses' mean in the loss.
    """

    pictures: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    auxiliary: tuple[str, ...] = ()
    auxiliary_weight: Annotated[float, Gt(0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class DatasetKeys:
    """Set what becomes of image files that cannot be decoded, or that exceed what [image] allows.

    bad: "error" stops before anything is trained; "drop" leaves their rows out, in every part;
        "report" writes them down and goes on, and the run fails where one of them is read. All of
        them stand in bad_images.csv of the run folder. Data sets that draw their images have none.
    """

    bad: Literal["error", "drop", "report"] = "error"


@dataclass(frozen=True, kw_only=True)
class ListedDatasetKeys(DatasetKeys):
    """Set what a data set is among several, which a recipe lists as `[[dataset]]`.

    source: what the column source calls it, and what stands before the names of its images; the
        component's own name unless given.
    labels: from a label of it to a class of all of them, or to nothing, which leaves the images
        out. Other labels go by name and by the table of diagnoses.
    """

    source: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SplitKeys:
    """Set how it is checked that no lesion is on two sides.

    check: what joins images beside lesion, patient and image id: "images" also compares the files
        and finds copies, however resized, compressed, cropped, turned or mirrored; "ids" compares
        none. Data sets that draw their images have no files to compare.
    repair: "drop-from-train" leaves out the training images that share a lesion with validation or
        test, then the validation images that share one with the test.
    allow_leakage: run in spite of lesions on two sides, with a mark beside every number.
    """

    check: Literal["ids", "images"] = "images"
    repair: Literal["none", "drop-from-train"] = "none"
    allow_leakage: bool = False


@dataclass(frozen=True, kw_only=True)
class AugmentKeys:
    """Set which images an op may touch.

    only: "copies" for the extra repeats of oversampled images, "originals" for the rest,
        "all" for both.
    """

    only: Literal["all", "copies", "originals"] = "all"


@dataclass(frozen=True, kw_only=True)
class ViewKeys:
    """Set how the logits of the views become one answer.

    scores: "softmax", or "sigmoid" for networks that were trained to answer a binary question
        per class; its values are scaled to sum one.
    combine: "average" the probabilities of the views, or let each view "vote" for a class.
    logit_adjustment: the power of the classes' shares in the training part by which the
        probabilities of each view are divided. 0 leaves them; 1 turns what was learned from images
        as they come into what is right for equally frequent classes, -1 does the reverse. Choose
        it on the validation part. Menon et al. 2021 (arXiv 2007.07314), post-hoc.
    """

    scores: Literal["softmax", "sigmoid"] = "softmax"
    combine: Literal["average", "vote"] = "average"
    logit_adjustment: Annotated[float, Interval(ge=-2, le=2)] = 0.0


@dataclass(frozen=True, kw_only=True)
class ExplainerKeys:
    """Set what is explained.

    images: test images to explain.
    order: "spread" takes as many of each class, at random; "first" takes the first of the test
        part, in the order of the data set's table.
    mistakes: how many of the most confident mistakes are explained besides.
    explains: the "predicted" or the "true" class.
    """

    images: Annotated[int, Interval(ge=1, le=512)] = 16
    order: Literal["spread", "first"] = "spread"
    mistakes: Annotated[int, Interval(ge=0, le=512)] = 12
    explains: Literal["predicted", "true"] = "predicted"


SETTINGS: dict[str, type] = {
    "image": ImageSettings,
    "modalities": ModalitySettings,
    "train": TrainSettings,
    "teacher": TeacherSettings,
    "evaluate": EvaluateSettings,
    "engine": EngineSettings,
}
LISTED_KEYS: dict[str, type] = {"dataset": ListedDatasetKeys}
"""The keys of kinds that have others where a recipe lists several, which a merger makes one."""

KEYS: dict[str, type] = {
    "dataset": DatasetKeys,
    "split": SplitKeys,
    "augment": AugmentKeys,
    "view": ViewKeys,
    "explainer": ExplainerKeys,
}
