"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "doctor",
        "skinfw_doctor.command:doctor",
        "Tell on one page what is installed, what is broken and what is slow.",
    )
