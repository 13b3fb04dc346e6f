"""What may be a name: an id, a label, a lesion or a column that readers can tell apart by eye."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from skinfw.errors import AnswerError

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 1_000  # characters; a name of a file has at most 255 bytes
_PLAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_QUOTES = "'\"`´‘’‚‛“”„‟"  # noqa: RUF001 - these are the ones
_TWINS = str.maketrans(  # letters of other scripts, and the Latin ones that they look like
    "АВЕЅІЈКМНОРСТХУаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",  # noqa: RUF001
    "ABESIJKMHOPCTXYaesijopcyxABEZHIKMNOPTYXo",
)


def name_fault(name: object) -> str:
    """Return why a value cannot be the name of anything; blank where it can."""
    if not isinstance(name, str):
        return f"it is of the type {type(name).__name__}, and names are texts"
    if _PLAIN.fullmatch(name):
        return ""
    if not name.strip():
        return "it is blank"
    if name != name.strip():
        return "blanks stand around it"
    if not name.isprintable():
        hidden = next(letter for letter in name if not letter.isprintable())
        return f"it holds U+{ord(hidden):04X}, which cannot be seen"
    if name[0] in _QUOTES or name[-1] in _QUOTES:
        return "a quote stands at its beginning or end"
    if len(name) > LONGEST:
        return f"it has {len(name):,} letters, and {LONGEST:,} are the most"
    return _twin_fault(name)


def id_fault(name: object) -> str:
    """Return why a value cannot be the id of an image; blank where it can.

    An id is a name, or names with `/` between them, as a path inside a folder has; it never leads
    out of a folder, whoever makes a file of it, and on whatever system.
    """
    if isinstance(name, str) and len(name) > 4 and _PLAIN.fullmatch(name):
        return ""  # no reserved name is that long
    if fault := name_fault(name):
        return fault
    assert isinstance(name, str)
    if name[0] == "-":
        return "it begins like an option of a command"
    if name[0] == "/" or "\\" in name or re.match("[A-Za-z]:", name):
        return "it is a path that leads elsewhere"
    for piece in name.split("/"):
        if piece in ("", ".", ".."):
            return "it is a path that leads elsewhere"
        if _RESERVED.fullmatch(piece):
            return f'"{piece}" is no name of a file on Windows'
        if piece[-1] in ". ":
            return "a file's name ends in a dot or a blank"
        if len(piece.encode()) > 255:
            return "it is longer than a file's name may be"
    return ""


def shown(name: str) -> str:
    """Return a name as an error shows it: in quotes, at most 80 letters, none that are unseen."""
    text = name if name.isprintable() else name.encode("unicode_escape").decode()
    return f'"{text[:80]}"'


def _twin_fault(name: str) -> str:
    """Refuse a Latin word with a letter of another script that looks like a Latin one."""
    if name.isascii():
        return ""
    for word in re.split(r"[\W\d_]+", name):
        twins = [letter for letter in word if ord(letter) in _TWINS]
        if twins and any(unicodedata.name(letter, "")[:5] == "LATIN" for letter in word):
            said = unicodedata.name(twins[0]).lower()
            return f"its {twins[0]} is U+{ord(twins[0]):04X}, {said}, and looks Latin"
    return ""


def first_alike(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the places of the first two names that are equal, or differ in no way that one sees.

    Small and capital letters, Unicode's ways to write a letter, and letters of other scripts
    that look the same make no difference.
    """
    shapes = [_shape(name) for name in names]
    if len(set(shapes)) == len(shapes):
        return None
    seen: dict[str, int] = {}
    for place, shape in enumerate(shapes):
        other = seen.setdefault(shape, place)
        if other != place:
            return other, place
    return None


def _shape(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", name.translate(_TWINS)).casefold()


def check_row_texts(rows: pd.DataFrame) -> None:
    """Refuse a table whose ids, paths, labels or lesions are no texts, or no names.

    rows: with these four columns; a lesion may be blank or absent.
    """
    import pandas as pd

    for column in ("id", "path", "label", "lesion"):
        values = rows[column]
        given = values[values.notna()] if column == "lesion" else values
        if isinstance(given.dtype, pd.StringDtype) and not given.isna().any():
            continue  # it holds nothing but texts
        expected = f"the column {column} holds texts"
        for value in given.tolist():
            if not isinstance(value, str):
                raise AnswerError(_came(column, value, "is no text"), expected)
    for column in ("label", "lesion"):
        names = rows[column].dropna().unique().tolist()
        _refuse(column, (name for name in names if column == "label" or name != ""), name_fault)
    _refuse("id", rows["id"], id_fault)
    if alike := first_alike(rows["id"].tolist()):
        one, other = (rows["id"].iloc[place] for place in alike)
        if one != other:
            what = f"gave the ids {shown(one)} and {shown(other)}, which differ in no way one sees"
            raise AnswerError(what, "an id is a name that no other image has")


def _refuse(column: str, values: Iterable[str], fault: Callable[[object], str]) -> None:
    for value in values:
        if why := fault(value):
            raise AnswerError(_came(column, value, f"cannot be: {why}"), f"{column}s are names")


def _came(column: str, value: object, why: str) -> str:
    return f"gave the {column} {value!r:.80}, which {why}"
