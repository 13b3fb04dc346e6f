"""Everything a server needs of a run, read and made once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import skinfw
from skinfw import SkinfwError
from skinfw.toolkit import (
    NETWORK_LIMITS,
    TorchPredictor,
    echo,
    load_trained_model,
    printable,
    read_run,
    run_explainers,
    usable_cores,
)
from skinfw_serve.operating_points import read_operating_points
from skinfw_serve.schemas import About, Bounds, SimilarCases
from skinfw_serve.service import Service
from skinfw_serve.similar import training_index
from skinfw_serve.words import class_in_words

if TYPE_CHECKING:
    from skinfw.toolkit import TrainedModel
    from skinfw_serve.policy import Policy
    from skinfw_serve.similar import TrainingIndex

CARD = "README.md"
_THREADS = 4  # at most that compute; more cores help each of them
_LARGE = 400_000_000
"""Bytes of weights that are not held several times."""
_CARD_LETTERS = 200_000
_EXPLAINER = "grad-cam"
"""Makes the maps of runs whose recipe names no explainer."""


def load_service(
    run: Path,
    sets: Sequence[str],
    trust: bool,
    network: Literal["best", "refit"] | None,
    similar: bool,
    policy: Policy,
) -> tuple[Service, About]:
    """Return what answers for images with the network of a run, and what is known of it.

    sets, trust, network: as for `load_trained_model`.
    similar: whether images are to be compared with those of training.
    """
    model = load_trained_model(run, sets, trust, network)
    model.check_whole_images()
    model.check_pictures()
    record = read_run(model.path)
    explainer = run_explainers(model, _EXPLAINER)[0]
    points = read_operating_points(model)
    index, why = _index(model, record, similar)
    service = Service(_predictors(model), explainer, points, index)
    fitted = model.calibration
    about = About(
        name=str(record.get("name") or model.path.name),
        skinfw=skinfw.__version__,
        network=model.network,
        classes=[class_in_words(name) for name in model.classes],
        limits=_limits(model),
        calibrated=math.isfinite(fitted.temperature),
        coverage=fitted.coverage if fitted.limits and math.isfinite(fitted.coverage) else None,
        always_in_sets=_always_in_sets(model),
        tells_unknown=math.isfinite(fitted.unknown),
        explainer=explainer.use,
        operating_points=[point.name for point in points],
        similar=SimilarCases(
            images=len(index.rows) if index else 0,
            why=why,
            licence=index.licence if index else "",
            attribution=index.attribution if index and index.licence else "",
        ),
        bounds=_bounds(model, policy),
        card=_card(model.path / CARD),
    )
    return service, about


def _predictors(model: TrainedModel) -> list[TorchPredictor]:
    """Return the network as often as threads can make use of it: on a GPU, or a large one, once."""
    first = TorchPredictor(model)
    size = sum(own.weights.stat().st_size for own in model.networks)
    alone = first.device.type != "cpu" or size > _LARGE
    more = 0 if alone else min(_THREADS, usable_cores()) - 1
    return [first, *(TorchPredictor(model) for _ in range(more))]


def _bounds(model: TrainedModel, policy: Policy) -> Bounds:
    return Bounds(
        image_bytes=min(policy.image_bytes, model.image.max_megabytes * 1_000_000),
        pixels=model.image.max_pixels,
        formats=list(model.image.formats),
        batch_bytes=policy.batch_bytes,
        batch_images=policy.batch_images,
        requests=policy.requests,
        rate=policy.rate,
        body_seconds=policy.body_seconds,
    )


def _index(
    model: TrainedModel, record: dict[str, Any], wanted: bool
) -> tuple[TrainingIndex | None, str]:
    """Return the index of the training images, and why there is none or it shows no thumbnails."""
    if not wanted:
        return None, "--no-similar: images are not compared with those of training"
    try:
        index = training_index(model, record, _progress)
    except SkinfwError as error:
        why = "; ".join(printable(text) for text in (error.what, error.why) if text)
        said = f"similar training cases are not told: {why}"
        echo(f"note: {said}")
        return None, said
    if index.licence:
        return index, ""
    return index, "the data set does not say that its licence permits to show its images"


def _progress(done: int, images: int) -> None:
    echo(f"comparing with training images, computed once: {done:,} of {images:,}")


def _limits(model: TrainedModel) -> list[str]:
    """Return what must be known before an answer is believed."""
    fitted = model.calibration
    limits = [
        *NETWORK_LIMITS,
        *model.image_marks(),
    ]
    if not math.isfinite(fitted.temperature):
        limits.append("Its probabilities are not calibrated: the run has fitted no temperature.")
    if not fitted.limits:
        limits.append("It tells no prediction sets: the run has fitted none.")
    if always := _always_in_sets(model):
        names = ", ".join(always)
        limits.append(f"In every prediction set, for lack of validation lesions: {names}.")
    if not math.isfinite(fitted.unknown):
        limits.append("It does not tell what is unlike its training: the run has fitted no limit.")
    return limits


def _always_in_sets(model: TrainedModel) -> list[str]:
    limits = model.calibration.limits
    return [name for name in model.classes if math.isinf(limits.get(name, 0.0))]


def _card(file: Path) -> str:
    """Return a model card without its head, which machines read; empty where there is none."""
    if not file.is_file():  # nor a pipe, which would be waited for
        return ""
    try:
        with file.open(encoding="utf-8", errors="replace") as source:
            text = source.read(_CARD_LETTERS)
    except OSError:
        return ""
    if text.startswith("---\n") and "\n---\n" in text[4:]:
        text = text[4:].partition("\n---\n")[2]
    return text.strip()
