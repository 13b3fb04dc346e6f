"""The markers and hooks of the plugin interface, and `Component`, what a plugin yields."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from skinfw.errors import AnswerError

if TYPE_CHECKING:
    from skinfw.interfaces.values import Result

PROJECT = "skinfw"
API = 1
"""The version of the plugin interface that this host speaks; a plugin states its own."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Component:
    """Name something that a recipe can use, without importing it.

    kind: one of `skinfw.interfaces.kinds.KINDS`.
    name: the name in a recipe; letters, digits, `-`, `_` and `.`.
    target: `"package.module:attribute"`, imported only when a recipe names it.
    summary: one sentence for lists.
    variants: for a family such as `timm/*`, the target of a function that lists its variants,
        given the one that a recipe asks for (or an empty text, for all that are cheap to know).
    extra: the pip extra that must be installed, for the error message.
    by_variant: for a family whose variants have parameters of their own: the target is a function
        that returns, for the name of a variant, what builds it.
    example: values of parameters with which it can be tried, where the defaults are not enough; for
        a family also the `variant`.
    expected_failures: conformance checks that it fails by its nature, each with the reason.
    """

    kind: str
    name: str
    target: str
    summary: str
    variants: str | None = None
    extra: str | None = None
    by_variant: bool = False
    example: Mapping[str, Any] = field(default_factory=dict)
    expected_failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """Name a command of the command line, without importing it.

    name: its words, such as `"preview"` or `"data fetch"`; lower-case letters, digits and `-`.
    target: `"package.module:attribute"` of a click command, imported only when it is called.
    summary: one sentence for `skinfw --help`.
    tables: what the files that it takes have beside the tables of a recipe, by name, each with the
        target of a dataclass of its keys; for editors, and for who gives such a file to `run`.
    """

    name: str
    target: str
    summary: str
    tables: Mapping[str, str] = field(default_factory=dict)


CORE_COMMANDS = ("run", "check")
"""The names of commands that no plugin may take."""


class PluginHooks:
    """What a plugin module implements; asked once per process."""

    @hookspec
    def skinfw_components(self) -> Iterator[Component]:  # type: ignore[empty-body]
        """Yield the components of this plugin."""

    @hookspec
    def skinfw_commands(self) -> Iterator[Command]:  # type: ignore[empty-body]
        """Yield the commands of this plugin."""


PLUGIN_HOOKS = tuple(name for name in vars(PluginHooks) if not name.startswith("_"))


class RunHooks:
    """What a component of a recipe may implement to follow its run."""

    @hookspec
    def run_start(
        self, folder: Path, recipe: Mapping[str, Any], lineage: Mapping[str, Any], rehearsal: bool
    ) -> None:
        """Hear that a run begins or goes on.

        folder: of the run.
        recipe: with all that is written in it or left to defaults.
        lineage: `recipe`, its name; where the run is one of several also `study`, the name of the
            folder that holds them, the `word` for one of them, such as "fold", its `value`, and the
            `count` of all.
        rehearsal: whether nobody wants its numbers: it tries a recipe on noise, or verifies a run.
        """

    @hookspec
    def epoch_start(self, epoch: int, epochs: int, steps: int, images: int) -> None:
        """Hear that an epoch begins; epochs count from 1."""

    @hookspec
    def step_end(self, step: int, images: int, loss: Any) -> None:
        """Hear that a batch is done; the loss is a tensor on its device, so reading it costs."""

    @hookspec
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Hear that an epoch is done and validated, with its row of the history."""

    @hookspec
    def run_end(self, result: Result) -> None:
        """Hear that a run is done."""


WATCHERS = ("report", "track")
"""The kinds that watch a run; it is worth as much without them."""

RUN_HOOKS = tuple(name for name in vars(RunHooks) if not name.startswith("_"))


Fail = Callable[[Any, Exception], None]


class _Listener:
    """Carry the hook methods of one object; its own identity, since pluggy compares by `==`."""

    def __init__(self, component: Any, part: object, fail: Fail) -> None:
        self._fails = False
        for name in RUN_HOOKS:
            method = getattr(part, name, None)
            if hasattr(method, f"{PROJECT}_impl"):
                if component and inspect.isgeneratorfunction(method):
                    with component.guard(method):
                        raise AnswerError(
                            f"has a yield in {name}", "a hook is called, not iterated"
                        )
                if component:
                    method = component.wrap(method)
                    if component.kind.name in WATCHERS:
                        method = self._contain(method, partial(fail, component))
                setattr(self, name, method)

    def _contain(
        self, method: Callable[..., Any], fail: Callable[[Exception], None]
    ) -> Callable[..., Any]:
        """Return a hook that costs no run when it fails; who failed once is not asked again."""

        @wraps(method)
        def call(*values: Any, **named: Any) -> None:
            if self._fails:
                return
            try:
                method(*values, **named)
            except Exception as error:
                self._fails = True
                fail(error)

        return call


def run_hooks(parts: Sequence[tuple[Any, object]], fail: Fail | None = None) -> Any:
    """Connect the objects of one run and return the callable hooks.

    parts: pairs of plan (or None) and object, in order; objects without hook methods stay silent.
    fail: told the component and the error of a watcher, without which the run goes on; by default
        it is raised.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(RunHooks)
    for component, part in parts:
        manager.register(_Listener(component, part, fail or _raise))
    return manager.hook


def _raise(_: Any, error: Exception) -> None:
    raise error
