"""Explainers and reports by their names, whoever brings them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError
from skinfw.toolkit import (
    KINDS,
    Catalog,
    Origin,
    PlannedComponent,
    build_components,
    explainers_by_name,
    plan_component,
)

if TYPE_CHECKING:
    from skinfw import Explainer


def build_explainers(names: Sequence[str], where: str) -> dict[str, Explainer]:
    """Return explainers with their own defaults, by name.

    names: as recipes write them.
    where: who names them, for messages.
    Raises RecipeError where one cannot be used.
    """
    planned = [_plan("explainer", {"use": name}, where) for name in dict.fromkeys(names)]
    return explainers_by_name(build_components(planned, ()))


def plan_report(table: Mapping[str, Any]) -> tuple[PlannedComponent[Any], Any]:
    """Return a report and what it builds.

    table: as in a recipe.
    """
    planned = _plan("report", table, f'the report "{table["use"]}"')
    return planned, planned.make()


def _plan(kind: str, table: Mapping[str, Any], where: str) -> PlannedComponent[Any]:
    # A Python file must have been trusted before: the recipe may be another's.
    origin = Origin(where, Path.cwd(), trusted=False)
    component, complaints = plan_component(
        KINDS[kind], (kind,), table, origin, where, Catalog(), None
    )
    if component is None:
        wrong = complaints[0]
        name = f"{wrong.keys[0]} {wrong.text}"
        raise RecipeError(f'"{table["use"]}" cannot be used: {name}', where)
    return component
