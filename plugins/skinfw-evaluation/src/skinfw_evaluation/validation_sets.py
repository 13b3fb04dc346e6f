"""The data sets that a validation is asked for, and how they are judged one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from skinfw import SkinfwError, ValidationSet
from skinfw.toolkit import DataPlan, echo, file_name, load_data_plan
from skinfw_evaluation.validation import HOME, Validator
from skinfw_evaluation.validation_files import write_foreign

PARTS = ("all", "train", "val", "test")


@dataclass(frozen=True)
class Wanted:
    """Hold a data set that is named in the command.

    name: as the validation calls it, which no other has.
    path: of its recipe, or the name of a shipped one.
    part: "all", or one of the parts of its split.
    """

    name: str
    path: Path
    part: str

    @property
    def file_name(self) -> str:
        """The name as a name of files."""
        return file_name(self.name)

    @property
    def text(self) -> str:
        """What stands for it in a command, in whatever folder that is given."""
        path = self.path.resolve() if self.path.exists() else self.path
        return f"{path}={self.part}" if self.part != "all" else str(path)


Outcome = ValidationSet | SkinfwError
"""What was found on a data set, or why it could not be judged."""


def wanted_sets(texts: Sequence[str]) -> list[Wanted]:
    """Return the data sets that a command names.

    texts: each a recipe, or RECIPE=PART.
    """
    wanted: list[Wanted] = []
    for text in texts:
        place, equals, part = text.rpartition("=")
        apart = bool(equals) and part in PARTS
        path, part = (Path(place), part) if apart else (Path(text), "all")
        name = path.stem if part == "all" else f"{path.stem} {part}"
        wanted.append(Wanted(_unused_name(name, wanted), path, part))
    return wanted


def _unused_name(name: str, wanted: Sequence[Wanted]) -> str:
    """Return a name that no other data set of the validation has."""
    others, number, unused = {HOME, *(own.name for own in wanted)}, 2, name
    while unused in others:
        unused, number = f"{name} ({number})", number + 1
    return unused


def load_plans(
    wanted: Sequence[Wanted], trust: bool
) -> tuple[dict[str, DataPlan], dict[str, SkinfwError]]:
    """Return what the recipe of each data set says of it, or else what is wrong with that."""
    plans: dict[str, DataPlan] = {}
    failures: dict[str, SkinfwError] = {}
    for one in wanted:
        try:
            plans[one.name] = load_data_plan(one.path, trust=trust or None)
        except SkinfwError as error:
            failures[one.name] = error
    return plans, failures


def judge_in_turn(
    validator: Validator,
    plans: Mapping[str, DataPlan],
    wanted: Sequence[Wanted],
    names: Mapping[str, str],
    folder: Path,
) -> Iterator[tuple[Wanted, Outcome]]:
    """Judge data sets one after the other, write the predictions, and yield what was found.

    plans: of each data set, by name.
    names: as `Validator.judge` takes them.
    folder: of the validation.
    """
    for one in wanted:
        echo(f"{one.name} ...")
        try:
            found, foreign = validator.judge(one.name, plans[one.name], one.part, names, echo)
        except SkinfwError as error:
            yield one, error
        else:
            write_foreign(predictions_file(folder, one), foreign)
            yield one, found


def predictions_file(folder: Path, one: Wanted) -> Path:
    """Return the file for what the network says of the images of a data set."""
    return folder / "predictions" / f"{one.file_name}.csv"


def read_labels(folder: Path, one: Wanted) -> set[str]:
    """Return the labels that the images of a data set were compared by."""
    file = predictions_file(folder, one)
    return set(pd.read_csv(file, usecols=["label"], dtype=str, keep_default_na=False)["label"])
