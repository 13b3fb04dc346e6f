"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "serve",
        "skinfw_serve.command:serve",
        "Answer for images on a local page and by HTTP with the network of a run.",
    )
