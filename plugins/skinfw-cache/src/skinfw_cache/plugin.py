"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "cache",
        "shards",
        "skinfw_cache.component:Shards",
        "Decoded images in memory-mapped files, shared by runs and processes.",
    )


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    here = "skinfw_cache"
    yield Command(
        "data cache build",
        f"{here}.commands:build",
        "Decode all images of a recipe's data set, as its first run would.",
    )
    yield Command("data cache list", f"{here}.commands:list_cache", "List what the cache holds.")
    yield Command(
        "data cache prune",
        f"{here}.commands:prune",
        "Delete from the cache; runs that use it go on unharmed.",
    )
