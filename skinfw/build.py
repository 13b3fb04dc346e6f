"""From a recipe and a catalog to checked parts; the only module that imports targets."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from annotated_types import Ge

from skinfw.catalog import Catalog, Found
from skinfw.errors import RecipeError, SkinfwError, raise_all
from skinfw.kinds import KINDS, Kind
from skinfw.names import did_you_mean
from skinfw.params import Complaint, Parameters, SignatureError, parameters, to_toml
from skinfw.recipe import Keys, Origin, Recipe
from skinfw.settings import KEYS, SETTINGS, EngineSettings, ImageSettings, TrainSettings

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class _TopLevel:
    """Set what stands above the tables of a recipe.

    seed: one number behind all random streams.
    requires: packages that must be installed, as pip would write them.
    """

    seed: Annotated[int, Ge(0)] = 0
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planned:
    """Hold a component that is checked but not built yet.

    kind: its role.
    keys: its place in the recipe, `("augment", 2)`.
    use: its name as written.
    found: the component behind the name.
    target: the callable.
    engine: names that it asks of the engine.
    arguments: checked values of the recipe's parameters, defaults included.
    host: the host's own keys, such as `only`.
    origin: the place in the recipe.
    """

    kind: Kind
    keys: Keys
    use: str
    found: Found
    target: Callable[..., Any]
    engine: tuple[str, ...]
    arguments: Mapping[str, Any]
    host: Mapping[str, Any]
    origin: Origin

    def make(self, **gives: Any) -> Any:
        """Build the object.

        gives: what the engine offers to this kind; only what the signature asks for is passed.
        """
        with self.guard():
            asked = {name: gives[name] for name in self.engine}
            return self.target(**asked, **self.arguments)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Name the component, its plugin and the recipe's line in whatever it raises."""
        try:
            yield
        except SkinfwError as error:
            if not error.where:
                error.where = self.origin.text
            raise
        except Exception as error:
            component = self.found.component
            what = f"{self.found.label} failed: {type(error).__name__}: {error}"
            if isinstance(error, ModuleNotFoundError) and component.extra:
                package = self.found.plugin.distribution
                cure = f"pip install '{package}[{component.extra}]'"
            else:
                cure = f"--traceback shows where; report it to {self.found.plugin.distribution}"
            raise SkinfwError(what, self.origin.text, cure=cure) from error

    def table(self) -> dict[str, Any]:
        """Return the recipe table with every default written out."""
        use = self.use
        if self.found.file:
            use = f"{self.found.file}:{self.found.component.name}"
        return {"use": use, **to_toml(self.arguments), **to_toml(self.host)}

    def record(self) -> dict[str, str]:
        """Return who this is, for run.json."""
        module = sys.modules.get(getattr(self.target, "__module__", ""))
        source = self.found.file or Path(getattr(module, "__file__", None) or "")
        digest = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else ""
        return {
            "kind": self.kind.name,
            "use": self.table()["use"],
            "plugin": self.found.plugin.name,
            "distribution": self.found.plugin.distribution,
            "version": self.found.plugin.version,
            "target": self.found.component.target,
            "source_sha256": digest,
        }


@dataclass(frozen=True)
class Plan:
    """Hold a recipe that has passed every check that needs no image.

    recipe: the recipe.
    seed: behind all random streams.
    image, train, engine: the host's tables.
    parts: what each kind names, in order.
    dataset: the data set object, not read yet.
    """

    recipe: Recipe
    seed: int
    requires: tuple[str, ...]
    image: ImageSettings
    train: TrainSettings
    engine: EngineSettings
    parts: Mapping[str, tuple[Planned, ...]]
    dataset: Any = field(repr=False)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names of the data set."""
        return tuple(self.dataset.classes)

    def one(self, kind: str) -> Planned:
        """Return the only component of a kind that every recipe has."""
        return self.parts[kind][0]

    def resolved(self) -> dict[str, Any]:
        """Return the recipe with every default written out."""
        settings = {name: to_toml(vars(getattr(self, name))) for name in SETTINGS}
        tables: dict[str, Any] = {"seed": self.seed, "requires": list(self.requires), **settings}
        for name, planned in self.parts.items():
            written = [part.table() for part in planned]
            tables[name] = written if KINDS[name].many else written[0]
        return tables


def plan(recipe: Recipe, catalog: Catalog) -> Plan:
    """Check a whole recipe and import what it names.

    recipe: what was read.
    catalog: what is installed.
    Raises RecipeErrors with all problems at once, sorted by file and line.
    """
    return _Planner(recipe, catalog).plan()


class _Planner:
    """Collect problems while checking, so that all are told in one go."""

    def __init__(self, recipe: Recipe, catalog: Catalog) -> None:
        self.recipe, self.catalog = recipe, catalog
        self.found: list[tuple[int, int, SkinfwError]] = []
        self.classes: tuple[str, ...] | None = None

    def plan(self) -> Plan:
        top = self._top_level()
        settings = {name: self._settings(name, kind) for name, kind in SETTINGS.items()}
        self._requirements(top.requires if top else ())
        parts: dict[str, tuple[Planned, ...]] = {}
        dataset = None
        for kind in KINDS.values():
            parts[kind.name] = tuple(self._kind(kind))
            if kind.name == "dataset" and parts["dataset"]:
                dataset = self._dataset(parts["dataset"][0])
        ordered = sorted(self.found, key=lambda problem: problem[:2])
        raise_all([error for _, _, error in ordered])
        return Plan(
            self.recipe,
            cast(_TopLevel, top).seed,
            cast(_TopLevel, top).requires,
            **cast(dict[str, Any], settings),
            parts={name: planned for name, planned in parts.items() if planned},
            dataset=dataset,
        )

    def _problem(self, keys: Keys, error: SkinfwError) -> None:
        origin = self.recipe.origin(*keys)
        self.found.append((origin.layer, origin.line, error))

    def _complain(self, keys: Keys, complaint: Complaint) -> None:
        path = (*keys, *complaint.keys)
        name = ".".join(str(key) for key in path)
        where = self.recipe.origin(*path).text
        self._problem(
            path, RecipeError(f"{name} {complaint.text}".strip(), where, cure=complaint.cure)
        )

    def _top_level(self) -> _TopLevel | None:
        tables = [*SETTINGS, *KINDS]
        values = {key: value for key, value in self.recipe.data.items() if key not in tables}
        for key in [key for key in values if key not in ("seed", "requires")]:
            del values[key]
            hint = did_you_mean(key, [*tables, "seed", "requires", "extends"])
            where = self.recipe.origin(key).text
            cure = f"the tables are {', '.join(tables)}"
            self._problem(
                (key,), RecipeError(f'unknown table or key "{key}"{hint}', where, "", cure)
            )
        return self._read(_TopLevel, (), values)

    def _settings(self, name: str, settings: type[S]) -> S | None:
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

    def _requirements(self, requires: tuple[str, ...]) -> None:
        """Check `requires` against what is installed."""
        if not requires:
            return
        from packaging.requirements import InvalidRequirement, Requirement

        for index, text in enumerate(requires):
            keys = ("requires", index)
            where = self.recipe.origin(*keys).text
            try:
                requirement = Requirement(text)
                installed = version(requirement.name)
            except InvalidRequirement as error:
                why = str(error).splitlines()[0]
                self._problem(keys, RecipeError(f'"{text}" is no requirement', where, why))
            except PackageNotFoundError:
                what = f"the recipe requires {text}, which is not installed"
                self._problem(keys, RecipeError(what, where, cure=f"pip install '{text}'"))
            else:
                if not requirement.specifier.contains(installed, prereleases=True):
                    what = f"the recipe requires {text}, but {installed} is installed"
                    cure = f"pip install --upgrade '{text}'"
                    self._problem(keys, RecipeError(what, where, cure=cure))

    def _kind(self, kind: Kind) -> Iterator[Planned]:
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
        if isinstance(value, dict) == kind.many or not isinstance(value, dict | list):
            brackets = f"[[{kind.name}]]" if kind.many else f"[{kind.name}]"
            where = self.recipe.origin(kind.name).text
            self._problem((kind.name,), RecipeError(f"{kind.name} is written as {brackets}", where))
            return
        tables = enumerate(value) if kind.many else [(None, value)]
        for index, table in tables:
            keys: Keys = (kind.name,) if index is None else (kind.name, index)
            try:
                planned = self._component(kind, keys, table)
            except SkinfwError as error:
                self._problem((*keys, "use"), error)
            else:
                if planned:
                    yield planned

    def _component(self, kind: Kind, keys: Keys, table: Any) -> Planned | None:
        """Check one table: the name, the signature, the values."""
        origin = self.recipe.origin(*keys, "use")
        if not isinstance(table, dict) or not isinstance(table.get("use"), str):
            names = ", ".join(self.catalog.use_names(kind.name))
            what = f'{".".join(map(str, keys))} needs use = "name"'
            raise RecipeError(what, self.recipe.origin(*keys).text, "", f"there is: {names}")
        use = table["use"]
        where = origin.text if "--set" in origin.text else f'{origin.text}   use = "{use}"'
        found = self.catalog.find(kind.name, use, where, origin.folder)
        check_variant(found, where)
        target, signature = resolve(found, where)
        values = {key: value for key, value in table.items() if key != "use"}
        host_values: dict[str, Any] = {}
        host = parameters(KEYS[kind.name]) if kind.name in KEYS else None
        if host:
            host_values = {
                key: values.pop(key) for key in list(values) if key in host.model.model_fields
            }
        host_keys = tuple(host.model.model_fields) if host else ()
        arguments, complaints = signature.read(values, self.classes, host_keys)
        host_arguments, host_complaints = host.read(host_values) if host else ({}, [])
        for complaint in (*complaints, *host_complaints):
            self._complain(keys, complaint)
        if complaints or host_complaints:
            return None
        arguments = {
            name: _absolute(value, self.recipe.origin(*keys, name).folder)
            for name, value in arguments.items()
        }
        return Planned(
            kind, keys, use, found, target, signature.engine, arguments, host_arguments, origin
        )

    def _dataset(self, planned: Planned) -> Any:
        try:
            dataset = planned.make()
            self.classes = tuple(dataset.classes)
        except SkinfwError as error:
            self._problem(planned.keys, error)
            return None
        return dataset


def check_variant(found: Found, where: str) -> None:
    """Refuse a family member that does not exist.

    found: the component with its variant.
    where: the place in the recipe.
    """
    if not found.component.variants:
        return
    known = list(variants(found, where))
    if found.variant not in known:
        family = found.component.name
        raise RecipeError(
            f'the family "{family}" has no variant "{found.variant}"'
            f"{did_you_mean(found.variant, known)}",
            where,
            cure=f"skinfw show {found.component.kind} {family} lists all {len(known)}",
        )


def variants(found: Found, where: str) -> list[str]:
    """Return the members of a family."""
    if not found.component.variants:
        return []
    lister = _import(found, found.component.variants, where)
    return list(lister(found.variant))


def resolve(found: Found, where: str) -> tuple[Callable[..., Any], Parameters]:
    """Import a component's target and read its signature.

    found: the component.
    where: the place in the recipe, for the message.
    Raises SkinfwError that names the plugin.
    """
    target = _import(found, found.component.target, where)
    kind = KINDS[found.component.kind]
    try:
        signature = parameters(target)
    except (SignatureError, ValueError, TypeError) as error:
        raise _unusable(found, where, f"its signature cannot be read: {error}") from error
    strange = [name for name in signature.engine if name not in kind.gives]
    if strange:
        gives = ", ".join(kind.gives) or "nothing"
        raise _unusable(
            found,
            where,
            f"{', '.join(strange)} stands before the *; to a {kind.name} the engine gives {gives}",
        )
    return target, signature


def _import(found: Found, target: str, where: str) -> Any:
    """Import `module:attribute`, from a local file where the component is one."""
    module_name, _, attribute = target.partition(":")
    try:
        module = _import_file(found.file) if found.file else importlib.import_module(module_name)
        return getattr(module, attribute)
    except Exception as error:
        extra = found.component.extra
        cure = f"pip install '{found.plugin.distribution}[{extra}]'" if extra else ""
        raise _unusable(
            found, where, f"importing {target} raised {type(error).__name__}: {error}", cure
        ) from error


def _import_file(file: Path) -> Any:
    """Import a local file once per process, under a name of its own."""
    name = f"skinfw_local_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _unusable(found: Found, where: str, why: str, cure: str = "") -> RecipeError:
    cure = cure or f"--traceback shows where; report it to {found.plugin.distribution}"
    return RecipeError(f"{found.label} cannot be used", where, why, cure)


def _absolute(value: Any, folder: Path) -> Any:
    """Resolve relative paths against the folder of the recipe that wrote them."""
    if isinstance(value, Path):
        return (folder / value.expanduser()).resolve()
    return value
