"""`skinfw schema`: the JSON Schema of recipes, and how an editor comes to use it."""

from __future__ import annotations

import json
from pathlib import Path

import click

NAME = "skinfw.schema.json"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write to a file instead.")
@click.option(
    "--install",
    is_flag=True,
    help=f"Write it to {NAME} and let Taplo check recipes against it.",
)
@click.option(
    "--recipes",
    multiple=True,
    metavar="GLOB",
    help='With --install: which files are recipes; several times for several; "recipes/*.toml" '
    "unless given.",
)
def schema(out: Path | None, install: bool, recipes: tuple[str, ...]) -> None:
    """Print the JSON Schema of recipes.

    It is composed from the installed plugins.

    Editors with Taplo (in VS Code: Even Better TOML) complete and check recipes by it. `--install`
    sets that up for the current folder: it writes the schema, and adds a rule to .taplo.toml or
    taplo.toml, whichever exists, or makes a .taplo.toml. Nothing else in it changes. Call it again
    after a plugin has come or gone.
    """
    from skinfw import write_json
    from skinfw.toolkit import Catalog, printable
    from skinfw_catalog.schema import recipe_schema
    from skinfw_catalog.taplo_rule import add_rule

    if recipes and not install:
        raise click.UsageError("--recipes belongs to --install")
    if install and out:
        raise click.UsageError(f"--install writes {NAME}; leave out --out")
    if any(printable(glob) != glob for glob in recipes):
        raise click.UsageError("--recipes takes no control characters, and UTF-8 alone")
    schema = recipe_schema(Catalog())
    target = Path(NAME) if install else out
    if target is None:
        click.echo(json.dumps(schema, indent=1))
        return
    write_json(target, schema)
    click.echo(f"wrote {target}")
    if install:
        file, new = add_rule(Path(), NAME, recipes or ("recipes/*.toml",))
        click.echo(f"{'added a rule to' if new else 'a rule stands in'} {file}")
