"""What is read of the files that evaluations keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from skinfw.toolkit import ClassNames, RecordedRecipe, Schema, read_record

VERSION = 1
"""Of the words of the file; one without the key schema_version is of the first."""

Version = Annotated[int, Field(ge=1, le=VERSION)]


class EvaluationSchema(Schema):
    """Say what is read of evaluation.json."""

    schema_version: Version = VERSION
    recipe: RecordedRecipe
    classes: ClassNames
    name: str = ""
    marks: list[str] = Field(default_factory=list)


class GroupSchema(Schema):
    """Say what is read of a group of labels and classes."""

    name: str
    labels: list[str]
    classes: list[str]


class EstimateSchema(Schema):
    """Say what is read of a number; null was not measured."""

    value: float | None
    low: float | None
    high: float | None


class NumberSchema(Schema):
    """Say what is read of a number beside that at home."""

    there: EstimateSchema
    home: EstimateSchema
    drop: EstimateSchema
    images: int
    lesions: int


class DataSetSchema(Schema):
    """Say what is read of one data set of a validation."""

    name: str
    dataset: str
    images: int
    lesions: int
    left_out: dict[str, int]
    groups: list[GroupSchema]
    notes: list[str]
    numbers: dict[str, NumberSchema]


class ValidationSchema(Schema):
    """Say what is read of validation.json."""

    schema_version: Version = VERSION
    data_sets: Annotated[list[DataSetSchema], Field(min_length=1)]


def read_evaluation(file: Path) -> dict[str, Any]:
    """Read evaluation.json; raise SkinfwError that names what is wrong with it."""
    cure = "restore it, or evaluate again: skinfw evaluate RUN"
    return {"marks": [], **read_record(EvaluationSchema, file, cure)}
