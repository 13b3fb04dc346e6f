"""The tables of a recipe that belong to the host, and the keys it adds to components.

They are read like the parameters of any component: the signature is the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval, Lt


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
    """

    size: Annotated[int, Interval(ge=32, le=2048)] = 224


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Set how long and how to train.

    epochs: passes over the sampler's draw.
    batch_size: images per batch, on all devices together.
    accumulate: batches per optimizer step.
    clip_norm: largest gradient norm; 0 does not clip.
    ema: decay of the moving average of the weights that is evaluated and kept; 0 keeps none.
    early_stopping: epochs without a better `select` before training stops; 0 never stops.
    select: the number of the validation part that chooses the best epoch; `val_loss` chooses
        the smallest, every other number the largest.
    validation: the part that chooses; "test" only to repeat a published protocol, and the run
        is marked.
    limit_batches: batches per epoch for a quick look; 0 takes all. The run is marked.
    limit_eval_batches: the same for validation and test.
    """

    epochs: Annotated[int, Ge(1)] = 10
    batch_size: Annotated[int, Ge(2)] = 32
    accumulate: Annotated[int, Ge(1)] = 1
    clip_norm: Annotated[float, Ge(0)] = 0.0
    ema: Annotated[float, Ge(0), Lt(1)] = 0.0
    early_stopping: Annotated[int, Ge(0)] = 0
    select: str = "balanced_accuracy"
    validation: Literal["val", "test"] = "val"
    limit_batches: Annotated[int, Ge(0)] = 0
    limit_eval_batches: Annotated[int, Ge(0)] = 0


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Set how the machine computes; only `precision` may change a number beyond rounding.

    device: "auto" takes a GPU where there is one.
    precision: of the forward pass; "auto" is bf16 on a GPU that has it, else fp32.
    memory_format: "auto" is channels_last, which convolutions like on every device.
    workers: processes that load images; -1 chooses: none on a CPU, whose cores train.
    eval_batch_size: images per batch in validation and test; 0 takes twice `train.batch_size`.
    save_minutes: also save the resumable state inside long epochs, this often.
    """

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    memory_format: Literal["auto", "contiguous", "channels_last"] = "auto"
    workers: Annotated[int, Interval(ge=-1, le=128)] = -1
    eval_batch_size: Annotated[int, Ge(0)] = 0
    save_minutes: Annotated[float, Gt(0)] = 10.0


@dataclass(frozen=True, kw_only=True)
class AugmentKeys:
    """Set which images an op may touch.

    only: "copies" for the extra repeats of oversampled images, "originals" for the rest,
        "all" for both.
    """

    only: Literal["all", "copies", "originals"] = "all"


@dataclass(frozen=True, kw_only=True)
class ExplainerKeys:
    """Set what is explained.

    images: test images to explain, spread over the classes.
    target: explain the "predicted" or the "true" class.
    """

    images: Annotated[int, Interval(ge=1, le=512)] = 16
    target: Literal["predicted", "true"] = "predicted"


SETTINGS: dict[str, type] = {
    "image": ImageSettings,
    "train": TrainSettings,
    "engine": EngineSettings,
}
KEYS: dict[str, type] = {"augment": AugmentKeys, "explainer": ExplainerKeys}
