"""The signatures of components as a schema says them: names and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from skinfw import SkinfwError
from skinfw.toolkit import Catalog, CatalogEntry, import_target, variants
from skinfw_catalog.schema_draft7 import draft7
from skinfw_catalog.schema_messages import Schema


@dataclass(frozen=True)
class Signature:
    """Hold the keys of all names that share one signature.

    label: the shortest name, without a variant where all variants share the signature.
    names: what an editor offers.
    other_names: what other names look like that mean the same; a regular expression.
    summary: what the component does.
    keys: a schema for each key.
    required: keys that must be given.
    """

    label: str
    names: tuple[str, ...]
    other_names: str
    summary: str
    keys: dict[str, Schema]
    required: tuple[str, ...]

    @property
    def display_name(self) -> str:
        """The name for messages, the same for all variants of a family."""
        family, slash, _ = next(iter(self.names), f"{self.label}/").partition("/")
        return f"{family}/VARIANT" if slash else family

    @property
    def needs(self) -> str:
        """The message about a key that must be given and is not."""
        return f"{self.label} needs {', '.join(self.required)}"

    def condition(self) -> Schema:
        """Return what a table satisfies that means this component, right in its `use`."""
        variant = "" if self.names == (self.label,) else "/.*"
        pattern = f"^(?:{re.escape(self.label)}{variant}|{self.other_names})$"
        return {"properties": {"use": {"type": "string", "pattern": pattern}}}


def read_signatures(catalog: Catalog, kind: str) -> tuple[Signature, ...]:
    """Return the signatures of all components of a kind that can be imported.

    Those with a name of their own come first, and behind them families that share one signature.

    catalog: what is installed.
    kind: the kind.
    """
    offers = zip(catalog.offers(kind), catalog.use_names(kind), strict=True)
    signatures = (one for entry, shortest in offers for one in _read(entry, shortest))
    return tuple(sorted(signatures, key=lambda one: (len(one.names) != 1, "/" in one.label)))


def _read(entry: CatalogEntry, shortest: str) -> Iterator[Signature]:
    """Yield the signatures of a component: one, or one for each variant that has its own."""
    try:
        names = variants(entry, "")
    except SkinfwError:
        return  # list-plugins is the place that tells what is broken
    component = entry.component
    full = f"{entry.plugin.name}:{component.name}"
    if not component.variants:
        yield from _signature(entry, shortest, (shortest,), re.escape(full))
    elif component.by_variant:
        for name in names:
            one, label = replace(entry, variant=name), f"{shortest}/{name}"
            yield from _signature(one, label, (label,), re.escape(f"{full}/{name}"))
    else:  # their tags, which stand behind a dot, are not all listed
        family = tuple(f"{shortest}/{name}" for name in names)
        others = rf"{re.escape(full)}/.+|{re.escape(shortest)}/[^.]+\..+"
        yield from _signature(entry, shortest, family, others)


def _signature(
    entry: CatalogEntry, label: str, names: tuple[str, ...], other_names: str
) -> Iterator[Signature]:
    """Yield the signature of a component or of a variant, if it can be imported."""
    try:
        _, signature = import_target(entry, "")
    except SkinfwError:
        return
    schema = draft7(signature.schema())
    yield Signature(
        label,
        names,
        other_names,
        signature.summary if entry.variant else entry.component.summary,
        schema.get("properties", {}),
        tuple(schema.get("required", ())),
    )
