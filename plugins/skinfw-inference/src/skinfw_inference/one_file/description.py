"""What the page says of its network: for the program inside of it, and for its reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skinfw import (
    MIN_LESIONS,
    Predictions,
    SkinfwError,
    __version__,
    confidence_intervals,
    few_lesions,
    headline_numbers,
)
from skinfw.toolkit import (
    LOCK,
    NETWORK_LIMITS,
    TrainedModel,
    build_components,
    dataset_name,
    diagnoses,
    file_digest,
    make_view,
    read_run,
    run_predictions,
)


@dataclass(frozen=True)
class NamedText:
    """Hold a row of a table: what it is about, and what is said of it."""

    name: str
    value: str


def program_facts(model: TrainedModel) -> dict[str, Any]:
    """Return what the program in the page computes with, as JSON takes it."""
    image, view = model.image, model.tables["view"]
    return {
        "classes": list(model.classes),
        "words": class_words(model.classes),
        "size": image.size,
        "short": image.decoded_short,
        "view": view,
        "views": len(make_view(model.view, image.size).plan((512, 512))),
        "combine": model.view_averaging.combine,
        "calibration": model.calibration.record(),
        "max_pixels": image.max_pixels,
        "max_bytes": image.max_megabytes * 1_000_000,
    }


def class_words(classes: Sequence[str]) -> dict[str, str]:
    """Return what classes stand for, by the table of diagnoses; unknown names are left out."""
    table = diagnoses()
    words = {name: table.in_words(name) for name in classes}
    return {name: own for name, own in words.items() if own != name}


def class_rows(model: TrainedModel) -> list[dict[str, str]]:
    """Return each class with its words and how many training images it had."""
    words = class_words(model.classes)
    counts = dict(zip(model.classes, model.counts, strict=False))
    return [
        {
            "name": name,
            "words": words.get(name, ""),
            "images": f"{counts[name]:,}" if name in counts else "",
        }
        for name in model.classes
    ]


def calibration_texts(model: TrainedModel) -> dict[str, str]:
    """Return in sentences what was fitted on validation, and what was not."""
    fitted = model.calibration
    texts = {
        "calibration_text": "They are what the network says: no temperature was fitted.",
        "set_text": "No prediction sets were fitted.",
        "unknown_text": "Nothing was fitted that tells an image unlike all that was trained on.",
    }
    if not math.isnan(fitted.temperature):
        texts["calibration_text"] = (
            f"They are at temperature {fitted.temperature:.2f}, fitted on validation images."
        )
    if fitted.limits:
        texts["set_text"] = (
            "What cannot be ruled out is a prediction set, fitted so that it holds the right class "
            f"of {100 * fitted.coverage:.0f} % of the images of each class, for lesions like those "
            "of validation. A class with too few lesions there is never ruled out."
        )
    if not math.isnan(fitted.unknown):
        texts["unknown_text"] = (
            "An image whose highest probability, without temperature, lacks more than "
            f"{fitted.unknown:.3f} of one may show none of the classes. Most known images lack "
            "less; many unknown ones do, too."
        )
    return texts


def card(model: TrainedModel) -> dict[str, Any]:
    """Return the model card: what the network is for, its limits, and its first numbers."""
    record = read_run(model.path)
    data = dataset_name(record["recipe"])
    predictions = _test_predictions(model)
    side = 2 * model.image.decoded_short  # from there on it is halved
    limits = [
        *NETWORK_LIMITS,
        f"Of JPEG files whose shorter side has {side} pixels and more, skinfw makes a smaller "
        "picture in another way than this page, so that probabilities may differ in the second "
        "decimal.",
    ]
    if predictions and (few := few_lesions(predictions)):
        some = ", ".join(f"{name} ({count})" for name, count in few.items())
        limits.append(
            f"Classes with fewer than {MIN_LESIONS} test lesions, whose numbers are coarse: {some}."
        )
    backbone = record["recipe"]["backbone"]["use"]
    return {
        "intended": f"A classifier of skin lesions in dermoscopic images: {backbone}, trained on "
        f"{data}. It is meant for research on images like those. It is not a medical device, was "
        "not tested on patients, and must not decide about any of them.",
        "limits": limits,
        "numbers": _numbers(model, predictions) if predictions else [],
    }


def _test_predictions(model: TrainedModel) -> Predictions | None:
    """Return what the run predicted of its test part, where the folder has it."""
    try:
        return run_predictions(model.path)
    except SkinfwError:
        return None


def _numbers(model: TrainedModel, predictions: Predictions) -> list[NamedText]:
    """Return the first numbers of the test part and the sensitivities, with their intervals."""
    rows: dict[str, NamedText] = {}
    for component, metric in build_components(model.components("metric"), model.classes):
        with component.guard():
            numbers = metric(predictions)
            wanted = headline_numbers("balanced_accuracy", numbers)
            wanted += [f"sensitivity/{name}" for name in model.classes]
            if not any(name in numbers for name in wanted):
                continue
            intervals = confidence_intervals(metric, predictions)
        for name in (name for name in wanted if name in numbers and name not in rows):
            low, high = intervals[name]
            known = f" ({low:.3f} to {high:.3f})" if low == low else ""
            rows[name] = NamedText(_plain(name), f"{numbers[name]:.3f}{known}")
    return list(rows.values())


def _plain(name: str) -> str:
    number, _, label = name.partition("/")
    words = number.replace("_", " ")
    return f"{words} of {label}" if label else words


def provenance(model: TrainedModel) -> list[NamedText]:
    """Return where the network comes from."""
    record = read_run(model.path)
    versions = record.get("versions", {})
    rows = {
        "run": record.get("name", ""),
        "begun": record.get("started", ""),
        "trained by": f"skinfw {versions.get('skinfw', '')}, torch {versions.get('torch', '')}",
        "exported by": f"skinfw {__version__}",
        "data set": dataset_name(record["recipe"]),
        "data (fingerprint)": record.get("data_fingerprint", ""),
        "division (SHA-256)": record.get("split_hash", ""),
        "recipe.lock (SHA-256)": file_digest(model.path / LOCK),
        "weights (SHA-256)": " ".join(file_digest(own.weights) for own in model.networks),
        "network": model.network,
        "image size": f"{model.image.size} pixels, view {model.tables['view']['use']}",
    }
    return [NamedText(name, text) for name, text in rows.items() if text]
