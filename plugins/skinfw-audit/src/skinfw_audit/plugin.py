"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_audit"
    yield Command(
        "data audit",
        f"{here}.command:audit",
        "Look for copies, damage and contradictions in data sets, and between them.",
    )
