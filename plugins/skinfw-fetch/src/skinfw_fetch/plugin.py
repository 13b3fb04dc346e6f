"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_fetch"
    yield Command(
        "data fetch",
        f"{here}.command:fetch",
        "Download and unpack the official files of a data set.",
    )
