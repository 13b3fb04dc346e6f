"""What a network gets beside an image: its record, and words turned into numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw.errors import SkinfwError
from skinfw.files.metadata_values import MISSING
from skinfw.files.numbers import decimal_number
from skinfw.interfaces.values import Modalities

Columns = Mapping[str, Iterable[object]]
"""The values of some rows, by column; those of an absent column are missing."""


def modalities_record(modalities: Modalities) -> dict[str, Any]:
    """Return them for run.json."""
    return {name: value for name, value in vars(modalities).items() if value}


def modalities_from_record(entry: Mapping[str, Any]) -> Modalities:
    """Return what `modalities_record` wrote."""
    words = {
        key: {name: tuple(values) for name, values in entry.get(key, {}).items()}
        for key in ("categories", "auxiliary")
    }
    numbers = {name: (mean, spread) for name, (mean, spread) in entry.get("numbers", {}).items()}
    return Modalities(entry.get("pictures", 1), numbers, **words)


def encode_metadata(modalities: Modalities, columns: Columns, count: int) -> npt.NDArray[Any]:
    """Return the metadata, float32 [N, K]: numbers about zero, places of words, NaN unknown.

    modalities: as the training part had them.
    columns: of the rows; a word that training never saw counts as missing.
    count: rows.
    Raises SkinfwError for a number that is none.
    """
    encoded = np.full((count, len(modalities.metadata)), np.nan)
    for place, name in enumerate(modalities.metadata):
        words = [known_word(cell) for cell in columns.get(name, ())]
        if not words:
            continue
        if name in modalities.numbers:
            mean, spread = modalities.numbers[name]
            numbers = np.array([_number(name, word) for word in words])
            encoded[:, place] = (numbers - mean) / spread
        else:
            places = {word: at for at, word in enumerate(modalities.categories[name])}
            encoded[:, place] = [places.get(word, np.nan) if word else np.nan for word in words]
    return np.asarray(encoded, np.float32)


def known_word(cell: object) -> str:
    """Return what a cell says, "" where that is missing."""
    word = "" if cell is None else str(cell).strip()
    return "" if word.lower() in MISSING else word


def _number(name: str, word: str) -> float:
    if not word:
        return np.nan
    number = decimal_number(word)
    if number is None or not np.isfinite(number):
        raise SkinfwError(
            f'the {name} "{word[:80]}" is no number',
            cure="write digits alone, without a unit, or leave it blank where it is not known",
        )
    return number
