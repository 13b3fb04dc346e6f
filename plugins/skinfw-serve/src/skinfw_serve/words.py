"""What classes mean, in words."""

from __future__ import annotations

from skinfw.toolkit import diagnoses
from skinfw_serve.schemas import Class


def class_in_words(name: str) -> Class:
    """Return what a class means; a name that no data set explains stays as it is."""
    table = diagnoses()
    malignancy = table.malignancy_of(name) or "unknown"
    return Class(name=name, words=table.in_words(name), malignancy=malignancy)
