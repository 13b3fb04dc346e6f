"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_augment"
    yield Component(
        "prepare", "border-crop", f"{here}.prepare:BorderCrop", "Cut a border off every side."
    )
    yield Component(
        "prepare",
        "black-border-crop",
        f"{here}.prepare:BlackBorderCrop",
        "Cut dark frames and corners off, and take the square in the middle.",
    )
    yield Component(
        "prepare",
        "shades-of-gray",
        f"{here}.prepare:ShadesOfGray",
        "Give every image the same light.",
    )
    yield Component(
        "augment",
        "random-resized-crop",
        f"{here}.geometry:RandomResizedCrop",
        "A random part of the image, resized to the square.",
    )
    yield Component("augment", "flip", f"{here}.geometry:Flip", "Mirror at random.")
    yield Component("augment", "rotation", f"{here}.geometry:Rotation", "Rotate at random.")
    for name, target, summary in (
        ("resize", "Resize", "Set the short side."),
        ("center-crop", "CenterCrop", "Cut the middle out."),
    ):
        yield Component(
            "augment",
            name,
            f"{here}.geometry:{target}",
            summary,
            expected_failures={"images differ": "it does the same to every image"},
        )
    yield Component(
        "augment",
        "colour-jitter",
        f"{here}.colour:ColourJitter",
        "Vary brightness, contrast, saturation and hue.",
    )
    yield Component(
        "augment",
        "random-crop",
        f"{here}.randaugment:RandomCrop",
        "A square of image.size from anywhere.",
    )
    yield Component(
        "augment",
        "modified-randaugment",
        f"{here}.randaugment:ModifiedRandAugment",
        "Colour and shape ops of random strength, as Yao et al. draw them.",
    )
    yield Component(
        "augment",
        "randaugment",
        f"{here}.randaugment:RandAugment",
        "The plain RandAugment that Yao et al. compare with.",
    )
    yield Component(
        "augment",
        "randaugment-op",
        f"{here}.randaugment:RandAugmentOp",
        "One op of the modified RandAugment.",
        example={"op": "rotate"},
    )
    yield Component("mix", "mixup", f"{here}.mix:Mixup", "Blend images and labels of a batch.")
    yield Component(
        "mix", "cutmix", f"{here}.mix:CutMix", "Paste rectangles between images of a batch."
    )
    yield Component(
        "view",
        "dihedral",
        f"{here}.views:Dihedral",
        "The middle of the resized image, mirrored and turned by right angles.",
    )
    yield Component(
        "view",
        "multi-crop",
        f"{here}.views:MultiCrop",
        "Squares on a regular grid that spans the resized image.",
    )
    yield Component(
        "view",
        "multi-scale",
        f"{here}.views:MultiScale",
        "The middle of the resized image at several scales, mirrored and turned.",
    )
    yield Component("view", "center", f"{here}.views:Center", "The middle of the resized image.")
