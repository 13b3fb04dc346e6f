"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_reliability"
    yield Component(
        "report",
        "calibration",
        f"{here}.calibration:Calibration",
        "Temperature, reliability, operating points and prediction sets, fitted on validation.",
    )
    yield Component(
        "report",
        "subgroups",
        f"{here}.subgroups:Subgroups",
        "Numbers by age, sex, site, source, image size and skin tone.",
    )
    yield Component(
        "report",
        "out-of-distribution",
        f"{here}.out_of_distribution:OutOfDistribution",
        "Out-of-distribution scores of each test image, and ISIC 2019's nine columns.",
    )
