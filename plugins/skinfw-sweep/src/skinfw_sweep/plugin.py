"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "sweep",
        "skinfw_sweep.command:sweep",
        "Try many settings of a recipe, by a grid, a list or a search, and compare them.",
        tables={"sweep": "skinfw_sweep.settings:SweepSettings"},
    )
