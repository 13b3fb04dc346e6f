"""The guard of a component: whatever goes wrong while it is called bears its name and its line."""

from __future__ import annotations

import errno
import inspect
import opcode
import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import skinfw
from skinfw.errors import (
    FULL_DISK,
    AnswerError,
    RecipeError,
    SkinfwError,
    first_line,
    raising_line,
    unwritable,
)
from skinfw.guards import writes
from skinfw.guards.machine import (
    lost_process,
    out_of_memory,
    without_deterministic_kernel,
)
from skinfw.guards.process import Shared
from skinfw.registry.catalog import CatalogEntry
from skinfw.registry.distributions import is_editable
from skinfw.registry.known_packages import is_first

if TYPE_CHECKING:
    from skinfw.recipe.component import PlannedComponent

_HOST = str(Path(skinfw.__file__).parent) + os.sep
_RAISE = opcode.opmap["RAISE_VARARGS"]
_MOST = 300
"""Letters of an error's text; more would bury the other lines."""


class Guard(AbstractContextManager[None]):
    """Stand around the calls of a component: look at what all share, and name who is to blame."""

    __slots__ = ("_component", "_method", "_others", "_shared")

    def __init__(
        self,
        component: PlannedComponent[Any],
        method: Callable[..., Any] | None = None,
        others: Sequence[PlannedComponent[Any]] = (),
    ) -> None:
        """Keep who is called.

        method: what is called, so that an answer that is refused names its line.
        others: who may have a hand in it, such as the changes of a network; the one whose file an
            error comes from is to blame.
        """
        self._component, self._method, self._others = component, method, others

    def __enter__(self) -> None:
        """Remember what all components share."""
        self._shared = Shared(self._component.kind.name, builds=self._method is None)
        writes.begin(self._component.places)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put back what all share; raise SkinfwError that names the component."""
        writes.end()
        changed = self._shared.restore()
        if error is None and changed:
            error = AnswerError(changed, "all components share it")
        if error is None:
            return
        blame = self._component
        if self._others:
            blame = next((own for own in self._others if _passes(error, own)), blame)
        told = explain(blame, error, self._method)
        if told is not error:
            raise told from error


def explain(
    component: PlannedComponent[Any], error: BaseException, method: Callable[..., Any] | None = None
) -> BaseException:
    """Return what to raise for an error that was raised while a component was called.

    method: what was called.
    """
    entry, place = component.entry, component.origin.text
    if isinstance(error, AnswerError):
        line = _own_line(component, error) or defining_line(method or component.implementation)
        why = f"{error.expected}; {line}" if line else error.expected
        return SkinfwError(f"{entry.label} {error.came}", place, why, blame(entry))
    if isinstance(error, SkinfwError):
        return _signed(component, error)
    if isinstance(error, KeyboardInterrupt) and not is_raised(error):
        return error
    if out_of_memory(error) or lost_process(error):  # the machine is to blame
        return error
    if operation := without_deterministic_kernel(error):
        return RecipeError(
            f"engine.deterministic cannot be kept: {operation} has no kernel that repeats its bits",
            place,
            raising_line(error, defining_file(component.implementation)),
            "set engine.deterministic = false, or take a component without this operation",
        )
    if isinstance(error, OSError) and error.errno in FULL_DISK - {errno.EACCES, errno.EPERM}:
        return unwritable(Path(error.filename or ""), error)
    what = f"{entry.label} failed: {type(error).__name__}: {text_of(error)}"
    cure = extra_cure(entry, error) or blame(entry)
    if isinstance(error, ValueError) and "read-only" in str(error):
        cure = f"what it is given belongs to others, change a copy; {cure}"
    line = raising_line(error, defining_file(component.implementation))
    own = "" if _passes(error, component) else defining_line(method or component.implementation)
    return SkinfwError(what, place, "; ".join(filter(None, (line, own))), cure)


def _signed(component: PlannedComponent[Any], error: SkinfwError) -> SkinfwError:
    """Return an error with its place in the recipe and, of a third party, who raised it."""
    if not error.where:
        error.where = component.origin.text
    frames = traceback.extract_tb(error.__traceback__)
    plugin = component.entry.plugin
    own = bool(frames) and not frames[-1].filename.startswith(_HOST)
    named = component.entry.label in str(error) or is_first(plugin.distribution, plugin.name)
    if own and not named:
        error.where += f"; {component.entry.label}, {raising_line(error)}"
    return error


def is_raised(error: BaseException) -> bool:
    """Tell whether a line of code raised an error; Ctrl-C comes between two instructions."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename.startswith(_HOST):
        return False
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == _RAISE


def _passes(error: BaseException, component: PlannedComponent[Any]) -> bool:
    """Tell whether an error went through the file of a component."""
    file = defining_file(component.implementation)
    return any(frame.filename == file for frame in traceback.extract_tb(error.__traceback__))


def _own_line(component: PlannedComponent[Any], error: BaseException) -> str:
    """Return the line of a component that an error came through, "" where it came through none."""
    return (
        raising_line(error, defining_file(component.implementation))
        if _passes(error, component)
        else ""
    )


def import_line(error: BaseException, file: str) -> str:
    """Return the line at which importing a file failed, "" where nobody knows it.

    file: "" for a module of a package.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}"
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    outside = [name for name in frames if not name.startswith((_HOST, "<frozen"))]
    return raising_line(error, file or outside[-1]) if file in frames or outside else ""


def defining_file(target: Any) -> str:
    """Return the file that defines a class or a function, "" if nobody knows."""
    try:
        return inspect.getfile(inspect.unwrap(target))
    except (OSError, TypeError):
        return ""


def defining_line(target: Any) -> str:
    """Return the file and line that define a class, a function or a method, "" if nobody knows."""
    target = inspect.unwrap(getattr(target, "__func__", target))
    if not inspect.isclass(target) and not inspect.isroutine(target):
        target = getattr(type(target), "forward", type(target))
    try:
        return f"{Path(inspect.getfile(target)).name}:{inspect.getsourcelines(target)[1]}"
    except (OSError, TypeError):
        return ""


def extra_cure(entry: CatalogEntry, error: BaseException) -> str:
    """Say how to install the extra that an error shows to be absent, "" if it shows no such."""
    extra = entry.component.extra
    if not extra or not isinstance(error, ModuleNotFoundError):
        return ""
    return f"pip install '{entry.plugin.distribution}[{extra}]'"


def text_of(error: BaseException) -> str:
    """Return the first line of an error's text, also of one whose text fails."""
    try:
        line = first_line(error)
    except Exception:
        return "an error whose text fails"
    return line if len(line) <= _MOST else f"{line[:_MOST]} ..."


def blame(entry: CatalogEntry) -> str:
    """Say whose house an error belongs to."""
    if entry.file:
        return "the error is in your file; --traceback shows how it came there"
    if is_editable(entry.plugin.distribution):
        return "the error is in your package; --traceback shows how it came there"
    return f"--traceback shows where; report it to {entry.plugin.distribution}"
