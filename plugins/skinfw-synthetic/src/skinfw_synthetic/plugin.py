"""Entry point of the plugin: strings only, so that listing components loads nothing heavy."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the component of this plugin."""
    yield Component(
        "dataset",
        "synthetic",
        "skinfw_synthetic.dataset:Synthetic",
        "Procedural dermoscopy: eight ISIC 2019 classes, long-tailed, with lesion masks.",
    )
