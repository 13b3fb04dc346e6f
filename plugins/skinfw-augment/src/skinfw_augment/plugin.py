"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_augment"
    yield Component(
        "augment",
        "random-resized-crop",
        f"{here}.geometry:RandomResizedCrop",
        "A random part of the image, resized to the square.",
    )
    yield Component("augment", "flip", f"{here}.geometry:Flip", "Mirror at random.")
    yield Component("augment", "rotation", f"{here}.geometry:Rotation", "Rotate at random.")
    yield Component("augment", "resize", f"{here}.geometry:Resize", "Set the short side.")
    yield Component("augment", "center-crop", f"{here}.geometry:CenterCrop", "Cut the middle out.")
    yield Component(
        "augment",
        "colour-jitter",
        f"{here}.colour:ColourJitter",
        "Vary brightness, contrast, saturation and hue.",
    )
    yield Component(
        "view",
        "dihedral",
        f"{here}.views:Dihedral",
        "The middle of the resized image, mirrored and turned by right angles.",
    )
    yield Component("view", "center", f"{here}.views:Center", "The middle of the resized image.")
