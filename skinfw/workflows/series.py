"""Several runs of one recipe in one folder, which differ in one key: folds, and seeds."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from skinfw.errors import SkinfwError
from skinfw.files.atomic import write_json
from skinfw.files.json_files import read_record
from skinfw.files.paths import display_path, file_name, new_folder
from skinfw.recipe.plan import Plan, load_plan
from skinfw.recipe.run_record import Schema, read_run
from skinfw.recipe.settings import REFIT_ON_ALL
from skinfw.workflows.run_folder import RunFolder

VERSION = 1
"""Of the words of the file of a series; one without the key schema_version is of the first."""


@dataclass(frozen=True)
class SeriesKind:
    """Say what the runs of a series differ in.

    word: what one of them is called: "fold", "seed".
    key: the key of the recipe, with dots.
    first: its first value; the others follow.
    command: what goes on with a series that was stopped.
    """

    word: str
    key: str
    first: int
    command: str

    @property
    def file(self) -> str:
        """The file that says what the series is."""
        return f"{self.word}s.json"


FOLDS = SeriesKind("fold", "split.fold", 0, "cross-validate")
SEEDS = SeriesKind("seed", "seed", 1, "run")


class SeriesSchema(Schema):
    """Say what is read of folds.json and seeds.json."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)] = VERSION
    recipe: Annotated[str, Field(min_length=1, max_length=4096)]
    sets: list[str]
    count: Annotated[int, Field(ge=2, le=10_000)]


@dataclass(frozen=True)
class RunSeries:
    """Hold a series of runs.

    kind: what they differ in.
    folder: where they are, fold-0 and so on.
    recipe: the file, or the name of a shipped recipe.
    sets: what was set besides.
    count: how many runs there are.
    """

    kind: SeriesKind
    folder: Path
    recipe: Path
    sets: tuple[str, ...]
    count: int

    @property
    def resume_command(self) -> str:
        """What goes on with it where it was stopped."""
        return f"skinfw {self.kind.command} {display_path(self.folder)} --resume"

    @property
    def values(self) -> range:
        """The values of the key that the runs differ in."""
        return range(self.kind.first, self.kind.first + self.count)

    def run_path(self, value: int) -> Path:
        """Return the run folder of one value."""
        return self.folder / f"{self.kind.word}-{value}"

    def changed(self, value: int) -> tuple[str, ...]:
        """Return what is set for one run; nobody would use the refit of one of many."""
        return (*self.sets, f"{self.kind.key}={value}", "train.refit=none")

    def lineage(self, value: int) -> dict[str, Any]:
        """Return what one run is one of, as the hook `run_start` tells it."""
        about = {"word": self.kind.word, "value": value, "count": self.count}
        return {"study": self.folder.name, **about}

    def record(self) -> dict[str, Any]:
        """Return what its file says of it."""
        about = {"recipe": str(self.recipe), "sets": list(self.sets), "count": self.count}
        return {"schema_version": VERSION, **about}

    def marks(self) -> list[str]:
        """Return the marks of all runs, each once; no number of theirs is that of a refit."""
        marks: dict[str, None] = {}
        for value in self.values:
            marks |= dict.fromkeys(read_run(self.run_path(value)).get("marks", ()))
        return [mark for mark in marks if mark != REFIT_ON_ALL]


def create_series(
    kind: SeriesKind, parent: Path, plan: Plan, recipe: Path, sets: Sequence[str], count: int
) -> RunSeries:
    """Make the folder of a series.

    parent: where runs go.
    plan: the checked recipe.
    """
    name = f"{file_name(plan.recipe.name)}-{kind.word}s-{time.strftime('%Y%m%d-%H%M%S')}"
    # The bare name of a shipped recipe is found again by itself.
    path = recipe.resolve() if recipe.exists() else recipe
    series = RunSeries(kind, new_folder(parent, name), path, tuple(sets), count)
    write_json(series.folder / kind.file, series.record())
    return series


def open_series(kind: SeriesKind, folder: Path) -> RunSeries:
    """Open the folder of a series, to go on with it or to read its runs."""
    record = read_record(SeriesSchema, folder / kind.file, "restore the file, or start anew")
    return RunSeries(kind, folder, Path(record["recipe"]), tuple(record["sets"]), record["count"])


def plan_run(series: RunSeries, value: int, trust: bool | None) -> Plan:
    """Return the checked recipe of one run.

    All runs have the batch size that "auto" came to in the first, so that they differ in their
    key alone.

    trust: as `load_plan` takes it.
    """
    plan = load_plan(series.recipe, series.changed(value), trust=trust)
    first = series.run_path(series.kind.first)
    if plan.train.batch_size != "auto" or not (first / "run.json").is_file():
        return plan
    size = read_run(first)["recipe"]["train"]["batch_size"]
    sets = (*series.changed(value), f"train.batch_size={size}")
    return load_plan(series.recipe, sets, trust=trust)


def check_unchanged(series: RunSeries, plan: Plan) -> None:
    """Refuse a recipe that has changed since the first run.

    plan: the recipe of another run.
    """
    first = series.run_path(series.kind.first)
    if not (first / "run.json").is_file():
        return
    old = read_run(first)["recipe"]
    new = json.loads(json.dumps(plan.resolved()))
    table, _, key = series.kind.key.rpartition(".")
    for recipe in (old, new):
        # A run that people use may have a refit of its own since.
        recipe["train"] = {**recipe["train"], "refit": None}
        if table:
            recipe[table] = {**recipe.get(table, {}), key: None}
        else:
            recipe[key] = None
    if old != new:
        tables = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        raise SkinfwError(
            f"the recipe has changed since the first {series.kind.word}",
            display_path(series.recipe),
            f"other {series.kind.word}s would be trained otherwise: {', '.join(tables)}",
            "restore it, or start anew without --resume",
        )


def run_folder(series: RunSeries, value: int, plan: Plan) -> tuple[RunFolder, bool]:
    """Return the run folder of a value, and whether it was there already."""
    path = series.run_path(value)
    if (path / "run.json").is_file():
        return RunFolder.open(path), True
    return RunFolder.create(series.folder, plan, path.name, series.lineage(value)), False
