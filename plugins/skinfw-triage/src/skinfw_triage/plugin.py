"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "report",
        "triage",
        "skinfw_triage.triage:Triage",
        "Expected cost of acting alone, of deferring to a reader, and a bound of what is missed.",
        example={
            "missed": 50.0,
            "biopsy": 5.0,
            "referral": 1.0,
            "prevalence": 0.05,
            "reader_sensitivity": 0.9,
            "reader_specificity": 0.8,
        },
    )
