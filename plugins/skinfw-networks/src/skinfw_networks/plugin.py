"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_networks"
    yield Component(
        "modify",
        "drop-block",
        f"{here}.drop_block:DropBlock",
        "Drop squares of the last feature maps, more and more of them.",
    )
    yield Component(
        "modify",
        "cosine-head",
        f"{here}.cosine_head:CosineHead",
        "Classify by the angle between features and class weights.",
    )
