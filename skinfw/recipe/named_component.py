"""A component that a command, a report or Python names outside of a recipe's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinfw.errors import RecipeError
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.component import PlannedComponent, plan_component
from skinfw.recipe.places import Origin
from skinfw.registry.catalog import Catalog


def named_component(
    kind: str,
    table: Mapping[str, Any],
    where: str,
    trusted: bool = False,
    classes: tuple[str, ...] | None = None,
) -> PlannedComponent[Any]:
    """Return a component that is named outside of a recipe's own tables, checked but not built.

    kind: such as "explainer".
    table: as in a recipe, with `use`.
    where: who names it, for messages.
    trusted: whether a Python file may be imported that nobody has trusted yet.
    classes: of the network, as far as they are known.
    Raises RecipeError where there is no such component, or it takes other parameters.
    """
    origin = Origin(where, Path.cwd(), trusted=trusted)
    component, complaints = plan_component(
        KINDS[kind], (kind,), table, origin, where, Catalog(), classes
    )
    if component is None:
        use = table["use"]
        texts = [f"{'.'.join(map(str, one.keys))} {one.text}" for one in complaints]
        raise RecipeError(
            f'the {kind} "{use}" does not take this',
            where,
            "; ".join(texts),
            f"skinfw show {kind} {use} lists what it takes",
        )
    return component
