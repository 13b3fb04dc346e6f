"""What classes mean, in words."""

from __future__ import annotations

from collections.abc import Sequence

from skinfw.toolkit import diagnoses
from skinfw_serve.schemas import Class


def class_in_words(name: str) -> Class:
    """Return what a class means; a name that no data set explains stays as it is."""
    table = diagnoses()
    held = table.of(name)
    words = enumeration(held, "or") if held else name
    return Class(name=name, words=words, malignancy=table.malignancy_of(name) or "unknown")


def enumeration(words: Sequence[str], last: str) -> str:
    """Return several words as a sentence has them.

    last: stands before the last one.
    """
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
