"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_catalog"
    yield Command(
        "list-plugins",
        f"{here}.list_plugins:list_plugins",
        "List the installed plugins and what they offer.",
    )
    yield Command("show", f"{here}.show:show", "Explain a component and its parameters.")
    yield Command("schema", f"{here}.schema_command:schema", "Print the JSON Schema of recipes.")
