"""Find the installed plugins. Never raises: a broken plugin is a row, not a traceback."""

from __future__ import annotations

import importlib
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, Literal, TypeVar

import pluggy

from skinfw.errors import first_line
from skinfw.interfaces.hooks import API, CORE_COMMANDS, PROJECT, Command, Component, PluginHooks
from skinfw.interfaces.kinds import KINDS
from skinfw.registry.known_packages import is_first
from skinfw.registry.names import did_you_mean

Status = Literal["working", "broken", "incompatible", "conflict", "blocked"]
BLOCK_VARIABLE = "SKINFW_BLOCK"
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_COMPONENT_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(@[1-9]\d*)?")
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9-]*( [a-z][a-z0-9-]*){0,2}")

T = TypeVar("T", Component, Command)


@dataclass(frozen=True)
class Plugin:
    """Describe one installed entry point.

    name: the entry point's name, the prefix of qualified component names.
    module: the light module behind it.
    distribution: the package that brings it.
    version: that package's version.
    status: whether a recipe can use its components.
    error: why not, in one line.
    cure: what to do about it.
    seconds: what asking it cost.
    imported_torch: whether it was the one that pulled in torch.
    components: what it offers to recipes.
    commands: what it offers to the command line.
    """

    name: str
    module: str
    distribution: str
    version: str
    status: Status = "working"
    error: str = ""
    cure: str = ""
    seconds: float = 0.0
    imported_torch: bool = False
    components: tuple[Component, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def label(self) -> str:
        """The name and version for messages."""
        return f"{self.name} {self.version}".strip()


class _Refused(Exception):
    """Carry the status, error and cure of a plugin that cannot be used."""

    def __init__(self, status: Status, error: str, cure: str = "") -> None:
        super().__init__(error)
        self.status, self.error, self.cure = status, error, cure


@cache
def discover() -> tuple[Plugin, ...]:
    """Return all installed plugins, sorted by name; asks each of them once per process."""
    points = sorted(entry_points(group=PROJECT), key=lambda point: (point.name, _source(point)))
    owners = Counter(point.name for point in points)
    return tuple(_examine(point, owners[point.name] > 1) for point in points)


def _examine(point: EntryPoint, shared_name: bool) -> Plugin:
    """Ask one plugin, whatever it does."""
    plugin = Plugin(point.name, point.value, *_origin(point.dist))
    blocked = {name.strip() for name in os.environ.get(BLOCK_VARIABLE, "").split(",")}
    if point.name in blocked:
        cure = f"take it out of {BLOCK_VARIABLE}"
        error = f"named in {BLOCK_VARIABLE}"
        return replace(plugin, status="blocked", error=error, cure=cure)
    if shared_name and not is_first(plugin.distribution, plugin.name):
        others = sorted({_source(other) for other in entry_points(group=PROJECT, name=point.name)})
        return replace(
            plugin,
            status="conflict",
            error=f"{' and '.join(others)} both claim the plugin name {point.name!r}",
            cure=f"pip uninstall one of them, then reinstall {others[0]}",
        )
    torch_before, start = "torch" in sys.modules, time.perf_counter()
    try:
        # What a plugin prints must not stand in output that other programs read.
        with _contain("asking it"), redirect_stdout(sys.stderr):
            module = _load(point)
            components, commands = _components(module), _commands(module)
    except _Refused as refusal:
        plugin = replace(plugin, status=refusal.status, error=refusal.error, cure=refusal.cure)
    else:
        plugin = replace(plugin, components=components, commands=commands)
    return replace(
        plugin,
        seconds=time.perf_counter() - start,
        imported_torch="torch" in sys.modules and not torch_before,
    )


def _load(point: EntryPoint) -> Any:
    """Import the plugin's module and check the interface version that it declares."""
    try:
        with _contain("its import"):
            module = importlib.import_module(point.module)
    except _Refused as refusal:
        missing = refusal.__cause__
        package = point.module.split(".")[0]
        if isinstance(missing, ModuleNotFoundError) and missing.name == package:
            source = _source(point)
            raise _Refused(
                "broken",
                f"the metadata of {source} is stale: its package {package} is gone",
                f"pip install --force-reinstall {source}, or pip uninstall {source}",
            ) from missing
        raise
    version = getattr(module, "SKINFW_API", None)
    if not isinstance(version, int) or isinstance(version, bool):
        raise _Refused(
            "incompatible",
            f"{point.module} does not state SKINFW_API",
            f"its author adds SKINFW_API = {API} to {point.module}",
        )
    if version != API:
        newer = version > API
        raise _Refused(
            "incompatible",
            f"it speaks plugin interface {version}, this skinfw speaks {API}",
            "pip install --upgrade " + (PROJECT if newer else _source(point)),
        )
    return module


def _components(module: Any) -> tuple[Component, ...]:
    """Return what a plugin offers to recipes."""
    components = _ask(module, "skinfw_components", Component, _component_problem)
    for (kind, name), count in Counter((item.kind, item.name) for item in components).items():
        if count > 1:
            raise _Refused("broken", f"it names the {kind} {name!r} twice")
    return components


def _commands(module: Any) -> tuple[Command, ...]:
    """Return what a plugin offers to the command line."""
    commands = _ask(module, "skinfw_commands", Command, _command_problem)
    for name, count in Counter(item.name for item in commands).items():
        if count > 1:
            raise _Refused("broken", f"it names the command {name!r} twice")
    return commands


def _ask(module: Any, hook: str, offer: type[T], problem_of: Callable[[T], str]) -> tuple[T, ...]:
    """Ask a plugin's module through pluggy, apart from all other plugins.

    offer: what the hook must yield.
    problem_of: says what is wrong with one of them.
    """
    function = getattr(module, hook, None)
    if callable(function) and not hasattr(function, f"{PROJECT}_impl"):
        raise _Refused(
            "broken", f"{hook} is not marked", f"its author writes @hookimpl over {hook}"
        )
    with _contain(hook):
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(PluginHooks)
        manager.register(module)
        answers: list[Iterable[T]] = getattr(manager.hook, hook)()
        offers = tuple(item for answer in answers for item in answer)
    for item in offers:
        if not isinstance(item, offer):
            problem = f"{hook} yielded a {type(item).__name__}, which is no {offer.__name__}"
        else:
            texts = [
                getattr(item, field.name)
                for field in fields(item)
                if field.default is MISSING and field.default_factory is MISSING
            ]
            kinds = "/".join(type(text).__name__ for text in texts)
            strings = all(isinstance(text, str) for text in texts)
            problem = problem_of(item) if strings else f"a {offer.__name__} has {kinds} for texts"
        if problem:
            raise _Refused("broken", problem, f"its author mends {hook}")
    return offers


def _component_problem(item: Component) -> str:
    """Say what is wrong with a component that a plugin yielded."""
    if item.kind not in KINDS:
        return f"{item.name!r} has the unknown kind {item.kind!r}{did_you_mean(item.kind, KINDS)}"
    if not _COMPONENT_NAME.fullmatch(item.name):
        return f"{item.name!r} is no component name: letters, digits, '-', '_', '.', then @2"
    for target in (item.target, item.variants):
        if target is not None and not _TARGET.fullmatch(str(target)):
            return f'{item.name!r} has the target {target!r}, which is not "module:attribute"'
    return ""


def _command_problem(item: Command) -> str:
    """Say what is wrong with a command that a plugin yielded."""
    if not _COMMAND_NAME.fullmatch(item.name):
        return f"{item.name!r} is no command name: words of lower-case letters, digits and '-'"
    if item.name.split()[0] in CORE_COMMANDS:
        return f"the command {item.name!r} is the host's own"
    for target in (item.target, *item.tables.values()):
        if not _TARGET.fullmatch(str(target)):
            return f'{item.name!r} has the target {target!r}, which is not "module:attribute"'
    return ""


@contextmanager
def _contain(doing: str) -> Iterator[None]:
    """Turn whatever a plugin raises, sys.exit included, into a refusal."""
    try:
        yield
    except (KeyboardInterrupt, _Refused):
        raise
    except BaseException as error:
        try:
            line = first_line(error)
        except Exception:  # an error whose own text fails
            line = ""
        text = f"{doing} raised {type(error).__name__}: {line}"
        raise _Refused("broken", text.rstrip(": ")) from error


def _source(point: EntryPoint) -> str:
    """Return the name of the distribution that brings an entry point."""
    return _origin(point.dist)[0]


@cache
def _origin(distribution: Distribution | None) -> tuple[str, str]:
    """Return a distribution's name and version; asking it reads its metadata anew each time."""
    if distribution is None:
        return "unknown", ""
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]
