"""The signature is the schema: a component's parameters as a pydantic model.

What stands before `*` in a signature comes from the engine, what stands after it from the recipe.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, cast, get_type_hints

import pydantic

from skinfw.errors import SkinfwError, shorten
from skinfw.files.sources import source_path
from skinfw.files.urls import is_url
from skinfw.recipe.docstrings import parse
from skinfw.recipe.places import Keys
from skinfw.registry.names import did_you_mean

MOST_COMPLAINTS = 100
"""Of one table; more would bury each other."""


@dataclass(frozen=True)
class Parameters:
    """Hold what a callable takes.

    engine: names before the star, given by the engine.
    model: the pydantic model of what stands after it.
    summary: the first sentence of the docstring.
    body: the paragraphs after it.
    """

    engine: tuple[str, ...]
    model: type[pydantic.BaseModel]
    summary: str
    body: str

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the recipe's parameters, meanings as descriptions."""
        return self.model.model_json_schema()

    def defaults(self) -> dict[str, Any]:
        """Return the parameters that have a default, as a recipe would write it."""
        return {
            name: to_toml(field.get_default(call_default_factory=True))
            for name, field in self.model.model_fields.items()
            if not field.is_required()
        }

    def read(
        self,
        values: Mapping[str, Any],
        classes: tuple[str, ...] | None = None,
        host_keys: Sequence[str] = (),
    ) -> tuple[dict[str, Any], list[Complaint]]:
        """Check the values of a recipe table.

        values: the table, without the host's own keys.
        classes: the class names of the data set, where known.
        host_keys: keys that the host adds to the table, for suggestions.
        Returns the arguments with defaults, and all complaints; one of the two is empty.
        """
        dates = [
            Complaint((key,), "holds a date or a time, which no parameter takes", "write a text")
            for key, value in values.items()
            if _holds_date(value)
        ]
        if dates:
            return {}, dates
        text = json.dumps(values)
        try:
            checked = self.model.model_validate_json(
                text, strict=True, context={"classes": classes}
            )
        except pydantic.ValidationError as error:
            known = (*self.model.model_fields, *host_keys)
            complaints = _complaints(error, self.schema(), values, classes, known)
            return {}, list(islice(complaints, MOST_COMPLAINTS))
        arguments, refused = {}, []
        for name in self.model.model_fields:
            try:
                arguments[name] = _with_urls(getattr(checked, name), values.get(name))
            except SkinfwError as error:
                refused.append(Complaint((name,), f"cannot be: {error.what}", error.cure))
        return ({}, refused) if refused else (arguments, [])


@dataclass(frozen=True)
class Complaint:
    """Say what is wrong with one key.

    keys: its path below the component's table.
    text: what is wrong, to be read after the key's name.
    cure: what to do, where that is more than obvious.
    missing: whether the key is absent altogether.
    """

    keys: Keys
    text: str
    cure: str = ""
    missing: bool = False


class SignatureError(Exception):
    """Say that a callable's signature cannot be a schema; its author must mend it."""


def parameters(target: Callable[..., Any]) -> Parameters:
    """Read the signature of a class, dataclass or function.

    target: the component.
    Raises SignatureError where a parameter lacks an annotation or catches everything.
    """
    # Other callables may not be hashable, or change.
    plain = inspect.isclass(target) or inspect.isfunction(target)
    return _read_once(target) if plain else _read_signature(target)


def _read_signature(target: Callable[..., Any]) -> Parameters:
    signature = inspect.signature(target)
    doc = parse(target.__doc__ or "")
    fields: dict[str, Any] = {}
    engine = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise SignatureError(f"*{name} hides parameters; write each one out")
        if parameter.kind is not parameter.KEYWORD_ONLY:
            engine.append(name)
        else:
            default = _default(target, name, parameter)
            description = doc.meanings.get(name)
            fields[name] = (
                _hint(target, parameter),
                pydantic.Field(default, description=description),
            )
    try:
        model = pydantic.create_model(
            getattr(target, "__name__", "Parameters"),
            __config__=pydantic.ConfigDict(
                extra="forbid", strict=True, protected_namespaces=(), allow_inf_nan=False
            ),
            __doc__=doc.summary,
            **fields,
        )
        model.model_json_schema()
    except (pydantic.PydanticUserError, NameError, TypeError) as error:
        raise SignatureError(str(error).splitlines()[0]) from error
    return Parameters(tuple(engine), model, doc.summary, doc.body)


_read_once = lru_cache(512)(_read_signature)


def _with_urls(value: Any, text: Any) -> Any:
    """Return a checked value in which a path that was written as a URL is that of the URL.

    text: as the recipe has it.
    """
    if isinstance(value, Path) and isinstance(text, str) and is_url(text):
        return source_path(text)
    if isinstance(value, list | tuple) and isinstance(text, list):
        return type(value)(_with_urls(*own) for own in zip(value, text, strict=True))
    return value


def to_toml(value: Any) -> Any:
    """Return a parameter's value the way a recipe writes it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_toml(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_toml(item) for item in value]
    return value


def describe(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> str:
    """Say in words what a JSON Schema allows: "a number in [0, 0.4]"."""
    definitions = definitions or schema.get("$defs", {})
    if "$ref" in schema:
        return describe(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in schema:
        return " or ".join(describe(option, definitions) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        return " or ".join(json.dumps(option) for option in options)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        noun = "an integer" if kind == "integer" else "a number"
        return f"{noun}{_range(schema)}"
    if kind == "array":
        if "prefixItems" in schema:
            inner = ", ".join(describe(item, definitions) for item in schema["prefixItems"])
            return f"a list [{inner}]"
        return f"a list, each item {describe(schema.get('items', {}), definitions)}"
    if kind == "object":
        values = schema.get("additionalProperties", {})
        values = values if isinstance(values, dict) else {}
        return f"a table, each value {describe(values, definitions)}"
    path = schema.get("format") == "path"
    names = {"string": "a path" if path else "a text", "boolean": "true or false", "null": "unset"}
    return names.get(str(kind), "any value")


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    left = f"[{low:g}" if low is not None else f"({above:g}" if above is not None else ""
    right = f"{high:g}]" if high is not None else f"{below:g})" if below is not None else ""
    if left and right:
        return f" in {left}, {right}"
    if left:
        return f" of at least {low:g}" if low is not None else f" above {above:g}"
    if right:
        return f" of at most {high:g}" if high is not None else f" below {below:g}"
    return ""


def _holds_date(value: Any) -> bool:
    """Tell whether a value is or holds a date or a time, which JSON has not."""
    if isinstance(value, dict):
        return any(map(_holds_date, value.values()))
    return (
        any(map(_holds_date, value)) if isinstance(value, list) else isinstance(value, date | time)
    )


def _hint(target: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Resolve the annotation of one parameter, constraints included.

    One at a time, since what the engine gives may be annotated with types that only a type
    checker imports.
    """
    if parameter.annotation is parameter.empty:
        raise SignatureError(f"parameter {parameter.name} has no annotation")
    owner: Any = target
    for base in getattr(target, "__mro__", ()):  # a dataclass may inherit fields
        if parameter.name in vars(base).get("__annotations__", {}):
            owner = base
            break
    namespace = vars(sys.modules[owner.__module__])

    def holder() -> None: ...

    holder.__annotations__ = {parameter.name: parameter.annotation}
    try:
        return get_type_hints(holder, namespace, include_extras=True)[parameter.name]
    except (NameError, TypeError) as error:
        raise SignatureError(f"the annotation of {parameter.name} is unknown: {error}") from error


def _default(target: Callable[..., Any], name: str, parameter: inspect.Parameter) -> Any:
    """Return a parameter's default; dataclass factories are called."""
    if dataclasses.is_dataclass(target):
        for field in dataclasses.fields(target):
            if field.name == name and field.default_factory is not dataclasses.MISSING:
                return field.default_factory()
    return ... if parameter.default is parameter.empty else parameter.default


def _complaints(
    error: pydantic.ValidationError,
    schema: dict[str, Any],
    values: Mapping[str, Any],
    classes: tuple[str, ...] | None,
    known: Sequence[str],
) -> Iterator[Complaint]:
    """Turn pydantic's errors into one sentence per key."""
    said: set[Keys] = set()
    for item in error.errors():
        keys, value = _locate(item["loc"], values)
        if keys in said:
            continue
        said.add(keys)
        if item["type"] == "extra_forbidden":
            hint = did_you_mean(str(keys[-1]), known)
            cure = f"its keys: {', '.join(known)}" if known else "it has no keys of its own"
            yield Complaint(keys, f"is not a known key{hint}", cure)
        elif item["type"] == "missing" and len(item["loc"]) == 1:
            key = str(item["loc"][0])
            node = schema["properties"].get(key, {})
            text = f"must be given: {describe(node, schema.get('$defs'))}"
            yield Complaint((key,), text, missing=True)
        elif item["type"] == "class_name":
            name = str(item["input"])
            names = classes or ()
            text = f"names no class of the data set{did_you_mean(name, names)}"
            yield Complaint(keys, text, f"its classes: {', '.join(names)}")
        elif keys:
            node = _node(schema, keys)
            shown = shorten(json.dumps(value, ensure_ascii=False), 80)
            yield Complaint(keys, f"must be {describe(node, schema.get('$defs'))}, not {shown}")
        else:
            yield Complaint((), str(item["msg"]))


def _locate(location: tuple[int | str, ...], values: Any) -> tuple[Keys, Any]:
    """Follow pydantic's location as far as it names keys that the recipe wrote."""
    keys: list[str | int] = []
    for step in location:
        try:
            inner = values[step]
        except (KeyError, IndexError, TypeError):
            break
        keys.append(step)
        values = inner
    return tuple(keys), values


def _node(schema: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """Return the part of a schema that describes a key, as deep as it goes."""
    definitions = schema.get("$defs", {})
    node = schema
    for key in keys:
        if "$ref" in node:
            node = definitions[node["$ref"].rsplit("/", 1)[-1]]
        if isinstance(key, str) and key in node.get("properties", {}):
            node = node["properties"][key]
        elif isinstance(key, str) and isinstance(node.get("additionalProperties"), dict):
            node = node["additionalProperties"]
        elif isinstance(key, int) and isinstance(node.get("items"), dict):
            node = node["items"]
        elif isinstance(key, int) and "prefixItems" in node:
            node = cast(dict[str, Any], node["prefixItems"][key])
        else:
            break
    return node
