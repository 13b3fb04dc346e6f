"""Import what names point to; the only module that does. A checked, unbuilt component."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import wraps
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Generic, TypeVar

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.checksums import file_digest
from skinfw.files.pages import page
from skinfw.files.paths import display_path
from skinfw.guards.process import IMPORT, Shared
from skinfw.interfaces.kinds import KINDS, Kind
from skinfw.recipe.guard import (
    Guard,
    blame,
    defining_line,
    extra_cure,
    import_line,
    is_raised,
    text_of,
)
from skinfw.recipe.parameters import Complaint, Parameters, SignatureError, parameters, to_toml
from skinfw.recipe.places import Keys, Origin
from skinfw.recipe.settings import KEYS, LISTED_KEYS
from skinfw.registry.catalog import Catalog, CatalogEntry
from skinfw.registry.names import did_you_mean

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True)
class PlannedComponent(Generic[T]):
    """Hold a component that is checked but not built yet.

    kind: its role.
    keys: its place in the recipe, `("augment", 2)`.
    use: its name as written.
    entry: the component behind the name.
    implementation: the callable that builds it.
    engine: names that it asks of the engine.
    arguments: checked values of the recipe's parameters, defaults included.
    host: the host's own keys, such as `only`.
    origin: the place in the recipe.
    sets: those that it makes one of, where a recipe lists several data sets.
    """

    kind: Kind
    keys: Keys
    use: str
    entry: CatalogEntry
    implementation: Callable[..., Any]
    engine: tuple[str, ...]
    arguments: Mapping[str, Any]
    host: Mapping[str, Any]
    origin: Origin
    sets: tuple[PlannedComponent[T], ...] = ()

    def make(self, **gives: Any) -> T:
        """Build the object.

        gives: what the engine offers to this kind; only what the signature asks for is passed.
        """
        sets = tuple((own, own.make()) for own in self.sets)
        with self.guard():
            gives = {"sets": sets, **gives}
            asked = {name: gives[name] for name in self.engine}
            built: T = self.implementation(**asked, **self.arguments)
            return built

    def guard(self, method: Callable[..., Any] | None = None) -> Guard:
        """Name the component, its plugin and the recipe's line in whatever it raises.

        method: what is called, so that an answer that is refused names its line.
        """
        return Guard(self, method)

    def places(self) -> list[Path]:
        """Return where the recipe lets it write beside the run folder."""
        if self.kind.name == "dataset":  # its folder is read
            return []
        return [value for value in self.arguments.values() if isinstance(value, Path)]

    def wrap(
        self, function: Callable[..., V], check: Callable[[Any], V] = lambda answer: answer
    ) -> Callable[..., V]:
        """Return the function with this component's name on whatever it raises.

        check: returns the answer, or raises AnswerError.
        """

        @wraps(function)
        def call(*values: Any, **named: Any) -> V:
            with self.guard(function):
                return check(function(*values, **named))

        return call

    def table(self) -> dict[str, Any]:
        """Return the recipe table with every default written out."""
        use = self.use
        if self.entry.file:
            use = f"{self.entry.file}:{self.entry.component.name}"
        sets = {"sets": [own.table() for own in self.sets]} if self.sets else {}
        return {"use": use, **to_toml(self.arguments), **to_toml(self.host), **sets}

    def written(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Return what a recipe says of its kind: its table, or those of all that it makes one."""
        return [own.table() for own in self.sets] if self.sets else self.table()

    def record(self) -> dict[str, str]:
        """Return who this is, for run.json."""
        module = sys.modules.get(getattr(self.implementation, "__module__", ""))
        source = self.entry.file or Path(getattr(module, "__file__", None) or "")
        digest = file_digest(source)
        return {
            "kind": self.kind.name,
            "use": self.table()["use"],
            "plugin": self.entry.plugin.name,
            "distribution": self.entry.plugin.distribution,
            "version": self.entry.plugin.version,
            "target": self.entry.component.target,
            "source_sha256": digest,
        }


def build_components(
    components: Sequence[PlannedComponent[T]], classes: Sequence[str]
) -> list[tuple[PlannedComponent[T], T]]:
    """Return components with what they build.

    classes: what those get that ask for the classes.
    """
    return [(component, component.make(classes=classes)) for component in components]


def check_variant(entry: CatalogEntry, where: str) -> None:
    """Refuse a family member that does not exist.

    entry: the component with its variant.
    where: the place in the recipe.
    """
    if not entry.component.variants:
        return
    known = list(variants(entry, where))
    if entry.variant not in known:
        family = entry.component.name
        raise RecipeError(
            f'the family "{family}" has no variant "{entry.variant}"'
            f"{did_you_mean(entry.variant, known)}",
            where,
            cure=f"skinfw show {entry.component.kind} {family} lists all {len(known)}",
        )


def variants(entry: CatalogEntry, where: str) -> list[str]:
    """Return the members of a family."""
    if not entry.component.variants:
        return []
    lister = _import(entry, entry.component.variants, where)

    def names(variant: str) -> list[str]:
        return [str(name) for name in lister(variant)]

    return _ask_family(entry, names, where, "listing its variants")


def check_method(component: PlannedComponent[Any], built: object) -> None:
    """Refuse an object without the method that its kind must have.

    component: the component.
    built: what it built.
    """
    if not component.kind.method:
        return
    name, *arguments = component.kind.method
    call = f"{name}({', '.join(arguments)})"
    method = getattr(built, name, None)
    try:
        inspect.signature(method).bind(*arguments)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        what = f"has no method {name}" if method is None else f"has no {call}: {error}"
        raise RecipeError(
            f"{component.entry.label} {what}",
            component.origin.text,
            f"a {component.kind.name} needs {call}",
            f"{display_path(page('kinds.md'))} tells what it takes and returns",
        ) from error


def import_target(entry: CatalogEntry, where: str) -> tuple[Callable[..., Any], Parameters]:
    """Import a component's target and read its signature.

    entry: the component.
    where: the place in the recipe, for the message.
    Raises SkinfwError that names the plugin.
    """
    target, signature = import_signature(entry, where)
    kind = KINDS[entry.component.kind]
    unknown = [name for name in signature.engine if name not in kind.gives]
    if unknown:
        gives = ", ".join(kind.gives) or "nothing"
        raise _unusable(
            entry,
            where,
            f"{', '.join(unknown)} stands before the *; to a {kind.name} the engine gives {gives}",
            "parameters of a recipe stand after *, in a dataclass with kw_only=True",
        )
    tables = [table[kind.name] for table in (KEYS, LISTED_KEYS) if kind.name in table]
    host = {"use", *(key for table in tables for key in parameters(table).model.model_fields)}
    if reserved := sorted(host & set(signature.model.model_fields)):
        raise _unusable(entry, where, f"the host keeps the key {', '.join(reserved)} for itself")
    return target, signature


def import_signature(entry: CatalogEntry, where: str) -> tuple[Callable[..., Any], Parameters]:
    """Import a target, of whatever kind, and read its signature.

    entry, where: as for `import_target`.
    Raises SkinfwError that names the plugin.
    """
    target = _import(entry, entry.component.target, where)
    if entry.component.by_variant:
        target = _ask_family(entry, target, where, f'asking for "{entry.variant}"')
    try:
        return target, parameters(target)
    except (SignatureError, ValueError, TypeError) as error:
        raise _unusable(entry, where, f"its signature cannot be read: {error}") from error


def read_values(
    signature: Parameters,
    host_keys: type | None,
    values: Mapping[str, Any],
    classes: tuple[str, ...] | None,
) -> tuple[dict[str, Any], dict[str, Any], list[Complaint]]:
    """Check the values of a component's table.

    host_keys: the keys that the host adds.
    values: the table without `use`.
    classes: of the data set, as far as they are known.
    Returns what is the component's, what is the host's, and what is wrong with either.
    """
    if host_keys is None:
        arguments, complaints = signature.read(values, classes)
        return arguments, {}, list(complaints)
    host = parameters(host_keys)
    keys = tuple(host.model.model_fields)
    own = {key: value for key, value in values.items() if key not in keys}
    arguments, complaints = signature.read(own, classes, keys)
    others, more = host.read({key: value for key, value in values.items() if key in keys})
    return arguments, others, [*complaints, *more]


def plan_component(
    kind: Kind,
    keys: Keys,
    table: Mapping[str, Any],
    origin: Origin,
    where: str,
    catalog: Catalog,
    classes: tuple[str, ...] | None,
) -> tuple[PlannedComponent[Any] | None, list[Complaint]]:
    """Check one table of a recipe, written or recorded: the name, the signature, the values.

    keys: its place in the recipe.
    table: with `use`.
    origin, where: its place in a file, and how messages say it.
    classes: of the data set, as far as they are known.
    Returns the component, or what is wrong with its values.
    """
    use = str(table["use"])
    entry = catalog.find(kind.name, use, where, origin.folder, origin.trusted)
    check_variant(entry, where)
    implementation, signature = import_target(entry, where)
    values = {key: value for key, value in table.items() if key != "use"}
    listed = len(keys) > 1 and kind.merger
    host_keys = LISTED_KEYS[kind.name] if listed else KEYS.get(kind.name)
    arguments, host, complaints = read_values(signature, host_keys, values, classes)
    if complaints:
        return None, complaints
    component: PlannedComponent[Any] = PlannedComponent(
        kind, keys, use, entry, implementation, signature.engine, arguments, host, origin
    )
    return component, []


def _import(entry: CatalogEntry, target: str, where: str) -> Any:
    """Import `module:attribute`, from a local file where the component is one."""
    module_name, _, attribute = target.partition(":")
    shared = Shared(IMPORT)
    try:
        with redirect_stdout(sys.stderr):  # what it prints must not stand in a recipe
            module = (
                _import_file(entry.file) if entry.file else importlib.import_module(module_name)
            )
        implementation = getattr(module, attribute)
    except BaseException as error:
        shared.restore()
        if isinstance(error, KeyboardInterrupt) and not is_raised(error):
            raise
        if entry.file and isinstance(error, AttributeError) and error.name == attribute:
            known = [name for name in vars(error.obj) if not name.startswith("_")]
            raise RecipeError(
                f'{entry.file.name} has no "{attribute}"{did_you_mean(attribute, known)}', where
            ) from error
        why = f"importing {target} raised {type(error).__name__}: {text_of(error)}"
        line = import_line(error, str(entry.file or ""))
        why += f"; {line}" if line else ""
        raise _unusable(entry, where, why, extra_cure(entry, error)) from error
    if changed := shared.restore():
        why = f"importing {target} {changed}, which all share; {defining_line(implementation)}"
        raise _unusable(entry, where, why)
    return implementation


def _ask_family(entry: CatalogEntry, function: Callable[[str], V], where: str, doing: str) -> V:
    """Call a function of a family with the variant; what it cannot do is told at the recipe."""
    try:
        with redirect_stdout(sys.stderr):  # what it prints must not stand in a recipe
            return function(entry.variant)
    except SkinfwError as error:
        raise RecipeError(error.what, where, error.why, error.cure) from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not is_raised(error):
            raise
        why = f"{doing} raised {type(error).__name__}: {text_of(error)}"
        raise _unusable(entry, where, why, extra_cure(entry, error)) from error


class _SourceLoader(SourceFileLoader):
    """Compile what stands in a file; bytecode beside it may be of another text."""

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_data(self.path), self.path)


def _import_file(file: Path) -> Any:
    """Import a local file once per process, under a name of its own."""
    name = f"skinfw_local_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        loader = _SourceLoader(name, str(file))
        spec = importlib.util.spec_from_file_location(name, file, loader=loader)
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


def _unusable(entry: CatalogEntry, where: str, why: str, cure: str = "") -> RecipeError:
    cure = cure or blame(entry)
    return RecipeError(f"{entry.label} cannot be used", where, why, cure)
