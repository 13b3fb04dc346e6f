"""What explainers of a run chose, in the place of what its recipe leaves to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def chosen_tables(
    tables: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the recipe's explainer tables with what was chosen in its place.

    choices: as run.json records them, one for each table; none for older runs.
    """
    own = [dict(table) for table in tables]
    for table, choice in zip(own, choices, strict=False):
        table |= choice.get("parameters", {})
    return own
