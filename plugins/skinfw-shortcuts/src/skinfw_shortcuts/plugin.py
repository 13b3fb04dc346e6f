"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the component of this plugin."""
    yield Component(
        "report",
        "shortcuts",
        "skinfw_shortcuts.report:Shortcuts",
        "Whether rulers, ink, hair or what is around the lesion decide an answer.",
    )
