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


def read_evaluation(file: Path) -> dict[str, Any]:
    """Read evaluation.json; raise SkinfwError that names what is wrong with it."""
    cure = "restore it, or evaluate again: skinfw evaluate RUN"
    return {"marks": [], **read_record(EvaluationSchema, file, cure)}
