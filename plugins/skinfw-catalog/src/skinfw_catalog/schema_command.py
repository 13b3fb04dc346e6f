"""`skinfw schema`: the JSON Schema of recipes."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write to a file instead.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of recipes.

    It is composed from the installed plugins.

    Put `#:schema recipe.schema.json` on line 1 of a recipe, and editors with Taplo (Even Better
    TOML) complete and check it, third-party components included.
    """
    from skinfw import write_json
    from skinfw.toolkit import Catalog
    from skinfw_catalog.schema import recipe_schema

    schema = recipe_schema(Catalog())
    if out:
        write_json(out, schema)
        click.echo(f"wrote {out}")
    else:
        click.echo(json.dumps(schema, indent=1))
