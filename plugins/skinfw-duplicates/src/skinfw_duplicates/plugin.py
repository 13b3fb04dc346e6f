"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "duplicates",
        "near-duplicates",
        "skinfw_duplicates.component:NearDuplicates",
        "Equal files, equal pixels, and copies that are resized, compressed, cropped or turned.",
    )
