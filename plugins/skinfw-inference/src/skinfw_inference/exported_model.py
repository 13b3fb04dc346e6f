"""What an exported file says of its network, so that it can be used without the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from skinfw import FittedCalibration, SkinfwError, __version__
from skinfw.toolkit import (
    CalibrationSchema,
    ClassNames,
    ImageSettings,
    JsonError,
    Schema,
    TrainedModel,
    check_calibration,
    check_schema,
    display_path,
    file_digest,
    import_target,
    parameters,
    parse_json,
)

NOTICE = "research software, not a medical device"
VERSION = 2
"""Of the words of an exported file; one without schema_version, or without modalities, is of 1."""
CURE = "write it with skinfw export RUN --onnx"
_TABLES = ("image", "prepare", "view", "backbone", "modify")


class _Named(Schema):
    use: str


class _Modalities(Schema):
    """Say what a network gets beside one picture.

    pictures: columns of further pictures.
    numbers: columns of numbers, in their own units; their scale is inside the file.
    """

    pictures: list[str] = Field(default_factory=list)
    numbers: list[str] = Field(default_factory=list)
    categories: dict[str, list[str]] = Field(default_factory=dict)


class _Schema(Schema):
    """Say what is read of an exported file's texts, each of them JSON."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)] = VERSION
    classes: ClassNames
    marks: list[str]
    training_images: list[Annotated[int, Field(ge=0)]] = Field(default_factory=list)
    calibration: CalibrationSchema = CalibrationSchema()
    modalities: _Modalities = _Modalities()
    image: dict[str, Any]
    view: _Named
    backbone: _Named
    prepare: list[_Named]
    modify: list[_Named]


def write_metadata(model: TrainedModel) -> dict[str, str]:
    """Return all that is needed to use a network without its run folder, as texts.

    model: of a run folder.
    """
    about = import_target(model.view.entry, "")[1]
    return {
        "notice": NOTICE,
        "marks": json.dumps(model.marks),
        "classes": json.dumps(model.classes),
        "training_images": json.dumps(model.counts),
        "calibration": json.dumps(model.calibration.record()),
        **_inputs(model),
        "output": f"probabilities: float32 [N, {len(model.classes)}]",
        **{name: json.dumps(model.tables.get(name, [])) for name in _TABLES},
        "view_does": " ".join(about.summary.split()),
        "weights_sha256": " ".join(file_digest(own.weights) for own in model.networks),
        **_ensemble(model),
        "skinfw_version": __version__,
    }


def _inputs(model: TrainedModel) -> dict[str, str]:
    """Return what the file takes; older versions read none that takes more than one picture."""
    first, size = model.networks[0], model.image.size
    known, pictures = first.known, first.pictures
    if known.pictures == 1 and not known.metadata:
        images = f"images: uint8 RGB [N, {size}, {size}, 3]"
        return {"schema_version": json.dumps(1), "input": images}
    shape = f"[N, {known.pictures}, {size}, {size}, 3]" if pictures else f"[N, {size}, {size}, 3]"
    metadata = f"; metadata: float32 [N, {len(known.metadata)}]" if known.metadata else ""
    modalities = {
        "pictures": pictures, "numbers": list(known.numbers), "categories": known.categories
    }  # fmt: skip
    return {
        "schema_version": json.dumps(VERSION),
        "input": f"images: uint8 RGB {shape}{metadata}",
        "modalities": json.dumps(modalities),
    }


def _ensemble(model: TrainedModel) -> dict[str, str]:
    """Return how the answers of several networks are combined, for whoever looks at the file."""
    return {"combination": json.dumps(model.combination.record())} if model.members else {}


def read_metadata(path: Path, texts: Mapping[str, str], trust: bool) -> TrainedModel:
    """Read what an exported file says of its network.

    path: the file, for messages.
    texts: its metadata, as `write_metadata` gave them.
    trust: whether Python files that it names may be imported unseen.
    Raises SkinfwError that says which text is wrong.
    """
    where = display_path(path)
    data: dict[str, Any] = {}
    for name in (name for name in _Schema.model_fields if name in texts):
        try:
            data[name] = parse_json(texts[name])
        except JsonError as error:
            what = f'the text "{name}" of the file is wrong'
            raise SkinfwError(what, where, str(error), CURE) from error
    check_schema(_Schema, data, "the file", where, CURE)
    tables = {name: data[name] for name in _TABLES}
    classes, calibration = tuple(data["classes"]), data.get("calibration", {})
    check_calibration(calibration, classes, where, CURE)
    modalities = _Modalities.model_validate(data.get("modalities", {}))
    tables["modalities"] = {"pictures": modalities.pictures}
    complaints = parameters(ImageSettings).read(tables["image"])[1]
    if complaints:
        raise SkinfwError('the text "image" of the file is wrong', where, complaints[0].text, CURE)
    return TrainedModel(
        path,
        classes,
        tables,
        tuple(data["marks"]),
        modalities={
            "pictures": 1 + len(modalities.pictures),
            "numbers": {name: (0.0, 1.0) for name in modalities.numbers},
            "categories": modalities.categories,
        },
        counts=tuple(data.get("training_images", ())),
        calibration=FittedCalibration.from_record(calibration),
        trust=trust,
    )
