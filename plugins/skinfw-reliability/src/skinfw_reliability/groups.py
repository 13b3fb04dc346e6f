"""Which group each image belongs to: by age, sex, site, source, image size and skin tone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from skinfw_reliability.skin_tone import BANDS, band

if TYPE_CHECKING:
    from skinfw_reliability.pictures import Picture

    Groups = pd.Series[str]

MISSING = "missing"
COLUMNS = {
    "age": ("age_approx", "age"),
    "sex": ("sex",),
    "site": ("anatom_site_general", "localization", "location", "site"),
    "source": ("source", "dataset", "attribution"),
}
_AGES = (
    (30, "0 to 29"),
    (45, "30 to 44"),
    (60, "45 to 59"),
    (75, "60 to 74"),
    (200, "75 and more"),
)
_SIDES = ((640, "up to 640"), (1024, "641 to 1024"), (2048, "1025 to 2048"))
_LARGE = "more than 2048"
_BLANK = ("", "nan", "none", "unknown", "na", "n/a", "?")


def known_groups(rows: pd.DataFrame, further: Sequence[str]) -> dict[str, Groups]:
    """Return the group of each image by what the table says, for each attribute that it has.

    rows: the data set's table.
    further: names of columns that are attributes, too.
    """
    groups = {}
    for attribute, names in COLUMNS.items():
        for name in names:
            if name in rows.columns:
                groups[attribute] = _ages(rows[name]) if attribute == "age" else _words(rows[name])
                break
    return groups | {name: _words(rows[name]) for name in further}


def picture_groups(pictures: Sequence[Picture]) -> dict[str, Groups]:
    """Return the group of each image by what its file tells."""
    sides = [max(picture.width, picture.height) for picture in pictures]
    sizes = [
        next((name for most, name in _SIDES if side <= most), _LARGE) if side else MISSING
        for side in sides
    ]
    tones = [band(picture.angle) or MISSING for picture in pictures]
    return {"image size": pd.Series(sizes, dtype=str), "skin tone": pd.Series(tones, dtype=str)}


def ordered(names: Sequence[str]) -> list[str]:
    """Return the names of groups in the order in which a reader expects them, missing ones last."""
    known = [name for _, name in (*_AGES, *_SIDES)] + [_LARGE, *(name for name, _ in BANDS)]
    places = {name: place for place, name in enumerate(known)}
    return sorted(names, key=lambda name: (name == MISSING, places.get(name, math.inf), name))


def _ages(column: pd.Series) -> Groups:
    years = pd.to_numeric(column, errors="coerce")
    names = [next((name for below, name in _AGES if 0 <= year < below), MISSING) for year in years]
    return pd.Series(names, dtype=str)


def _words(column: pd.Series) -> Groups:
    words = column.where(column.notna(), "").astype(str).str.strip().str.lower()
    return words.where(~words.isin(_BLANK), MISSING).reset_index(drop=True)
