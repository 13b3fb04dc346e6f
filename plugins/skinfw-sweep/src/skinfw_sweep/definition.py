"""From a recipe with [sweep] to what is tried, all of it checked like a recipe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, product
from pathlib import Path
from typing import Any

from skinfw import RecipeError, SkinfwError
from skinfw.toolkit import (
    Catalog,
    Origin,
    Plan,
    Recipe,
    changed_recipe,
    did_you_mean,
    load_recipe,
    make_plan,
    parameters,
    place_order,
    raise_all,
)
from skinfw_sweep.checks import whole_problems
from skinfw_sweep.objectives import measured_names
from skinfw_sweep.settings import TABLE, Axis, SweepSettings
from skinfw_sweep.space import axis_fault, flatten

CHECKED = 200
"""So many combinations of a grid are checked whole; of the others, each value by itself."""

SEED, FOLD = "seed", "split.fold"
REPEATED = (SEED, FOLD)
"""What the trials of one setting may differ in."""

_FIXED = {
    "train": "its keys are tried one by one, such as train.ema",
    "train.select": "trials are compared and stopped by it",
    "train.validation": "trials are chosen by the validation part, and never by the test part",
    "train.refit": "it is for the network that is chosen; no trial is refitted",
}


@dataclass(frozen=True)
class Definition:
    """Hold what is tried.

    settings: the keys of [sweep].
    axes: what is searched, or spans a grid; the seeds and folds of a grid are its last axes.
    listed: the settings of [[sweep.trial]], by keys with dots; one empty for none.
    folders: what relative paths of each key are relative to.
    """

    settings: SweepSettings
    axes: tuple[Axis, ...]
    listed: tuple[dict[str, Any], ...] = ({},)
    folders: Mapping[str, Path] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many trials there are."""
        if self.settings.searches:
            return self.settings.trials
        return len(self.listed) * math.prod(len(axis.choices) for axis in self.axes)

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield the settings of every trial of a grid, in their order."""
        names = [axis.key for axis in self.axes]
        for own in self.listed:
            for values in product(*(axis.choices for axis in self.axes)):
                yield {**own, **dict(zip(names, values, strict=True))}

    @property
    def depends(self) -> bool:
        """Whether a trial depends on what earlier ones came to."""
        return self.settings.depends

    def known(self, number: int) -> range:
        """Return the trials whose results decide on a trial."""
        return range(number - self.settings.parallel + 1) if self.depends else range(0)

    def record(self) -> dict[str, Any]:
        """Return what the file of a sweep says of it."""
        settings = {**vars(self.settings), "objectives": list(self.settings.objectives)}
        axes = [axis.record() for axis in self.axes]
        folders = {key: str(folder) for key, folder in self.folders.items()}
        listed = list(self.listed)
        return {"settings": settings, "axes": axes, "listed": listed, "folders": folders}


def read_definition(
    path: Path, sets: tuple[str, ...], trust: bool | None
) -> tuple[Definition, Plan]:
    """Read a recipe with [sweep], or a file with [sweep] that extends one.

    path, sets, trust: as `load_plan` takes them.
    Returns what is tried, and the checked recipe without it. Raises RecipeErrors with all problems
    at once.
    """
    recipe = load_recipe(path, sets, trust=trust)
    if not isinstance(recipe.data.get(TABLE), dict):
        raise RecipeError(
            "the recipe has no table [sweep]",
            recipe.origin(TABLE).text,
            "it says what is tried",
            '[sweep.space]  "optimizer.lr" = [0.001, 0.01]',
        )
    return _Reader(recipe).read()


class _Reader:
    """Collect problems while reading, so that all are told in one go."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.table = recipe, dict(recipe.data[TABLE])
        data = {key: value for key, value in recipe.data.items() if key != TABLE}
        self.base = replace(recipe, data=data)
        self.catalog = Catalog()
        self.problems: list[SkinfwError] = []
        self.places: dict[str, Origin] = {}
        self.said: set[str] = set()

    def read(self) -> tuple[Definition, Plan]:
        settings = self._settings()
        axes, listed = self._axes(), self._listed()
        plan = self._plan({}, {})
        if plan:
            axes += self._repeats(settings, axes, listed, plan)
            self.problems += whole_problems(settings, axes, listed, plan, self._place)
            settings = self._objectives(settings, plan)
        for values, origins in self._variants(settings, axes, listed):
            self._plan(values, origins)
        self._check_types(axes)
        raise_all(sorted(self.problems, key=place_order))
        assert plan
        return Definition(settings, tuple(axes), tuple(listed or [{}]), self._folders(listed)), plan

    def _folders(self, listed: list[dict[str, Any]]) -> dict[str, Path]:
        """Return the folder of the file that says what a key is tried with."""
        own = {key: self._origin(("trial", place), key)
               for place, values in enumerate(listed) for key in values}  # fmt: skip
        return {key: place.folder.resolve() for key, place in {**self.places, **own}.items()}

    def _problem(self, what: str, *keys: str | int, why: str = "", cure: str = "") -> None:
        self.problems.append(RecipeError(what, self.recipe.origin(TABLE, *keys).text, why, cure))

    def _place(self, *keys: str | int) -> str:
        """Return the place of a key of [sweep], or of an axis."""
        own = self.places.get(str(keys[-1])) if keys else None
        return (own or self.recipe.origin(TABLE, *keys)).text

    def _settings(self) -> SweepSettings:
        own = {key: value for key, value in self.table.items() if key not in ("space", "trial")}
        arguments, complaints = parameters(SweepSettings).read(own, None, ("space", "trial"))
        for one in complaints:
            name = ".".join(map(str, (TABLE, *one.keys)))
            self._problem(f"{name} {one.text}", *one.keys, cure=one.cure)
        wrong = {one.keys[0] for one in complaints}
        if complaints:  # what depends on the others is checked all the same
            right = {key: value for key, value in own.items() if key not in wrong}
            arguments, _ = parameters(SweepSettings).read(right)
        return SweepSettings(**arguments)

    def _axes(self) -> list[Axis]:
        space = self.table.get("space", {})
        if not isinstance(space, dict):
            self._problem("sweep.space must be a table: [sweep.space]", "space")
            return []
        axes = []
        for key, value in flatten(space, ranges=True).items():
            origin = self._origin(("space",), key)
            self.places[key] = origin
            why = _FIXED.get(key, "") or axis_fault(value)
            if why:
                cure = "write values, [0.001, 0.01], or a range, { low = 0.001, high = 0.1 }"
                what = f"{key} cannot be tried like this"
                self.problems.append(
                    RecipeError(what, origin.text, why, "" if key in _FIXED else cure)
                )
            elif isinstance(value, list):
                axes.append(Axis(key, tuple(value)))
            else:
                axes.append(Axis(key, **value))
        return axes

    def _origin(self, before: tuple[str | int, ...], key: str) -> Origin:
        """Return the place of a key, whether its dots are TOML's or stand between quotes."""
        known = self.recipe.origins
        quoted, parted = (TABLE, *before, key), (TABLE, *before, *key.split("."))
        return known.get(quoted) or known.get(parted) or self.recipe.origin(*parted)

    def _listed(self) -> list[dict[str, Any]]:
        tables = self.table.get("trial", [])
        if not isinstance(tables, list) or not all(isinstance(own, dict) for own in tables):
            self._problem("sweep.trial is written as [[sweep.trial]]", "trial")
            return []
        listed = [flatten(own, ranges=False) for own in tables]
        for place, own in enumerate(listed):
            for key in own:
                if key in _FIXED:
                    self._problem(f"{key} cannot be tried", "trial", place, why=_FIXED[key])
        return listed

    def _repeats(
        self, settings: SweepSettings, axes: list[Axis], listed: list[dict[str, Any]], plan: Plan
    ) -> list[Axis]:
        """Return the axes of seeds and folds."""
        own = []
        if settings.seeds > 1:
            own.append(Axis(SEED, tuple(range(1, settings.seeds + 1))))
        if settings.folds:
            split = plan.components.split
            count = split.arguments.get("folds")
            if isinstance(count, int) and "fold" in split.arguments:
                own.append(Axis(FOLD, tuple(range(count))))
            else:
                why = f'the split "{split.use}" has no folds'
                cure = '[split] use = "kfold"'
                self._problem("sweep.folds needs a split with folds", "folds", why=why, cure=cure)
        named = {axis.key for axis in axes} | {key for one in listed for key in one}
        for axis in own:
            word = {SEED: "seeds", FOLD: "folds"}[axis.key]
            self.places[axis.key] = self.recipe.origin(TABLE, word)
            if axis.key in named:
                self._problem(f"sweep.{word} and {axis.key} say the same twice", word)
        if settings.searches and own:
            why = "each trial of a search is one run"
            cure = "search first, then try the best few as a list with seeds"
            self._problem("a search takes no seeds and no folds", "method", why=why, cure=cure)
        return own

    def _objectives(self, settings: SweepSettings, plan: Plan) -> SweepSettings:
        """Check the names of objectives, and return the settings with `train.select` in place."""
        if not settings.objectives:
            return replace(settings, objectives=(plan.train.select,))
        names, whole = measured_names(plan)
        if not whole:
            return settings
        for place, name in enumerate(settings.objectives):
            if name not in names:
                self._problem(
                    f'sweep.objectives names no number: "{name}"{did_you_mean(name, names)}',
                    "objectives",
                    place,
                    why=f"there are {', '.join(one for one in names if '/' not in one)}, and "
                    "numbers of classes",
                )
        if len({*settings.objectives}) < len(settings.objectives):
            self._problem("sweep.objectives names a number twice", "objectives")
        return settings

    def _variants(
        self, settings: SweepSettings, axes: list[Axis], listed: list[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Origin]]]:
        """Yield what is to be checked, with the place of each value."""
        for axis in axes:
            for place, value in enumerate(axis.choices or (axis.low, axis.high)):
                own = self.places[axis.key]
                for before in (("space", axis.key), ("space", *axis.key.split("."))):
                    own = self.recipe.origins.get((TABLE, *before, place), own)
                yield {axis.key: value}, {axis.key: own}
        for place, values in enumerate(listed):
            yield values, {key: self._origin(("trial", place), key) for key in values}
        ends = [axis for axis in axes if axis.choices]
        if not settings.searches and len(ends) > 1:
            grid = Definition(settings, tuple(ends), tuple(listed or [{}])).grid()
            yield from ((values, self.places) for values in islice(grid, CHECKED))

    def _plan(self, values: Mapping[str, Any], origins: Mapping[str, Origin]) -> Plan | None:
        """Check the recipe with some values, and note every problem once."""
        try:
            return make_plan(changed_recipe(self.base, values, origins), self.catalog)
        except RecipeError as error:
            for one in error.problems:
                if str(one) not in self.said:
                    self.said.add(str(one))
                    self.problems.append(one)
            return None

    def _check_types(self, axes: Iterable[Axis]) -> None:
        """Refuse a range of whole numbers for a key that takes any, of which most were missed."""
        for axis in axes:
            if axis.choices or not axis.whole or axis.step:
                continue
            try:
                make_plan(changed_recipe(self.base, {axis.key: axis.low + 0.5}), self.catalog)
            except RecipeError:
                continue
            self.problems.append(
                RecipeError(
                    f"{axis.key} takes numbers, and its range has whole ones alone",
                    self.places[axis.key].text,
                    f"{axis.low} and {axis.high} are whole",
                    f"write {float(axis.low)} and {float(axis.high)}, or add step = 1",
                )
            )
