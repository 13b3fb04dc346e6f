"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "metric",
        "classification",
        "skinfw_evaluate.classification:Classification",
        "Accuracy, balanced accuracy, macro F1 and AUC, and every class on its own.",
    )
