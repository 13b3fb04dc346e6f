"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "check-plugin",
        "skinfw_conformance.check_plugin:check_plugin",
        "Check what the components of a plugin promise.",
    )
