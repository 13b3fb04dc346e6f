"""Several data sets of a recipe, `[[dataset]]`, as one planned component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from skinfw.errors import RecipeError, shorten
from skinfw.guards.names import id_fault
from skinfw.interfaces.kinds import Kind
from skinfw.recipe.component import PlannedComponent, plan_component
from skinfw.recipe.places import Origin, display_keys
from skinfw.recipe.settings import ListedDatasetKeys
from skinfw.registry.catalog import Catalog

_HOST_KEYS = {key.name for key in fields(ListedDatasetKeys)}


def merge_components(
    kind: Kind, sets: Sequence[PlannedComponent[Any]], origin: Origin, catalog: Catalog
) -> PlannedComponent[Any]:
    """Return the component that makes one of several, named after all of them.

    kind: of the components; it has a merger.
    sets: as the recipe lists them.
    origin: the place of the list.
    catalog: what is installed.
    Raises RecipeError where they cannot be told apart, or each treats bad images in its own way.
    """
    if not sets:
        cure = f'[[{kind.name}]] and below it use = "name"'
        raise RecipeError(f"the list of {kind.name} is empty", origin.text, cure=cure)
    named = tuple(
        replace(own, host={**own.host, "source": own.host["source"] or own.entry.component.name})
        for own in sets
    )
    for place, own in enumerate(named):
        _check_source(own, named[:place])
        _check_bad(own, named[0])
    table = {"use": kind.merger, "bad": named[0].host["bad"]}
    merger, _ = plan_component(kind, (kind.name,), table, origin, origin.text, catalog, None)
    assert merger, "a merger has no parameters"
    return replace(merger, use=" + ".join(own.host["source"] for own in named), sets=named)


def dataset_name(recipe: Mapping[str, Any]) -> str:
    """Return what a recorded recipe calls its data: its data set's `use`, or several sources."""
    table = recipe["dataset"]
    if isinstance(table, Mapping):
        return str(table["use"])
    return " + ".join(str(own.get("source") or own["use"]) for own in table)


def data_sources(
    written: Mapping[str, Any] | Sequence[Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return what reads each data set of a recipe, by its source; by "" where it is a single one.

    written: the recipe's table of its data set, or those of several, planned or recorded.
    Two that are equal read the same files in the same way.
    """
    if isinstance(written, Mapping):
        return {"": _reader(written)}
    return {str(own.get("source") or own["use"]): _reader(own) for own in written}


def _reader(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a data set without what it is among others."""
    return {key: value for key, value in table.items() if key not in _HOST_KEYS}


def _check_source(own: PlannedComponent[Any], others: Sequence[PlannedComponent[Any]]) -> None:
    """Refuse a name that cannot stand before those of images, or that another data set has."""
    source, name = own.host["source"], display_keys(own.keys)
    if fault := id_fault(source) or ("it holds a /" if "/" in source else ""):
        what = f'{name}.source cannot be "{shorten(source)}"'
        raise RecipeError(what, own.origin.text, fault, "take letters and digits")
    for other in others:
        if other.host["source"] == source:
            raise RecipeError(
                f'two data sets are called "{source}"',
                own.origin.text,
                f"the other one stands in {other.origin.text}",
                f'call one of them otherwise: source = "..." or --set {name}.source=...',
            )


def _check_bad(own: PlannedComponent[Any], first: PlannedComponent[Any]) -> None:
    """Refuse another treatment of bad images than that of the first data set."""
    if own.host["bad"] != first.host["bad"]:
        raise RecipeError(
            f'{display_keys(own.keys)}.bad is "{own.host["bad"]}", and that of '
            f'{display_keys(first.keys)} is "{first.host["bad"]}"',
            own.origin.text,
            "the images of all are read as one data set",
            "give all of them the same",
        )
