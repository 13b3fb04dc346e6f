"""From a recipe and a catalog to a plan: everything checked that needs no image."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from skinfw.errors import RecipeError, SkinfwError, raise_all, shorten
from skinfw.files.sources import RemotePath
from skinfw.guards.answers import check_classes
from skinfw.interfaces.kinds import KINDS, RECIPE_KINDS, Kind
from skinfw.interfaces.protocols import Dataset
from skinfw.interfaces.values import Modalities
from skinfw.recipe.component import PlannedComponent, check_method, plan_component
from skinfw.recipe.limits import MOST_TABLES
from skinfw.recipe.loading import Recipe, load_recipe
from skinfw.recipe.merging import merge_components
from skinfw.recipe.parameters import Complaint, parameters, to_toml
from skinfw.recipe.places import Keys, Origin, display_keys
from skinfw.recipe.settings import (
    SETTINGS,
    EngineSettings,
    EvaluateSettings,
    ImageSettings,
    ModalitySettings,
    TeacherSettings,
    TopLevel,
    TrainSettings,
)
from skinfw.registry.catalog import Catalog, UnknownName
from skinfw.registry.names import did_you_mean

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from skinfw.interfaces.protocols import (
        Augmentation,
        Cache,
        DuplicateFinder,
        Explainer,
        LossFunction,
        Metric,
        Mix,
        Modification,
        Preparation,
        Report,
        Sampler,
        Schedule,
        Split,
        View,
        Weighting,
    )

MOST_PROBLEMS = 100
"""Who mends so many checks again."""

LONGEST_USE = 4_000
"""Letters of a component's name, which may be the path of a local file."""

S = TypeVar("S")
_CHEAP = (
    "duplicates", "split", "sampler", "prepare", "cache", "augment", "mix", "view", "modify",
    "weighting", "metric", "explainer", "report", "track", "launcher",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DataComponents:
    """Hold what a recipe names for each kind that its images need, checked but not built."""

    dataset: PlannedComponent[Dataset]
    duplicates: PlannedComponent[DuplicateFinder] | None = None
    split: PlannedComponent[Split]
    prepare: tuple[PlannedComponent[Preparation], ...] = ()
    cache: PlannedComponent[Cache] | None = None
    augment: tuple[PlannedComponent[Augmentation], ...] = ()
    view: PlannedComponent[View]


@dataclass(frozen=True, kw_only=True)
class Components(DataComponents):
    """Hold what a recipe names for each kind, in order, checked but not built."""

    sampler: PlannedComponent[Sampler]
    mix: PlannedComponent[Mix] | None = None
    backbone: PlannedComponent[nn.Module]
    modify: tuple[PlannedComponent[Modification], ...] = ()
    loss: PlannedComponent[LossFunction]
    weighting: PlannedComponent[Weighting] | None = None
    optimizer: PlannedComponent[Optimizer]
    schedule: PlannedComponent[Schedule]
    metric: tuple[PlannedComponent[Metric], ...] = ()
    explainer: tuple[PlannedComponent[Explainer], ...] = ()
    report: tuple[PlannedComponent[Report], ...] = ()
    track: tuple[PlannedComponent[object], ...] = ()

    def __iter__(self) -> Iterator[PlannedComponent[Any]]:
        """Return all of them."""
        for kind in RECIPE_KINDS:
            own = getattr(self, kind)
            components = own if isinstance(own, tuple) else (own,) if own else ()
            for component in components:
                yield component
                yield from component.sets


@dataclass(frozen=True)
class DataPlan:
    """Hold what a recipe says of its data; it may name no network and no training.

    recipe: the recipe.
    seed: behind all random streams.
    image, modalities, train, teacher, evaluate, engine: the host's tables.
    components: what it names for each kind that its images need.
    dataset: the data set object, not read yet.
    """

    recipe: Recipe
    seed: int
    requires: tuple[str, ...]
    image: ImageSettings
    modalities: ModalitySettings
    train: TrainSettings
    teacher: TeacherSettings
    evaluate: EvaluateSettings
    engine: EngineSettings
    components: DataComponents
    dataset: Dataset = field(repr=False)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names of the data set."""
        return tuple(self.dataset.classes)


@dataclass(frozen=True)
class Plan(DataPlan):
    """Hold a recipe that has passed every check that needs no image.

    components: what it names for each kind.
    """

    components: Components

    def resolved(self) -> dict[str, Any]:
        """Return the recipe with every default written out."""
        settings = {name: to_toml(vars(getattr(self, name))) for name in SETTINGS}
        tables: dict[str, Any] = {"seed": self.seed, "requires": list(self.requires), **settings}
        for kind in RECIPE_KINDS:
            own = getattr(self.components, kind)
            if isinstance(own, tuple):
                tables |= {kind: [component.table() for component in own]} if own else {}
            elif own:
                tables[kind] = own.written()
        return tables


def load_plan(
    path: Path | Mapping[str, Any],
    sets: Sequence[str] = (),
    *,
    trust: bool | None = None,
    **values: Any,
) -> Plan:
    """Read a recipe and check it against what is installed.

    path, sets, values, trust: as `load_recipe` takes them.
    Raises RecipeErrors with all problems at once, sorted by file and line.
    """
    return make_plan(load_recipe(path, sets, values, trust), Catalog())


def load_data_plan(
    path: Path | Mapping[str, Any], sets: Sequence[str] = (), *, trust: bool | None = None
) -> DataPlan:
    """Read what a recipe says of its data; the table [dataset] is enough.

    path, sets, trust: as `load_recipe` takes them.
    What a network or a training needs is not looked at, whether it is there or not. Raises
    RecipeErrors with all problems at once, sorted by file and line.
    """
    return _Planner(load_recipe(path, sets, trust=trust), Catalog()).data_plan()


def make_plan(recipe: Recipe, catalog: Catalog) -> Plan:
    """Check a whole recipe and import what it names.

    recipe: what was read.
    catalog: what is installed.
    Raises RecipeErrors with all problems at once, sorted by file and line.
    """
    return _Planner(recipe, catalog).plan()


def plan_kind(
    recipe: Recipe, catalog: Catalog, kind: str, classes: tuple[str, ...] = ()
) -> PlannedComponent[Any] | None:
    """Check what a recipe names for a kind of which it names one, whatever else it says.

    recipe: what was read.
    catalog: what is installed.
    kind: the table.
    classes: of the data set or of the network.
    Returns None where the recipe has no such table. Raises RecipeErrors with all problems at once.
    """
    return _Planner(recipe, catalog).kind(kind, classes)


def plan_image(recipe: Recipe, catalog: Catalog) -> ImageSettings:
    """Check the [image] table of a recipe, whatever else it says.

    recipe, catalog: as for `plan_kind`.
    """
    planner = _Planner(recipe, catalog)
    image = planner.settings("image", ImageSettings)
    raise_all(planner._ordered())
    return image or ImageSettings()


class _Planner:
    """Collect problems while checking, so that all are told in one go."""

    def __init__(self, recipe: Recipe, catalog: Catalog) -> None:
        self.recipe, self.catalog = recipe, catalog
        self.problems: list[tuple[int, int, SkinfwError]] = []
        self.image = ImageSettings()
        self.classes: tuple[str, ...] | None = None
        self.absent: list[str] = []  # packages that the recipe requires

    def plan(self) -> Plan:
        whole, planned, dataset = self._check(RECIPE_KINDS)
        return Plan(self.recipe, **whole, components=Components(**planned), dataset=dataset)

    def data_plan(self) -> DataPlan:
        whole, planned, dataset = self._check([own.name for own in fields(DataComponents)])
        return DataPlan(self.recipe, **whole, components=DataComponents(**planned), dataset=dataset)

    def _check(self, kinds: Collection[str]) -> tuple[dict[str, Any], dict[str, Any], Dataset]:
        """Check the host's tables and some kinds: return both by name, and the data set."""
        top = self._top_level()
        settings = {name: self.settings(name, kind) for name, kind in SETTINGS.items()}
        self._requirements(top.requires if top else ())
        self.image = settings["image"] or self.image
        self._check_kept_pictures(settings["modalities"])
        planned: dict[str, Any] = {}
        dataset = None
        for kind in RECIPE_KINDS.values():
            own = tuple(self._kind(kind)) if kind.name in kinds else ()
            if own:
                planned[kind.name] = own if kind.many else own[0]
            if kind.name == "dataset" and own:
                dataset = self._dataset(own[0])
                self._check_masks(dataset, own[0])
        raise_all(self._ordered())
        return {**vars(top), **settings}, planned, cast(Dataset, dataset)

    def _check_masks(self, dataset: Dataset | None, component: PlannedComponent[Dataset]) -> None:
        """Refuse to keep a part of the images of a data set that has no masks."""
        keep = self.image.keep
        if dataset and keep != "all" and not callable(getattr(dataset, "mask", None)):
            error = RecipeError(
                f"{component.entry.label} does not know where the lesions are",
                why=f'image.keep = "{keep}" needs a mask of every image',
                cure='choose a data set with masks, or set image.keep = "all"',
            )
            self._problem(("image", "keep"), error)

    def _check_kept_pictures(self, modalities: ModalitySettings | None) -> None:
        """Refuse to keep a part of several pictures of a lesion."""
        keep = self.image.keep
        if modalities and modalities.pictures and keep != "all":
            error = RecipeError(
                f'image.keep = "{keep}" cannot go with modalities.pictures',
                why="a data set has masks of its images alone, and none of further pictures",
                cure='leave modalities.pictures out, or set image.keep = "all"',
            )
            self._problem(("image", "keep"), error)

    def kind(self, kind: str, classes: tuple[str, ...]) -> PlannedComponent[Any] | None:
        self.image = self.settings("image", ImageSettings) or self.image
        self.classes = classes
        components = tuple(self._kind(KINDS[kind]))
        raise_all(self._ordered())
        return components[0] if components else None

    def _problem(self, keys: Keys, error: SkinfwError) -> None:
        origin = self.recipe.origin(*keys)
        if not isinstance(error, RecipeError):  # whoever raised it, the recipe is what is wrong
            error = RecipeError(error.what, error.where, error.why, error.cure)
        error.where = error.where or origin.text
        self.problems.append((origin.layer, origin.line, error))
        if len(self.problems) == MOST_PROBLEMS:
            what = f"the check stopped after {MOST_PROBLEMS} problems"
            raise_all([*self._ordered(), RecipeError(what, origin.text, cure="mend these first")])

    def _ordered(self) -> list[SkinfwError]:
        """Return the problems, sorted by file and line."""
        return [error for *_, error in sorted(self.problems, key=lambda problem: problem[:2])]

    def _complain(self, keys: Keys, complaint: Complaint) -> None:
        path = (*keys, *complaint.keys)
        name = shorten(display_keys(path)) or "the recipe"
        where = self.recipe.origin(*path).text
        cure = complaint.cure
        if complaint.missing:
            table = f"[{keys[0]}]" if len(keys) == 1 else f"[[{keys[0]}]]"
            cure = f"add {path[-1]} = ... to {table}, or --set {name}=..."
        self._problem(path, RecipeError(f"{name} {complaint.text}".strip(), where, cure=cure))

    def _top_level(self) -> TopLevel | None:
        tables = [*SETTINGS, *RECIPE_KINDS]
        values = {key: value for key, value in self.recipe.data.items() if key not in tables}
        for key in [key for key in values if key not in ("seed", "requires")]:
            del values[key]
            hint = did_you_mean(key, [*tables, "seed", "requires", "extends"])
            where = self.recipe.origin(key).text
            cure = f"the tables are {', '.join(tables)}"
            if owners := [command.name for command in self.catalog.commands(key)]:
                hint = f": it is for skinfw {' and '.join(owners)}"
                cure = f"give the file to skinfw {owners[0]}, or take [{key}] out of it"
            self._problem(
                (key,), RecipeError(f'unknown table or key "{key}"{hint}', where, cure=cure)
            )
        return self._read(TopLevel, (), values)

    def settings(self, name: str, settings: type[S]) -> S | None:
        values = self.recipe.data.get(name, {})
        if not isinstance(values, dict):
            where = self.recipe.origin(name).text
            self._problem((name,), RecipeError(f"{name} must be a table: [{name}]", where))
            return None
        return self._read(settings, (name,), values)

    def _read(self, settings: type[S], keys: Keys, values: Mapping[str, Any]) -> S | None:
        arguments, complaints = parameters(settings).read(values)
        for complaint in complaints:
            self._complain(keys, complaint)
        return None if complaints else settings(**arguments)

    def _requirements(self, texts: tuple[str, ...]) -> None:
        """Check `requires` against what is installed."""
        if not texts:
            return
        from packaging.requirements import InvalidRequirement, Requirement

        for index, text in enumerate(texts):
            keys = ("requires", index)
            where, text = self.recipe.origin(*keys).text, shorten(text, 100)
            try:
                requirement = Requirement(text)
                installed = version(requirement.name)
                for extra in sorted(requirement.extras):
                    _need_extra(requirement.name, extra)
            except InvalidRequirement as error:
                why = str(error).splitlines()[0]
                self._problem(keys, RecipeError(f'"{text}" is no requirement', where, why))
            except PackageNotFoundError:
                self.absent.append(requirement.name)
                what = f"the recipe requires {text}, which is not installed"
                self._problem(keys, RecipeError(what, where, cure=f"pip install '{text}'"))
            else:
                if not requirement.specifier.contains(installed, prereleases=True):
                    what = f"the recipe requires {text}, but {installed} is installed"
                    cure = f"pip install --upgrade '{text}'"
                    self._problem(keys, RecipeError(what, where, cure=cure))

    def _kind(self, kind: Kind) -> Iterator[PlannedComponent[Any]]:
        """Check all tables of one kind."""
        value = self.recipe.data.get(kind.name)
        if value is None:
            if kind.required:
                names = ", ".join(f'"{name}"' for name in self.catalog.use_names(kind.name)[:8])
                where = self.recipe.origin().text
                cure = f"[{kind.name}]  use = ...   there is: {names or 'none installed'}"
                what = f"the recipe names no {kind.name}"
                self._problem((kind.name,), RecipeError(what, where, "", cure))
            return
        listed = isinstance(value, list)
        if not isinstance(value, list if kind.many else dict | list if kind.merger else dict):
            brackets = f"[[{kind.name}]]" if kind.many else f"[{kind.name}]"
            where = self.recipe.origin(kind.name).text
            what = f"{kind.name} is written as {brackets}"
            cure = f'{brackets} and below it use = "name"; or --set {kind.name}.use=name'
            self._problem((kind.name,), RecipeError(what, where, cure=cure))
            return
        if isinstance(value, list) and len(value) > MOST_TABLES:
            what = f"[[{kind.name}]] stands {len(value)} times, and {MOST_TABLES} is the most"
            where = self.recipe.origin(kind.name, MOST_TABLES).text
            self._problem((kind.name,), RecipeError(what, where, cure="leave some out"))
            return
        components = self._tables(kind, enumerate(value) if listed else [(None, value)])
        if kind.merger and listed:
            sets = tuple(components)
            yield from self._merged(kind, sets) if len(sets) == len(value) else ()
        else:
            yield from components

    def _tables(
        self, kind: Kind, tables: Iterable[tuple[int | None, Any]]
    ) -> Iterator[PlannedComponent[Any]]:
        """Check tables of one kind, each with its place in a list, or None."""
        for index, table in tables:
            keys: Keys = (kind.name,) if index is None else (kind.name, index)
            try:
                component = self._component(kind, keys, table)
            except SkinfwError as error:
                if self.absent and isinstance(error, UnknownName):
                    error.cure = (
                        f"{' or '.join(self.absent)}, which the recipe requires, may bring it"
                    )
                self._problem((*keys, "use"), error)
            else:
                if component:
                    yield component

    def _merged(
        self, kind: Kind, sets: Sequence[PlannedComponent[Any]]
    ) -> Iterator[PlannedComponent[Any]]:
        """Make one component of several."""
        try:
            yield merge_components(kind, sets, self.recipe.origin(kind.name), self.catalog)
        except RecipeError as error:
            self._problem((kind.name,), error)

    def _component(self, kind: Kind, keys: Keys, table: Any) -> PlannedComponent[Any] | None:
        """Check one table: the name, the signature, the values."""
        origin = self.recipe.origin(*keys, "use")
        if not isinstance(table, dict) or not isinstance(table.get("use"), str):
            names = ", ".join(self.catalog.use_names(kind.name))
            what = f'{display_keys(keys)} needs use = "name"'
            raise RecipeError(what, self.recipe.origin(*keys).text, "", f"there is: {names}")
        use = table["use"]
        if len(use) > LONGEST_USE:
            what = f"{display_keys(keys)}.use has {len(use):,} letters"
            raise RecipeError(what, origin.text, "", f"no component's name has over {LONGEST_USE}")
        where = origin.text if "--set" in origin.text else f'{origin.text}   use = "{shorten(use)}"'
        component, complaints = plan_component(
            kind, keys, table, origin, where, self.catalog, self.classes
        )
        for complaint in complaints:
            self._complain(keys, complaint)
        if component is None:
            return None
        arguments = {
            name: _absolute(value, self.recipe.origin(*keys, name), f"{display_keys(keys)}.{name}")
            for name, value in component.arguments.items()
        }
        component = replace(component, arguments=arguments)
        if kind.name in _CHEAP:  # values that contradict each other show when it is built
            gives = {
                "size": self.image.size,
                "image": self.image,
                "classes": self.classes or (),
                "modalities": Modalities(),
            }
            built = component.make(**gives)
            with component.guard():
                check_method(component, built)
        return component

    def _dataset(self, component: PlannedComponent[Dataset]) -> Dataset | None:
        try:
            dataset = component.make()
            with component.guard():
                check_method(component, dataset)
                self.classes = check_classes(dataset.classes)
        except SkinfwError as error:
            self._problem(component.keys, error)
            return None
        return dataset


def _need_extra(package: str, extra: str) -> None:
    """Raise PackageNotFoundError unless what an extra of a package needs is installed."""
    from packaging.requirements import Requirement

    for text in requires(package) or ():
        needed = Requirement(text)
        if needed.marker and needed.marker.evaluate({"extra": extra}):
            version(needed.name)


def _absolute(value: Any, origin: Origin, name: str) -> Any:
    """Resolve relative paths against the folder of the recipe that wrote them.

    origin: the place of the value.
    name: of its key.
    """
    if isinstance(value, RemotePath):
        return value.seen_from(origin.folder)
    if not isinstance(value, Path):
        return value
    try:
        return (origin.folder / value.expanduser()).resolve()
    except (OSError, RuntimeError) as error:  # the home of nobody, or a circle of links
        what = f"{name} is no path: {shorten(str(value), 100)}"
        raise RecipeError(what, origin.text, str(error)) from error
