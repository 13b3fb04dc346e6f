"""A rule in the configuration of Taplo, which checks recipes against a schema."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinfw import SkinfwError, atomic_write

NAMES = (".taplo.toml", "taplo.toml")
"""Where Taplo looks, in this order; it reads the first that exists."""


def add_rule(folder: Path, schema: str, patterns: Sequence[str]) -> tuple[Path, bool]:
    """Let Taplo check files against a schema; what the configuration says already stays as it is.

    folder: what the configuration lies in, or will.
    schema: path of the schema, relative to the folder.
    patterns: of the files to check, relative to the folder.
    Returns the configuration, and whether it was written. Raises SkinfwError where it cannot take a
    rule.
    """
    file = next((folder / name for name in NAMES if (folder / name).exists()), folder / NAMES[0])
    text = _read(file) if file.exists() else ""
    missing = [one for one in patterns if one not in _patterns(_parse(file, text), schema)]
    if not missing:
        return file, False
    # JSON's texts and lists of texts are also TOML's, but for halves of letters.
    include = json.dumps(missing, ensure_ascii=False)
    rule = f"[[rule]]\ninclude = {include}\nschema.path = {json.dumps(schema)}\n"
    longer = f"{text}{_gap(text)}{rule}"
    try:
        tomllib.loads(longer)
    except tomllib.TOMLDecodeError as error:
        why = f"a [[rule]] behind it makes no valid TOML: {error}"
        raise SkinfwError(f"{file.name} takes no rule", str(file), why, _by_hand(rule)) from error
    with atomic_write(file) as partial:
        partial.write_bytes(longer.encode("utf-8"))  # line ends stay as they are
    return file, True


def _gap(text: str) -> str:
    """Return what makes an empty line between a text and what comes behind it."""
    if not text:
        return ""
    return "\n" if text.endswith("\n") else "\n\n"


def _by_hand(rule: str) -> str:
    return f"add this rule yourself: {'; '.join(rule.splitlines())}"


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SkinfwError(f"{file.name} cannot be read", str(file), str(error)) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        cure = "mend it, or move it away; it was not touched"
        raise SkinfwError(f"{file.name} is not valid TOML", str(file), str(error), cure) from error


def _patterns(configuration: dict[str, Any], schema: str) -> set[str]:
    """Return which files the configuration checks against the schema already."""
    rules = configuration.get("rule", [])
    return {
        pattern
        for rule in (rules if isinstance(rules, list) else [])
        if isinstance(rule, dict) and _schema_of(rule) == schema
        for pattern in rule.get("include", [])
    }


def _schema_of(rule: dict[str, Any]) -> Any:
    """Return the path of a rule's schema, None where it has none."""
    schema = rule.get("schema")
    return schema.get("path") if isinstance(schema, dict) else None
