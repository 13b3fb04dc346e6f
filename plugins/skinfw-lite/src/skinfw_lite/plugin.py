"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "backbone",
        "lite",
        "skinfw_lite.lite:lite",
        "EfficientNet-Lite0, 1 and 2, whose ImageNet weights come from pip and work offline.",
        variants="skinfw_lite.lite:variants",
        extra="lite",
    )
