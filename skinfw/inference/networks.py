"""Which network of a run folder is meant: the one of its numbers, or a refit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from skinfw.errors import SkinfwError
from skinfw.files.paths import display_path
from skinfw.interfaces.calibration import FittedCalibration
from skinfw.interfaces.values import PARTS
from skinfw.recipe.loading import BEST_WEIGHTS, REFIT_WEIGHTS
from skinfw.recipe.settings import REFIT_PARTS

NetworkName = Literal["best", "refit"]
WEIGHTS: dict[NetworkName, str] = {"best": BEST_WEIGHTS, "refit": REFIT_WEIGHTS}
"""The networks that a run folder may have, and their files."""


def refit_record(
    record: Mapping[str, Any], folder: Path, network: NetworkName | None
) -> Mapping[str, Any]:
    """Return what run.json tells of the refit, nothing where the first network is meant.

    record: of run.json.
    folder: of the run.
    network: which one; the refit unless given, where the run has one.
    Raises SkinfwError where a refit is wanted and not there.
    """
    refit: Mapping[str, Any] = record.get("refit") or {}
    complete = bool(refit.get("weights"))
    if network == "refit" and record.get("combination"):
        raise SkinfwError(
            "an ensemble has no refit",
            display_path(folder),
            "it answers by the networks that it was made of",
            "make one of refits: skinfw ensemble RUN RUN --network refit --out FOLDER",
        )
    if network == "refit" and not complete:
        raise SkinfwError(
            "the run has no refit",
            display_path(folder),
            "it is not complete" if refit else "it has one network",
            f"skinfw run {display_path(folder)} --resume"
            if refit
            else f"skinfw refit {display_path(folder)} --on train+val",
        )
    return refit if complete and network != "best" else {}


def check_weights(folder: Path, record: Mapping[str, Any], refit: Mapping[str, Any]) -> None:
    """Raise SkinfwError where the weights are not there.

    folder: of the run.
    record: of run.json.
    refit: what it tells of the refit, where that is meant.
    """
    if refit and not (folder / REFIT_WEIGHTS).is_file():
        raise SkinfwError(
            "the weights of the refit are not there",
            str(folder / REFIT_WEIGHTS),
            "run.json says that answers come from them",
            "restore the file; or add --network best, the network of the run's numbers",
        )
    alone = not refit and not record.get("combination")  # members are looked at one by one
    if (alone and not (folder / BEST_WEIGHTS).is_file()) or "classes" not in record:
        raise SkinfwError(
            "the run has no weights to use",
            str(folder / BEST_WEIGHTS),
            "they are saved at the end of its first epoch",
            f"skinfw run {display_path(folder)} --resume",
        )


def refit_marks(refit: Mapping[str, Any], calibration: FittedCalibration) -> list[str]:
    """Return what must be known of answers of a refit.

    refit: what run.json tells of it; nothing where the first network is meant.
    calibration: what was fitted on answers of the first network.
    """
    if not refit:
        return []
    marks = [
        f"the refit answers, trained on {refit['images']:,} images ({refit['on']}) until epoch "
        f"{refit['epochs']}; the numbers of the run are those of its first network"
    ]
    if calibration.record() != FittedCalibration().record():
        marks.append(
            "temperature, prediction sets and the limit of the unknown were fitted on answers of "
            "the first network; for the refit nothing promises them"
        )
    return marks


def learned_parts(validation: str, refit: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parts that a network was trained on, or chosen by.

    validation: the part that chose the epochs.
    refit: as `refit_marks` takes it.
    """
    parts = {"train", "val", validation, *REFIT_PARTS.get(refit.get("on", ""), ())}
    return tuple(part for part in PARTS if part in parts)
