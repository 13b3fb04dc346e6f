"""A protocol: what all trials of a league share, and what they differ in, checked like a recipe."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval, MinLen

from skinfw import RecipeError, SkinfwError
from skinfw.toolkit import (
    Catalog,
    Origin,
    Plan,
    Recipe,
    did_you_mean,
    load_recipe,
    make_plan,
    parameters,
    place_order,
    raise_all,
    read_recipe_file,
)

AXES = ("dataset", "backbone", "loss", "sampler")
"""The kinds that trials may differ in, in the order of the columns."""

TABLE = "league"
LONGEST_NAME = 60
_ALONE: Mapping[str, Any] = {"report": [], "explainer": []}
"""Of a trial: what a recipe says of reports and explainers is for the page of the league."""

Keys = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class LeagueSettings:
    """Set what a league measures.

    recipe: what all trials share: a file beside the protocol, or the name of a shipped recipe.
    number: of the test part, by which they are ranked.
    seeds: how often each of them is trained, with the seeds 1, 2, 3 and so on.
    """

    recipe: Annotated[str, MinLen(1)]
    number: Annotated[str, MinLen(1)] = "balanced_accuracy"
    seeds: Annotated[int, Interval(ge=1, le=100)] = 3


@dataclass(frozen=True, eq=False)
class Contender:
    """Hold one table of an axis.

    kind: the axis, such as "backbone".
    name: as the protocol calls it.
    table: what a recipe would say of the kind.
    origins: the place of every key of the table.
    """

    kind: str
    name: str
    table: Mapping[str, Any]
    origins: Mapping[Keys, Origin] = field(repr=False)


Cell = tuple[Contender, ...]
"""What one trial names for each axis, in the order of `AXES`."""


@dataclass(frozen=True)
class Protocol:
    """Hold a protocol as it was read.

    name: of its file.
    settings: its table [league].
    recipe: what all trials share.
    axes: what they differ in; an axis that the protocol leaves out has what the recipe says.
    number_origin: the place of the number.
    """

    name: str
    settings: LeagueSettings
    recipe: Recipe
    axes: Mapping[str, tuple[Contender, ...]]
    number_origin: Origin

    @property
    def cells(self) -> Iterator[Cell]:
        """All combinations, those of one backbone on one data set behind each other."""
        return itertools.product(*(self.axes[kind] for kind in AXES))

    @cached_property
    def catalog(self) -> Catalog:
        """What is installed."""
        return Catalog()

    def plan(self, cell: Cell, seed: int, alone: bool = True) -> Plan:
        """Return the checked recipe of one trial.

        alone: whether it has no reports of its own.
        Raises RecipeErrors with all problems at once.
        """
        data, origins = {**self.recipe.data, "seed": seed}, dict(self.recipe.origins)
        data |= _ALONE if alone else {}
        if isinstance(train := data.get("train", {}), dict):
            data["train"] = {**train, "refit": "none"}
        for own in cell:
            data[own.kind] = dict(own.table)
            origins = {keys: place for keys, place in origins.items() if keys[0] != own.kind}
            origins |= own.origins
        recipe = replace(self.recipe, name=self.name, data=data, origins=origins)
        return make_plan(recipe, self.catalog)


def read_protocol(path: Path) -> Protocol:
    """Read a protocol and the recipe that it names.

    Raises RecipeErrors with all problems of the protocol at once, sorted by line.
    """
    layer = read_recipe_file(path, 1)
    whole = Origin(str(path), path.parent)
    problems: list[tuple[int, SkinfwError]] = []

    def place(*keys: str | int) -> Origin:
        ends = range(len(keys), 0, -1)
        return next((layer.origins[keys[:n]] for n in ends if keys[:n] in layer.origins), whole)

    def complain(origin: Origin, what: str, why: str = "", cure: str = "") -> None:
        problems.append((origin.line, RecipeError(what, origin.text, why, cure)))

    for key in layer.data:
        if key not in (TABLE, *AXES):
            hint = did_you_mean(key, [TABLE, *AXES])
            cure = f"the tables are [{TABLE}] and [{AXES[0]}.NAME] of {', '.join(AXES)}"
            complain(place(key), f'unknown table "{key}" in a protocol{hint}', cure=cure)
    settings, recipe = _settings(layer.data.get(TABLE), place, complain), None
    if settings:
        try:
            recipe = load_recipe(_recipe_path(settings.recipe, path.parent))
        except SkinfwError as error:
            problems += [(place(TABLE, "recipe").line, own) for own in error.problems]
    axes = {kind: _axis(kind, layer.data.get(kind), place, complain) for kind in AXES}
    axes = {kind: _with_origins(own, layer.origins) for kind, own in axes.items()}
    if recipe:
        for kind in [kind for kind in AXES if kind not in layer.data]:
            axes[kind] = _of_recipe(kind, recipe, complain)
    raise_all([error for _, error in sorted(problems, key=lambda one: one[0])])
    assert settings is not None  # or there was a problem
    assert recipe is not None
    return Protocol(path.stem, settings, recipe, axes, place(TABLE, "number"))


def _recipe_path(written: str, folder: Path) -> Path:
    """Return a file beside the protocol, or the bare name of a shipped recipe."""
    return folder / written if written.endswith(".toml") else Path(written)


def _settings(table: Any, place: Any, complain: Any) -> LeagueSettings | None:
    if not isinstance(table, dict):
        cure = f'[{TABLE}] recipe = "probe.toml"'
        complain(place(TABLE), f"a protocol has a table [{TABLE}]", cure=cure)
        return None
    values, complaints = parameters(LeagueSettings).read(table)
    for one in complaints:
        name = ".".join((TABLE, *map(str, one.keys)))
        complain(place(TABLE, *one.keys), f"{name} {one.text}", cure=one.cure)
    return None if complaints else LeagueSettings(**values)


def _axis(kind: str, tables: Any, place: Any, complain: Any) -> tuple[Contender, ...]:
    """Return the tables of an axis; what is wrong with their form is complained of."""
    if tables is None:
        return ()
    named = isinstance(tables, dict) and "use" not in tables and tables
    if not named or not all(isinstance(table, dict) for table in tables.values()):
        cure = f'[{kind}.NAME] and below it use = "..."; NAME is what the table calls it'
        complain(place(kind), f"each {kind} of a protocol has a name", cure=cure)
        return ()
    contenders = []
    for name, table in tables.items():
        if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
            what = f"a name in a protocol has 1 to {LONGEST_NAME} letters that can be printed"
            complain(place(kind, name), what)
        else:
            contenders.append(Contender(kind, name, table, {}))
    return tuple(contenders)


def _with_origins(
    contenders: tuple[Contender, ...], origins: Mapping[Keys, Origin]
) -> tuple[Contender, ...]:
    """Return contenders with the places of their keys, as a recipe would have them."""
    return tuple(
        replace(
            own,
            origins={
                (own.kind, *keys[2:]): place
                for keys, place in origins.items()
                if keys[:2] == (own.kind, own.name)
            },
        )
        for own in contenders
    )


def _of_recipe(kind: str, recipe: Recipe, complain: Any) -> tuple[Contender, ...]:
    """Return what the recipe says of an axis, by the name that it uses."""
    table = recipe.data.get(kind)
    if not isinstance(table, dict) or not isinstance(table.get("use"), str):
        what = f"neither the protocol nor its recipe names one {kind}"
        complain(recipe.origin(kind), what, cure=f"add [{kind}.NAME] to the protocol")
        return ()
    origins = {keys: place for keys, place in recipe.origins.items() if keys[0] == kind}
    return (Contender(kind, str(table["use"]), table, origins),)


def check_protocol(protocol: Protocol) -> dict[Cell, Plan]:
    """Return the checked recipe of the first seed of every cell, with its reports.

    Raises RecipeErrors with all problems at once, sorted by file and line.
    """
    plans: dict[Cell, Plan] = {}
    problems: dict[str, SkinfwError] = {}
    for cell in protocol.cells:
        try:
            plans[cell] = protocol.plan(cell, 1, alone=False)
        except SkinfwError as error:
            problems |= {str(own): own for own in error.problems}
    if not problems:
        for plan in {cell[0].name: plan for cell, plan in plans.items()}.values():
            _check_measuring(protocol, plan)
    raise_all(sorted(problems.values(), key=place_order))
    return plans


def _check_measuring(protocol: Protocol, plan: Plan) -> None:
    """Refuse a number that no metric gives, and a league without intervals."""
    from skinfw import Modalities
    from skinfw.toolkit import build_components, selectable_names

    if not plan.evaluate.replicates:
        raise RecipeError(
            "a league needs intervals, and evaluate.replicates = 0 makes none",
            plan.recipe.origin("evaluate", "replicates").text,
            cure="leave it out",
        )
    metrics = build_components(plan.components.metric, plan.classes)
    name = protocol.settings.number
    *names, _ = selectable_names(plan.classes, metrics, Modalities())  # the loss is no metric's
    if name in names:
        return
    raise RecipeError(
        f'{TABLE}.number names no number: "{name}"{did_you_mean(name, names)}',
        protocol.number_origin.text,
        f"the metrics of its recipe give {', '.join(own for own in names if '/' not in own)}",
        "name one of them",
    )
