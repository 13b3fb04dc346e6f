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
        f"{here}.components:DropBlock",
        "Drop squares of the last feature maps, more and more of them.",
    )
    yield Component(
        "modify",
        "cosine-head",
        f"{here}.components:CosineHead",
        "Classify by the angle between features and class weights.",
    )
    yield Component(
        "modify",
        "multi-sample-dropout",
        f"{here}.components:MultiSampleDropout",
        "Several dropouts of the same features before the last layer.",
    )
    yield Component(
        "modify",
        "two-branch",
        f"{here}.components:TwoBranch",
        "BBN: the last stage twice, one branch for rare classes.",
    )
    yield Component(
        "modify",
        "multimodal-head",
        f"{here}.components:MultimodalHead",
        "Several pictures, metadata and auxiliary outputs in one network.",
    )
