"""What an exported file says of its network, so that it can be used without the run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from skinfw import FittedCalibration, SkinfwError, __version__
from skinfw.toolkit import TrainedModel, import_target

NOTICE = "research software, not a medical device"
_TABLES = ("image", "prepare", "view", "backbone", "modify")


def write_metadata(model: TrainedModel) -> dict[str, str]:
    """Return all that is needed to use a network without its run folder, as texts.

    model: of a run folder.
    """
    size = model.image.size
    about = import_target(model.view.entry, "")[1]
    with model.weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "notice": NOTICE,
        "marks": json.dumps(model.image_marks),
        "classes": json.dumps(model.classes),
        "training_images": json.dumps(model.counts),
        "calibration": json.dumps(model.calibration.record()),
        "input": f"images: uint8 RGB [N, {size}, {size}, 3]",
        "output": f"probabilities: float32 [N, {len(model.classes)}]",
        **{name: json.dumps(model.tables.get(name, [])) for name in _TABLES},
        "view_does": " ".join(about.summary.split()),
        "weights_sha256": digest,
        "skinfw_version": __version__,
    }


def read_metadata(path: Path, texts: Mapping[str, str]) -> TrainedModel:
    """Read what an exported file says of its network.

    path: the file, for messages.
    texts: its metadata, as `write_metadata` gave them.
    """
    try:
        tables = {name: json.loads(texts[name]) for name in _TABLES}
        classes, marks = json.loads(texts["classes"]), json.loads(texts["marks"])
        counts = json.loads(texts.get("training_images", "[]"))
        fitted = FittedCalibration.from_record(json.loads(texts.get("calibration", "{}")))
    except (KeyError, ValueError) as error:
        raise SkinfwError(
            "the file does not say how its network is used",
            str(path),
            f"its metadata lack {error}" if isinstance(error, KeyError) else str(error),
            "write it with skinfw export RUN --onnx",
        ) from error
    return TrainedModel(
        path, tuple(classes), tables, tuple(marks), counts=tuple(counts), calibration=fitted
    )
