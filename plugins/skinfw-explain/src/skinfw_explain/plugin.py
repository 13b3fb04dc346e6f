"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "explainer",
        "grad-cam",
        "skinfw_explain.grad_cam:GradCam",
        "Where the last feature map supports a class (Selvaraju et al. 2017).",
    )
