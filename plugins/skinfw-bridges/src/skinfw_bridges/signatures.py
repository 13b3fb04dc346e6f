"""From a library's class to what skinfw builds: the parameters that a recipe can set.

skinfw reads parameters from signatures, and so the signature of a library's class, reduced to what
TOML can say, becomes that of a function.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_type_hints

from skinfw import SkinfwError
from skinfw_bridges.descriptions import first_sentence, meanings
from skinfw_bridges.toml_types import UNSET, can_say, choices, in_toml, or_unset, toml_type, type_of


@dataclass(frozen=True)
class LibraryParameter:
    """Hold a parameter of a library that a recipe can set.

    name: as the library calls it.
    annotation: what a recipe may write.
    default: as a recipe would write it; `inspect.Parameter.empty` where there is none.
    choice: the enumeration whose values the recipe writes, if there is one.
    """

    name: str
    annotation: Any
    default: Any
    choice: type[Enum] | None = None

    def restore(self, value: Any) -> Any:
        """Return a value of a recipe as the library wants it."""
        if isinstance(value, str) and value == UNSET:
            return None
        if isinstance(value, tuple):
            return tuple(map(self.restore, value))
        return self.choice(value) if self.choice else value


def library_parameters(
    function: Callable[..., Any],
    leave_out: Collection[str] = (),
    types: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> list[LibraryParameter] | None:
    """Return the parameters of a library's class or function that TOML can say.

    leave_out: parameters that the bridge gives, or that a recipe should not set.
    types: what a recipe may write where the library tells nothing or too little.
    defaults: that stand above those of the signature.
    Returns None where something that must be given cannot be said.
    """
    offered = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in leave_out or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        default = (defaults or {}).get(name, parameter.default)
        if types and name in types:
            own = _parameter(name, types[name], default)
        else:
            annotation = _annotation(function, parameter)
            type_ = type_of(default) if annotation is parameter.empty else toml_type(annotation)
            own = _parameter(name, type_, default, choices(annotation))
        if own is None and default is parameter.empty:
            return None
        if own:
            offered.append(own)
    return offered


def builder(
    library: str,
    name: str,
    function: Callable[..., Any],
    own: Sequence[LibraryParameter],
    build: Callable[..., Any],
    engine: Sequence[str] = (),
) -> Callable[..., Any]:
    """Return what builds one member of a family, with a signature that skinfw can read.

    library: for messages and descriptions.
    name: of the member.
    function: of the library, whose docstring describes.
    own: its parameters.
    build: called with what the engine gives, by position, and with the library's own values.
    engine: names of what the engine gives.
    """
    places = {parameter.name: parameter for parameter in own}

    def make(**values: Any) -> Any:
        given = [values.pop(item) for item in engine]
        arguments = {key: places[key].restore(value) for key, value in values.items()}
        with refusals(library, name):
            return build(*given, **arguments)

    kind = inspect.Parameter
    parameters = [kind(item, kind.POSITIONAL_OR_KEYWORD) for item in engine]
    parameters += [
        kind(item.name, kind.KEYWORD_ONLY, default=item.default, annotation=item.annotation)
        for item in own
    ]
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    make.__name__, make.__module__ = name, getattr(build, "func", build).__module__
    make.__doc__ = _docstring(library, name, function, own)
    return make


@contextmanager
def refusals(library: str, name: str) -> Iterator[None]:
    """Turn what a library raises about its values into an error with a cure."""
    try:
        yield
    except SkinfwError:
        raise
    except (TypeError, ValueError, AssertionError, NotImplementedError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise SkinfwError(
            f"{library} refuses what {name} is given",
            why=text[:300],
            cure=f"skinfw show lists its parameters; the documentation of {library} says more",
        ) from error


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Resolve an annotation; empty where there is none or nobody can resolve it."""
    if parameter.annotation is parameter.empty or not isinstance(parameter.annotation, str):
        return parameter.annotation
    namespace: dict[str, Any] = {}
    for owner in reversed(getattr(function, "__mro__", (function,))):
        namespace |= vars(sys.modules[owner.__module__])

    def holder() -> None: ...

    holder.__annotations__ = {parameter.name: parameter.annotation}
    try:
        return get_type_hints(holder, namespace)[parameter.name]
    except (NameError, TypeError, AttributeError):
        return parameter.empty


def _parameter(
    name: str, type_: Any, default: Any, choice: type[Enum] | None = None
) -> LibraryParameter | None:
    """Return a parameter, or None where TOML cannot say its type or its default."""
    if default is None and type_ is not None:
        type_ = or_unset(type_)
    default = in_toml(default)
    if type_ is None or (default is not inspect.Parameter.empty and not can_say(default)):
        return None
    if type_ is float and isinstance(default, int):
        default = float(default)
    return LibraryParameter(name, type_, default, choice)


def _docstring(
    library: str, name: str, function: Callable[..., Any], own: Sequence[LibraryParameter]
) -> str:
    """Return a docstring in the form that skinfw reads, from the library's own words."""
    text = function.__doc__ or ""
    told = meanings(getattr(function.__init__, "__doc__", None) or "") | meanings(text)
    elsewhere = f"see the documentation of {library}."
    lines = [first_sentence(text) or f"Use {name} of {library}.", ""]
    lines += [f"{name} of {library}, whose documentation says more.", ""]
    lines += [f"{item.name}: {told.get(item.name, elsewhere)}" for item in own]
    return "\n".join(lines)
