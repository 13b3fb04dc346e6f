"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_preview"
    yield Command(
        "preview",
        f"{here}.command:preview",
        "Draw what each augmentation of a recipe does to some of its training images.",
    )
