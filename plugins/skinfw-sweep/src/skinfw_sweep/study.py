"""The folder of a sweep: what is tried stands in sweep.json, and what came of it in run folders.

Nothing is written twice, so that no kill can make two files disagree.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from skinfw import RecipeError, SkinfwError, write_json
from skinfw.toolkit import (
    Catalog,
    Origin,
    Plan,
    Recipe,
    RunFolder,
    Schema,
    changed_recipe,
    check_schema,
    display_path,
    file_name,
    json_number,
    load_recipe,
    make_plan,
    new_folder,
    parameters,
    read_record,
    read_run,
    trust_own_files,
)
from skinfw_sweep.definition import Definition
from skinfw_sweep.objectives import smaller_is_better
from skinfw_sweep.settings import Axis, SweepSettings

FILE = "sweep.json"
VERSION = 1
_CURE = "restore the file, or start the sweep anew"
State = Literal["open", "done", "pruned", "failed"]


Ends = Annotated[list[float | None], Field(min_length=2, max_length=2)]


class AxisSchema(Schema):
    """Say what is read of an axis."""

    key: Annotated[str, Field(min_length=1, max_length=1000)]
    choices: list[Any]
    low: int | float
    high: int | float
    step: int | float
    log: bool


class SweepSchema(Schema):
    """Say what is read of sweep.json."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    file: str
    recipe: dict[str, Any]
    settings: dict[str, Any]
    axes: list[AxisSchema]
    listed: Annotated[list[dict[str, Any]], Field(min_length=1)]
    folders: dict[str, str]


class TrialSchema(Schema):
    """Say what is read of the key `trial` of run.json."""

    set: dict[str, Any]
    epochs: list[float | None] = Field(default_factory=list)
    objectives: dict[str, float | None] = Field(default_factory=dict)
    intervals: dict[str, Ends] = Field(default_factory=dict)
    pruned: bool = False


@dataclass(frozen=True)
class Trial:
    """Hold a trial whose run folder is there.

    number: from 0.
    folder: of its run.
    values: what it sets, by keys with dots.
    state: "open" until it is over.
    epochs: `train.select` after each epoch, larger being better; empty while it is open.
    objectives: the numbers of the validation part that the sweep is about, once it is done.
    intervals: of these, where they have one.
    error: what it failed of.
    complete: whether its run came to its end.
    """

    number: int
    folder: Path
    values: dict[str, Any]
    state: State
    epochs: tuple[float, ...] = ()
    objectives: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    error: str = ""
    complete: bool = False


@dataclass(frozen=True)
class Study:
    """Hold the folder of a sweep.

    folder: with sweep.json and a run folder for each trial.
    definition: what is tried.
    recipe: what all trials share.
    trusted: whether Python files that the recipe names are the user's own.
    """

    folder: Path
    definition: Definition
    recipe: Recipe = field(repr=False)
    trusted: bool

    @property
    def resume_command(self) -> str:
        """What goes on with it where it was stopped."""
        return f"skinfw sweep {display_path(self.folder)} --resume"

    @property
    def logs(self) -> Path:
        """The folder of what trials print."""
        return self.folder / "logs"

    @property
    def count(self) -> int:
        """How many trials there are."""
        return self.definition.count

    @cached_property
    def _catalog(self) -> Catalog:
        return Catalog()

    @cached_property
    def plan(self) -> Plan:
        """The checked recipe that all trials share."""
        return make_plan(self.recipe, self._catalog)

    @cached_property
    def smaller(self) -> frozenset[str]:
        """The objectives that are better small, and `train.select` if it is."""
        names = {*self.definition.settings.objectives, self.plan.train.select}
        return frozenset(name for name in names if smaller_is_better(self.plan, name))

    @cached_property
    def grid(self) -> list[dict[str, Any]]:
        """What each trial of a grid sets."""
        return list(self.definition.grid())

    def name(self, number: int) -> str:
        """Return the name of a trial's run folder."""
        return f"trial-{number:04}"

    def plan_of(self, values: Mapping[str, Any]) -> Plan:
        """Return the checked recipe of a trial."""
        tried, folders = self.recipe.whole, self.definition.folders
        places = {key: replace(tried, folder=folders[key]) for key in values if key in folders}
        recipe = changed_recipe(self.recipe, {**values, "train.refit": "none"}, places)
        return make_plan(recipe, self._catalog)

    def trial(self, number: int) -> Trial | None:
        """Return a trial, None where it has no run folder yet."""
        folder = self.folder / self.name(number)
        if not (folder / "run.json").is_file():
            return None
        record = read_run(folder)
        place = display_path(folder / "run.json")
        check_schema(TrialSchema, record.get("trial"), "run.json", place, _CURE)
        own = TrialSchema(**record["trial"])
        objectives = {name: json_number(one) for name, one in own.objectives.items()}
        state, error = _state(record, own, objectives)
        intervals = {name: (json_number(low), json_number(high))
                     for name, (low, high) in own.intervals.items()}  # fmt: skip
        epochs = tuple(map(json_number, own.epochs))
        complete = record["status"] == "done"
        return Trial(number, folder, own.set, state, epochs, objectives, intervals, error, complete)

    def trials(self) -> list[Trial]:
        """Return the trials up to the first that has no run folder yet."""
        every = map(self.trial, range(self.count))
        return [own for own in takewhile(lambda own: own is not None, every) if own]

    def make_trial(self, number: int, values: Mapping[str, Any]) -> None:
        """Make the run folder of a trial, all of it or nothing; who calls it has claimed it."""
        making = self.folder / "making"
        shutil.rmtree(making / self.name(number), ignore_errors=True)  # of one that was killed
        lineage = {"study": self.folder.name, "word": "trial", "value": number,
                   "count": self.count}  # fmt: skip
        run = RunFolder.create(making, self.plan_of(values), self.name(number), lineage)
        run.update(trial={"set": dict(values)})
        run.path.rename(self.folder / self.name(number))


def _state(
    record: Mapping[str, Any], own: TrialSchema, objectives: Mapping[str, float]
) -> tuple[State, str]:
    """Return where a trial stands, and what it failed of."""
    if own.pruned:
        return "pruned", ""
    if record["status"] == "failed":
        return "failed", str(record.get("error") or "")
    if record["status"] != "done":
        return "open", ""
    lacking = [name for name, value in objectives.items() if math.isnan(value)]
    return ("failed", f"{lacking[0]} was not measured") if lacking else ("done", "")


def create_study(parent: Path, definition: Definition, plan: Plan) -> Study:
    """Make the folder of a sweep.

    parent: where runs go.
    plan: the checked recipe that all trials share.
    """
    name = f"{file_name(plan.recipe.name)}-sweep-{time.strftime('%Y%m%d-%H%M%S')}"
    folder = new_folder(parent, name)
    about = {"name": plan.recipe.name, "file": str(plan.recipe.path.resolve())}
    record = {"schema_version": VERSION, **about, "recipe": plan.resolved(), **definition.record()}
    write_json(folder / FILE, record)
    study = open_study(folder, True)
    for own in (plan, *map(study.plan_of, _naming_files(definition))):
        trust_own_files(own)
    return study


def _naming_files(definition: Definition) -> Iterator[dict[str, Any]]:
    """Yield what is tried and names a Python file."""
    choices = ({axis.key: value} for axis in definition.axes for value in axis.choices)
    for values in (*choices, *definition.listed):
        if ".py:" in json.dumps(values):
            yield values


def open_study(folder: Path, trusted: bool) -> Study:
    """Open the folder of a sweep.

    trusted: whether Python files that its recipe, or what it tries, names are the user's own.
    """
    if not (folder / FILE).exists():
        raise RecipeError(
            "this is no folder of a sweep",
            display_path(folder),
            f"it has no {FILE}",
            "name the folder that skinfw sweep has told of, runs/NAME-sweep-TIME",
        )
    record = read_record(SweepSchema, folder / FILE, _CURE)
    settings, complaints = parameters(SweepSettings).read(record["settings"])
    for one in complaints:
        where, key = display_path(folder / FILE), ".".join(map(str, one.keys))
        raise SkinfwError(f"{FILE} cannot be read", where, f"settings.{key} {one.text}", _CURE)
    read = [AxisSchema(**own).model_dump() for own in record["axes"]]
    axes = tuple(Axis(**{**own, "choices": tuple(own["choices"])}) for own in read)
    folders = {key: Path(place) for key, place in record["folders"].items()}
    definition = Definition(SweepSettings(**settings), axes, tuple(record["listed"]), folders)
    tables = load_recipe(record["recipe"], trust=trusted)
    file = Path(record["file"])
    tried = Origin(display_path(folder / FILE), file.parent, trusted=trusted)
    recipe = replace(tables, name=record["name"], path=file, whole=tried)
    return Study(folder, definition, recipe, trusted)


def signed(value: float, smaller: bool) -> float:
    """Return a number of which more is better, or the number that it was made of."""
    return -value if smaller else value
