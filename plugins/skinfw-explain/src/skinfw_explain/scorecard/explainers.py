"""Explainers and reports by their names, whoever brings them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skinfw.toolkit import (
    PlannedComponent,
    build_components,
    explainers_by_name,
    named_component,
)

if TYPE_CHECKING:
    from skinfw import Explainer


def build_explainers(names: Sequence[str], where: str) -> dict[str, Explainer]:
    """Return explainers with their own defaults, by name.

    names: as recipes write them.
    where: who names them, for messages.
    Raises RecipeError where one cannot be used.
    """
    # A Python file must have been trusted before: the recipe may be another's.
    planned = [named_component("explainer", {"use": own}, where) for own in dict.fromkeys(names)]
    return explainers_by_name(build_components(planned, ()))


def plan_report(table: Mapping[str, Any]) -> tuple[PlannedComponent[Any], Any]:
    """Return a report and what it builds.

    table: as in a recipe.
    """
    planned = named_component("report", table, f'the report "{table["use"]}"')
    return planned, planned.make()
