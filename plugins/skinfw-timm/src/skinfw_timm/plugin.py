"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_timm"
    yield Component(
        "backbone",
        "timm",
        f"{here}.timm_family:timm_backbone",
        "Every model of timm.",
        variants=f"{here}.names:timm_variants",
        example={"variant": "test_resnet.r160_in1k", "pretrained": False},
    )
    yield Component(
        "backbone",
        "torchvision",
        f"{here}.torchvision_family:torchvision_backbone",
        "Every classifier of torchvision.",
        variants=f"{here}.names:torchvision_variants",
        example={"variant": "mobilenet_v3_small", "pretrained": False},
    )
