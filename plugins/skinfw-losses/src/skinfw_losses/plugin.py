"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "loss",
        "cross-entropy",
        "skinfw_losses.cross_entropy:CrossEntropy",
        "Cross-entropy with class weights and label smoothing.",
    )
    yield Component(
        "weighting",
        "inverse-frequency",
        "skinfw_losses.weightings:InverseFrequency",
        "Weigh classes by a power of one over their count.",
    )
