"""Write recipe tables as TOML, a key a line, inner tables inline as people write them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.settings import SETTINGS

if TYPE_CHECKING:
    from skinfw.recipe.plan import Plan

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROLS = re.compile("[\x7f-\x9f]")


def table_text(header: str, table: Mapping[str, Any]) -> str:
    """Return a table as TOML.

    header: such as `[sampler]`, or empty for the top of a recipe.
    table: its keys.
    """
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None]
    return "\n".join([header, *lines] if header else lines) + "\n"


def table_header(kind: str) -> str:
    """Return how the table of a kind is headed, `[sampler]` or `[[augment]]`."""
    return f"[[{kind}]]" if KINDS[kind].many else f"[{kind}]"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)  # inf and nan, as TOML has them
    return _text(value)  # texts, numbers and truth values of JSON are TOML, too


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(value: Any) -> str:
    """Return JSON that is also TOML, which wants more control characters escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def as_toml(plan: Plan) -> str:
    """Return a checked recipe as TOML, each component with its plugin.

    plan: the checked recipe.
    """
    resolved = plan.resolved()
    top = {key: value for key, value in resolved.items() if key in ("seed", "requires")}
    blocks = [table_text("", top)]
    blocks += [table_text(f"[{name}]", resolved[name]) for name in SETTINGS]
    for component in plan.components:
        offer, plugin = component.entry.component, component.entry.plugin
        comment = f"# {offer.summary} (plugin {plugin.label})"
        listed = len(component.keys) > 1
        header = f"[[{component.kind.name}]]" if listed else f"[{component.kind.name}]"
        if not component.sets:
            blocks.append(f"{comment}\n{table_text(header, component.table())}")
    return "\n".join(blocks)
