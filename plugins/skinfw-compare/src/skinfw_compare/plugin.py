"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_compare"
    yield Command("compare", f"{here}.command:compare", "Compare runs on the same lesions.")
