"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_reports"
    yield Component("report", "history", f"{here}.tables:History", "history.csv, every epoch.")
    yield Component(
        "report", "confusion-matrix", f"{here}.figures:ConfusionMatrix", "confusion_matrix.png."
    )
    yield Component("report", "curves", f"{here}.figures:Curves", "curves.png of the training.")
    yield Component(
        "report",
        "explanations",
        f"{here}.sheets:ExplanationSheet",
        "A PNG sheet of images and their maps.",
    )
    yield Component(
        "report",
        "embedding-map",
        f"{here}.embedding_map:EmbeddingMap",
        "The test images on a plane, by what the network sees in them.",
    )
    yield Component(
        "report",
        "page",
        f"{here}.page:Page",
        "report.html, all that a reader must know in one file.",
    )
    yield Component(
        "report", "model-card", f"{here}.card:Card", "README.md, a model card beside the weights."
    )
