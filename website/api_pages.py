"""A page for each public module, from signatures and docstrings."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import skinfw
from skinfw.api import models, runs
from skinfw.recipe.docstrings import parse

WIDE = 76
# A heading of skinfw's page, and the modules whose names stand below it.
SECTIONS = {
    "Running and using": ("api.runs", "api.models", "api.listing", "errors"),
    "Naming components": ("interfaces.hooks",),
    "What components are": ("interfaces.protocols",),
    "Values": ("interfaces.values", "interfaces.sweeps", "interfaces.calibration"),
    "Steps of images": ("interfaces.transforms",),
    "Tasks of launchers": ("interfaces.tasks",),
    "Files": (
        "files.atomic",
        "files.csv_tables",
        "files.csv_lines",
        "files.parquet_tables",
        "files.metadata_values",
        "files.spreadsheets",
        "data.decoding",
    ),
    "Lesions and intervals": ("statistics.intervals", "statistics.confidence"),
}
TOLD = {
    "hookimpl": "Marks a function of plugin.py, or a method of a component, as a hook.",
    "ClassName": "Annotates a parameter that names a class of the data set.",
}
RETURNED = (runs.Run, runs.CheckedRecipe, models.Model, models.Answers, models.Evaluation)


def api_pages() -> Iterator[tuple[str, str]]:
    """Yield name and text of each page."""
    yield "skinfw", "\n\n".join(_skinfw())
    for name in ("testing", "metrics"):
        yield f"skinfw.{name}", "\n\n".join(_module(f"skinfw.{name}"))


def _skinfw() -> Iterator[str]:
    homes = _public_names("skinfw")
    yield "# skinfw"
    yield _prose(skinfw.__doc__)
    for section, modules in SECTIONS.items():
        yield f"## {section}"
        for module in modules:
            own = [name for name, home in homes.items() if home == f"skinfw.{module}"]
            for name in own:
                yield from _object(name, getattr(skinfw, name))
        if section == "Running and using":
            for returned in RETURNED:
                yield from _object(returned.__name__, returned)


def _module(name: str) -> Iterator[str]:
    module = import_module(name)
    yield f"# {name}"
    yield _prose(module.__doc__)
    public = {
        **_public_names(name),
        **{
            own: name
            for own, value in vars(module).items()
            if not own.startswith("_") and getattr(value, "__module__", "") == name
        },
    }
    for own in public:
        yield from _object(own, getattr(module, own))


def _public_names(module: str) -> Mapping[str, str]:
    """Return where each name comes from that a module imports `as` itself, to be public."""
    source = inspect.getsourcefile(import_module(module))
    assert source is not None
    tree = ast.parse(Path(source).read_text(encoding="utf-8"))
    return {
        alias.asname: str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname and not alias.asname.startswith("_")
    }


def _object(name: str, value: Any) -> Iterator[str]:
    """Yield what a reader must know of a name; constants are a heading and their type."""
    yield f"### {name}"
    if inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield from _callable(name, value)
    elif name in TOLD:
        yield TOLD[name]
    else:
        yield f"```python\n{name} = {_short(value)}\n```"


def _short(value: Any) -> str:
    text = repr(value).replace("typing.", "")
    return text if len(text) < WIDE else f"{text[: WIDE - 4]} ..."


def _class(name: str, value: type) -> Iterator[str]:
    if dataclasses.is_dataclass(value):
        yield _signature(name, value)
    yield from _documentation(value)
    for own, member in vars(value).items():
        if own.startswith("_"):
            continue
        call = getattr(member, "__func__", member)  # of a class method
        if inspect.isfunction(call) and call.__doc__:
            yield f"#### {name}.{own}"
            yield from _callable(own, call)
        elif read := getattr(member, "fget", None) or getattr(member, "func", None):
            yield f"`{name}.{own}`\n:   {_prose(read.__doc__)}"


def _callable(name: str, value: Any) -> Iterator[str]:
    yield _signature(name, value)
    yield from _documentation(value)


def _documentation(value: Any) -> Iterator[str]:
    doc = parse(value.__doc__ or "")
    yield doc.summary
    for name, meaning in doc.meanings.items():
        yield f"`{name}`\n:   {meaning}"
    if doc.body:
        yield doc.body


def _signature(name: str, value: Any) -> str:
    """Return a call as code, on several lines where one would be too wide."""
    signature = inspect.signature(value)
    texts = [text for own in signature.parameters.values() for text in _parameter(own, signature)]
    end = _annotation(signature.return_annotation, " -> ")
    line = f"{name}({', '.join(texts)}){end}"
    if len(line) > WIDE:
        line = "\n".join([f"{name}(", *(f"    {text}," for text in texts), f"){end}"])
    return f"```python\n{line}\n```"


def _parameter(own: inspect.Parameter, signature: inspect.Signature) -> Iterator[str]:
    """Yield a parameter as it is written, behind the star if it is the first that must be named."""
    named = [one for one in signature.parameters.values() if one.kind is own.KEYWORD_ONLY]
    if own in named[:1]:
        yield "*"
    if own.name == "self":
        return
    stars = "*" if own.kind is own.VAR_POSITIONAL else "**" if own.kind is own.VAR_KEYWORD else ""
    default = "" if own.default is own.empty else f" = {_default(own.default)}"
    yield f"{stars}{own.name}{_annotation(own.annotation, ': ')}{default}"


def _default(value: Any) -> str:
    """Return a default; of functions the name, of what is made anew for each object dots."""
    return getattr(value, "__name__", "...") if repr(value).startswith("<") else repr(value)


def _annotation(value: Any, before: str) -> str:
    if value in (inspect.Signature.empty, None, "None"):
        return ""
    return before + (value if isinstance(value, str) else inspect.formatannotation(value))


def _prose(text: str | None) -> str:
    return inspect.cleandoc(text or "")
