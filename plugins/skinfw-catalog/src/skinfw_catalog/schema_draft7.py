"""From pydantic's JSON Schema to draft 7, the newest one that Taplo reads."""

from __future__ import annotations

from typing import Any

from skinfw_catalog.schema_messages import refuse


def draft7(schema: Any, definitions: dict[str, Any] | None = None) -> Any:
    """Rewrite a pydantic schema in the keywords of draft 7, references written out.

    definitions: what references point to; taken from the schema itself at the top.
    """
    if isinstance(schema, list):
        return [draft7(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    definitions = definitions or schema.get("$defs", {})
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "prefixItems":  # one item too many bears the message, not the whole list
            result["items"] = draft7(value, definitions)
            result["additionalItems"] = refuse(f"the list has {len(value)} items")
        elif key == "const":
            result["enum"] = [value]
        elif key == "$defs" or (key == "title" and isinstance(value, str)):
            continue  # written out above; pydantic's titles only repeat the keys
        elif key == "maxItems" and "prefixItems" in schema:
            continue
        elif key == "properties":
            result[key] = {name: draft7(item, definitions) for name, item in value.items()}
        else:
            result[key] = draft7(value, definitions)
    return result
