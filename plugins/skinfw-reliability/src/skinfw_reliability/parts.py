"""The two parts of a result that a report fits on and judges."""

from __future__ import annotations

from skinfw import Predictions, Result, SkinfwError


def fitted_and_judged(result: Result, report: str) -> tuple[Predictions, Predictions]:
    """Return validation and test.

    report: its name, for the error.
    Raises SkinfwError where validation was not kept apart: what is fitted on the test images says
    nothing about others.
    """
    if "val" not in result.predictions:
        raise SkinfwError(
            f'the report "{report}" has no validation part to fit on',
            why=f"the run has {' and '.join(result.predictions)} alone",
            cure=f'set train.validation = "val", or leave the report "{report}" out',
        )
    return result.predictions["val"], result.predictions["test"]


def lesions_of(predictions: Predictions) -> dict[str, int]:
    """Return how many lesions of each class there are."""
    names: list[set[str]] = [set() for _ in predictions.classes]
    for label, lesion in zip(predictions.true.tolist(), predictions.lesions, strict=True):
        names[label].add(lesion)
    return {name: len(own) for name, own in zip(predictions.classes, names, strict=True)}


def images_of(predictions: Predictions) -> dict[str, int]:
    """Return how many images of each class there are."""
    true = predictions.true.tolist()
    return {name: true.count(place) for place, name in enumerate(predictions.classes)}
