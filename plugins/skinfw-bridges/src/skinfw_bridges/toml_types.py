"""Which of a library's types TOML can say, and what they are called in a recipe."""

from __future__ import annotations

import json
import numbers
from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

UNSET = "unset"
"""What a recipe writes for a library's None."""

_PLAIN = (bool, int, float, str)


def toml_type(annotation: Any) -> Any:
    """Return the part of a type that TOML can say; None where there is none.

    annotation: a type of a library. None in it becomes the text "unset", an enumeration the choice
        of its values, and a list without a type a list of numbers.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _PLAIN or annotation is Any:
        return annotation
    if annotation is numbers.Number:
        return float
    if annotation is NoneType:
        return Literal[UNSET]
    if is_choice(annotation):
        return Literal[tuple(member.value for member in annotation)]
    if origin is Annotated:
        return toml_type(arguments[0])
    if origin is Literal:
        return Literal[tuple(UNSET if value is None else value for value in arguments)]
    if origin in (Union, UnionType):
        return _union(arguments)
    if annotation in (list, tuple, Sequence) or origin in (list, tuple, Sequence):
        return _list(origin, arguments)
    if origin in (dict, Mapping) and arguments[0] is str:
        value = toml_type(arguments[1])
        return None if value is None else dict[str, value]  # type: ignore[valid-type]
    return None


def is_choice(annotation: Any) -> bool:
    """Tell whether a type is an enumeration of texts."""
    return (
        isinstance(annotation, type)
        and issubclass(annotation, Enum)
        and all(isinstance(member.value, str) for member in annotation)
    )


def choices(annotation: Any) -> type[Enum] | None:
    """Return the enumeration of texts in a type, if there is one."""
    options = [annotation, *get_args(annotation)]
    return next((option for option in options if is_choice(option)), None)


def type_of(value: Any) -> Any:
    """Return the type of a default; None where TOML has no such values.

    value: of a parameter without annotation.
    """
    if isinstance(value, list | tuple):
        items = [type_of(item) for item in value]
        return None if not items or None in items else tuple[tuple(items)]  # type: ignore[misc]
    return toml_type(type(value)) if value is not None else None


def or_unset(type_: Any) -> Any:
    """Return a type that TOML can say, or "unset"."""
    return toml_type(type_ | None)


def in_toml(value: Any) -> Any:
    """Return a default as a recipe writes it, as far as it can."""
    if isinstance(value, tuple):
        return tuple(map(in_toml, value))
    if value is None:
        return UNSET
    return value.value if isinstance(value, Enum) else value


def can_say(value: Any) -> bool:
    """Tell whether TOML has a word for a value."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _union(options: Sequence[Any]) -> Any:
    """Return the union of what can be said; a choice of texts stands for all texts and places."""
    if any(is_choice(option) for option in options):
        options = [option for option in options if option not in (str, int)]
    types = [own for own in map(toml_type, options) if own is not None]
    others = [own for own in types if get_origin(own) is not Literal]
    words = [word for own in types if get_origin(own) is Literal for word in get_args(own)]
    if not others and set(words) <= {UNSET}:
        return None
    if words:
        others.append(Literal[tuple(dict.fromkeys(words))])
    return Union[tuple(others)]  # noqa: UP007


def _list(origin: Any, arguments: Sequence[Any]) -> Any:
    """Return the type of a list, of one length where the library says so."""
    if origin is tuple and Ellipsis not in arguments:
        items = [toml_type(item) for item in arguments]
        return None if None in items else tuple[tuple(items)]  # type: ignore[misc]
    item = toml_type(arguments[0]) if arguments else float
    if item is None:
        return None
    return list[item] if origin is list else tuple[item, ...]  # type: ignore[valid-type]
