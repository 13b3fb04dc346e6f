"""The training images that a network sees much like another one: an index that is kept."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError, atomic_write
from skinfw.toolkit import (
    DECODER,
    Decoding,
    Limits,
    ModelEvaluator,
    cache_folder,
    file_digest,
    image_function,
    load_plan,
    recorded_data,
)
from skinfw_serve.schemas import SimilarCase
from skinfw_serve.words import class_in_words

if TYPE_CHECKING:
    import pandas as pd

    from skinfw import Dataset
    from skinfw.toolkit import TrainedModel

Vectors = npt.NDArray[np.float32]
TOGETHER = 256
"""Images whose features are computed between two looks at the progress."""
SIDE = 112
"""Pixels of the longer side of a thumbnail."""
_KEPT = 256  # thumbnails


@dataclass(frozen=True)
class TrainingIndex:
    """Hold the features of all training images.

    rows: the training part of the data set's table.
    directions: float32 [N, D], features of length one.
    licences: of each data set by its name in the column source; "" for a single one. An empty
        licence permits nothing to be shown.
    attribution: whom these licences ask to name.
    thumbnail: returns a small JPEG in base64 of the image at a path; None where it is not there.
    """

    rows: pd.DataFrame
    directions: Vectors
    licences: Mapping[str, str]
    attribution: str
    thumbnail: Callable[[str], str | None] = field(repr=False)

    @property
    def licence(self) -> str:
        """The licences that permit thumbnails."""
        return "; ".join(dict.fromkeys(filter(None, self.licences.values())))

    def nearest(self, features: Vectors, count: int) -> list[SimilarCase]:
        """Return the most similar images, one of each lesion.

        features: float32 [D].
        """
        cosines = self.directions @ _of_length_one(features[None])[0]
        found: list[SimilarCase] = []
        lesions: set[str] = set()
        for place in np.argsort(-cosines, kind="stable"):
            if len(found) == count:
                break
            row = self.rows.iloc[int(place)]
            if row["lesion"] in lesions:
                continue
            lesions.add(row["lesion"])
            permitted = bool(self.licences.get(str(row.get("source", ""))))
            label = str(row["label"])
            found.append(
                SimilarCase(
                    label=label,
                    words=class_in_words(label).words,
                    similarity=float(cosines[place]),
                    id=str(row["id"]) if permitted else None,
                    thumbnail=self.thumbnail(str(row["path"])) if permitted else None,
                )
            )
        return found


def _thumbnail(draw: Callable[[str], npt.NDArray[np.uint8]], path: str) -> str | None:
    """Return a small JPEG in base64; None where the image is not there any more."""
    try:
        image = draw(path)
    except SkinfwError:
        return None
    scale = SIDE / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, content = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return base64.b64encode(content.tobytes()).decode()


def training_index(
    model: TrainedModel, record: Mapping[str, Any], count: Callable[[int, int], None]
) -> TrainingIndex:
    """Return the index of a run's training images, computed once and then kept in the cache.

    record: of the run.
    count: told how many images are done, and of how many.
    Raises SkinfwError where the data of the run are not on this machine any more.
    """
    plan = load_plan(model.path, trust=model.trust or None)
    rows = recorded_data(plan, model.path)
    rows = rows[rows["part"] == "train"].reset_index(drop=True)
    dataset, component = plan.dataset, plan.components.dataset
    file = cache_folder() / "similar" / f"{_key(model, record, rows)}.npy"
    directions = _read(file, len(rows))
    if directions is None:
        directions = _compute(model, rows, dataset, count)
        _keep(file, directions)
    own = image_function(dataset)
    draw = component.wrap(own) if own else Decoding(SIDE, limits=Limits.of(plan.image)).read
    thumbnail = lru_cache(_KEPT)(partial(_thumbnail, draw))
    sets: dict[str, object] = {own.host["source"]: own.implementation for own in component.sets}
    sets = sets or {"": dataset}
    licences = {name: str(getattr(own, "display_licence", "")) for name, own in sets.items()}
    said = [getattr(getattr(one, "downloads", None), "attribution", "") for one in sets.values()]
    attribution = " ".join(dict.fromkeys(filter(None, said)))
    return TrainingIndex(rows, directions, licences, attribution, thumbnail)


def _key(model: TrainedModel, record: Mapping[str, Any], rows: pd.DataFrame) -> str:
    """Return what decides the features: weights, data, and how images are looked at."""
    parts = [
        DECODER,
        record.get("data_fingerprint", ""),
        [file_digest(own.weights) for own in model.networks],
        [{name: own.tables.get(name) for name in ("image", "prepare", "view")}
         for own in model.networks],
        rows[["id", "label"]].to_numpy().tolist(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _compute(
    model: TrainedModel,
    rows: pd.DataFrame,
    dataset: Dataset,
    count: Callable[[int, int], None],
) -> Vectors:
    evaluator, parts = ModelEvaluator(model), []
    for start in range(0, len(rows), TOGETHER):
        count(start, len(rows))
        part = rows.iloc[start : start + TOGETHER].reset_index(drop=True)
        parts.append(evaluator.features(part, dataset).values)
    count(len(rows), len(rows))
    return _of_length_one(np.concatenate(parts).astype(np.float32))


def _of_length_one(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def _keep(file: Path, directions: Vectors) -> None:
    """Write directions behind their checksum; a cache that cannot be written costs nothing else."""
    content = io.BytesIO()
    np.save(content, directions, allow_pickle=False)
    digest = hashlib.sha256(content.getbuffer()).digest()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(file) as partial:
            partial.write_bytes(digest + content.getvalue())
    except (OSError, SkinfwError):
        return


def _read(file: Path, images: int) -> Vectors | None:
    """Return the directions of so many images; None where they are not there, or damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, rest = content[:32], content[32:]
    if hashlib.sha256(rest).digest() != digest:
        return None
    directions = np.load(io.BytesIO(rest), allow_pickle=False)
    return directions if directions.ndim == 2 and len(directions) == images else None
