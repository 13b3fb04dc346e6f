"""Refusals that Taplo shows once.

Taplo repeats a message about a table at its header and at each of its keys and values. So whatever
is wrong with a table is said of one value inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]
_DEEPEST = 40
"""How many keys are told apart; Taplo reads no schema that is nested more than 128 times."""


def refuse(text: str) -> Schema:
    """Return a schema that nothing satisfies; its text stands in the message.

    text: what is wrong and what would be right.
    """
    return {"not": {"description": text}}


def refer(definition: str) -> Schema:
    """Return a schema that stands among the definitions."""
    pointer = definition.replace("/", "~1")  # as JSON pointers write it
    return {"$ref": f"#/definitions/{pointer}"}


def refuse_table(refusal: Schema, keys: Sequence[str]) -> Schema:
    """Return a schema that no table satisfies.

    refusal: what a value gets that bears the message.
    keys: that the table may have, the likeliest first; the first one that it has bears the message.
        All values bear it where it has none of these, and the table itself where it is empty.
    """
    schema: Schema = {"minProperties": 1, "additionalProperties": refusal}
    for key in reversed(keys[:_DEEPEST]):
        schema = {
            "if": {"required": [key]},
            "then": {"properties": {key: refusal}},
            "else": schema,
        }
    return schema


def refuse_whole(refusal: Schema, keys: Sequence[str]) -> Schema:
    """Return a schema that no table, no list of tables and no value satisfies.

    refusal, keys: as `refuse_table` takes them; of a list, the first item bears the message.
    """
    table = refuse_table(refusal, keys)
    first = {"if": {"type": "object"}, "then": table, "else": refusal}
    return {
        "if": {"type": "array"},
        "then": {"minItems": 1, "items": [first]},
        "else": first,
    }
