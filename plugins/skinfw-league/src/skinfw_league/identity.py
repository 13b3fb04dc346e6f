"""What a trial is, wherever it is carried out: tables without paths, and digests of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinfw import RecipeError
from skinfw.toolkit import RECIPE_KINDS, Plan, PlannedComponent, plain_json, raise_all
from skinfw_league.protocol import AXES, Cell, Contender, Protocol

KEY_LETTERS = 20
DIGEST = "source_sha256"
"""The key of a table that holds the checksum of its Python file."""

_OWN = ("seed", "requires", "engine", "cache", "report", "explainer", "track", *AXES)
"""Tables that are no part of a protocol: where it is computed, what is shown, what differs."""


def digest(data: Any) -> str:
    """Return the SHA-256 of lists and tables, in which the order of keys means nothing."""
    text = json.dumps(plain_json(data), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def portable_table(component: PlannedComponent[Any]) -> dict[str, Any]:
    """Return what a recipe says of a component, without what is true of one machine alone.

    Paths are left out; a Python file is known by its name and its bytes.
    """
    table = component.table()
    paths = {name for name, value in component.arguments.items() if _holds_path(value)}
    portable = {name: value for name, value in table.items() if name not in paths}
    if component.entry.file:
        portable["use"] = f"{component.entry.file.name}:{component.entry.component.name}"
        portable[DIGEST] = component.record()[DIGEST]
    return portable


def _holds_path(value: Any) -> bool:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_path, value))
    return isinstance(value, Path)


def shared_record(protocol: Protocol, plan: Plan) -> dict[str, Any]:
    """Return what all trials of a protocol share, so that two leagues can be told apart.

    plan: the checked recipe of any trial.
    """
    resolved = plan.resolved()
    tables: dict[str, Any] = {}
    for name, table in resolved.items():
        if name in _OWN:
            continue
        tables[name] = _kind_tables(plan, name) if name in RECIPE_KINDS else table
    teacher = {key: own for key, own in vars(plan.teacher).items() if not _holds_path(own)}
    tables["teacher"] = plain_json(teacher)
    settings = protocol.settings
    about = {"number": settings.number, "seeds": settings.seeds, "recipe": tables}
    shared: dict[str, Any] = json.loads(json.dumps(plain_json(about)))
    return shared


def _kind_tables(plan: Plan, kind: str) -> Any:
    own = getattr(plan.components, kind)
    if isinstance(own, tuple):
        return [portable_table(component) for component in own]
    return portable_table(own)


def axis_tables(plan: Plan) -> dict[str, Any]:
    """Return what a trial names for each axis."""
    tables: dict[str, Any] = {}
    for kind in AXES:
        component = getattr(plan.components, kind)
        parts = component.sets or (component,)
        found = [portable_table(one) for one in parts]
        tables[kind] = found if component.sets else found[0]
    plain: dict[str, Any] = json.loads(json.dumps(plain_json(tables)))
    return plain


def refuse_twins(plans: Mapping[Cell, Plan]) -> None:
    """Refuse two names of one thing, whose trials would be one.

    plans: the checked recipe of each cell.
    Raises RecipeErrors with all of them. Data sets may differ in a path alone.
    """
    known: dict[tuple[str, str], Contender] = {}
    problems: dict[str, RecipeError] = {}
    for cell, plan in plans.items():
        tables = axis_tables(plan)
        for own in cell:
            told = own.table if own.kind == "dataset" else tables[own.kind]
            first = known.setdefault((own.kind, digest(told)), own)
            if first.name != own.name:
                problems[f"{own.kind} {own.name}"] = RecipeError(
                    f'{own.kind} "{first.name}" and "{own.name}" are the same',
                    own.origins[own.kind,].text,
                    "they differ in no setting that a row is known by; paths are none",
                    "leave one of them out, or let them differ in a setting",
                )
    raise_all(list(problems.values()))


def trial_key(shared: str, dataset: str, tables: Mapping[str, Any], seed: int) -> str:
    """Return the name of a trial, which its content makes.

    shared: the digest of what all trials share.
    dataset: the name of its data set, whose folder is not in its table.
    tables: of `axis_tables`.
    """
    return digest([shared, dataset, tables, seed])[:KEY_LETTERS]
