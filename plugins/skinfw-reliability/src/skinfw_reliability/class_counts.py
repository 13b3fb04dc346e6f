"""How many lesions and images of each class there are."""

from __future__ import annotations

from skinfw import Predictions


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
