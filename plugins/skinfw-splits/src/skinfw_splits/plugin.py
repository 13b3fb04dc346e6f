"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_splits"
    yield Component(
        "split",
        "lesion-stratified",
        f"{here}.lesions:LesionStratified",
        "Class-stratified parts; a lesion is never in two.",
    )
    yield Component(
        "split", "kfold", f"{here}.lesions:KFold", "One fold of a lesion-wise cross-validation."
    )
    yield Component(
        "split", "official", f"{here}.official:Official", "The parts that the data set declares."
    )
    yield Component(
        "split",
        "rows",
        f"{here}.rows:Rows",
        "Class-stratified by image, as many papers did; lesions may leak.",
        example={"val": 0.1},
        expected_failures={"keeps lesions whole": "it repeats published divisions, which leak"},
    )
