"""What stands in the columns of a table that tell of a person and a lesion, and what cannot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw.files.csv_tables import refuse_rows
from skinfw.files.numbers import decimal_number

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "unknown", "nan", "na", "none")
"""What stands where a value is not known, in small letters."""
AGES = ("age", "age_approx", "age_approximate")
SEXES = ("sex", "gender")
OLDEST = 120
SEX_WORDS = ("female", "male", "f", "m", "woman", "man", "intersex", "diverse", "other", "x")

_NUMBER = re.compile(
    r"[+-]?[0-9]+(?:[.,][0-9]+)? ?(mm|cm|µm|um|in|inch|yrs?|yo|years?|months?|%|)", re.IGNORECASE
)

_SAME_UNIT = {"μm": "um", "inch": "in", "month": "months"} | dict.fromkeys(
    ("yr", "yrs", "yo", "year"), "years"
)
"""Other words for a unit, in small letters; the small form of the micro sign is a Greek mu."""


def refuse_metadata(file: Path, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise where a value of the metadata cannot be, with its line.

    Ages are years from 0 to 120, the sex is a word that is known, and a column of numbers has one
    unit. Values that are not known are blank, or one of `MISSING`.

    file: the CSV.
    table: as `read_csv` returns it.
    columns: those with metadata.
    Raises SkinfwError.
    """
    for name in columns:
        values = table[name].unique().tolist()
        known = [value for value in values if value.strip().casefold() not in MISSING]
        if name.casefold() in AGES:
            wrong = [value for value in known if not _is_age(value)]
            what = (
                f"{name} holds no age, a number of years from 0 to {OLDEST} without a unit; call a "
                "column of other values otherwise, such as age_group"
            )
        elif name.casefold() in SEXES:
            wrong = [value for value in known if value.strip().casefold() not in SEX_WORDS]
            what = f"{name} holds no word for a sex: {', '.join(SEX_WORDS)}"
        else:
            wrong = _other_units(known)
            what = f"{name} holds numbers of several units; write all in one, without it"
        refuse_rows(file, table[name].isin(wrong), table[name], what)


def _is_age(value: str) -> bool:
    number = decimal_number(value.strip())
    return number is not None and 0 <= number <= OLDEST


def _other_units(values: Iterable[str]) -> list[str]:
    """Return the values of another unit than the first, in a column of nothing but numbers."""
    units = {}
    for value in values:
        number = _NUMBER.fullmatch(value.strip())
        if number is None:
            return []
        unit = number[1].casefold()
        units[value] = _SAME_UNIT.get(unit, unit)
    first = next(iter(units.values()), "")
    return [value for value, unit in units.items() if unit != first]
