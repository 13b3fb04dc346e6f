"""Read JSON that may come from anywhere: its bounds first, then its schema.

A schema says what is read of a file. What stands beside that, from other versions and plugins,
stays as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from skinfw.errors import SkinfwError
from skinfw.files.paths import display_path

if TYPE_CHECKING:
    import pydantic

LARGEST = 64 << 20
"""Bytes of a file; those of skinfw have a thousandth of that."""
DIGITS = 19
"""Of a whole number, as 64 bits have them."""
DEEPEST = 50
"""How far lists and tables may be nested."""


class JsonError(ValueError):
    """Say in a few words why a text is no JSON that is read here."""


def read_json(file: Path) -> Any:
    """Read a JSON file.

    Raises JsonError for one too large or too deep, with a key twice, numbers that are none, or in
    another encoding than UTF-8, and OSError where it cannot be read.
    """
    if file.exists() and not file.is_file():
        raise JsonError("it is no file")
    with file.open("rb") as source:
        content = source.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise JsonError(f"it has more than {LARGEST >> 20} MB")
    try:
        return parse_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise JsonError(f"it is not in UTF-8: {error}") from error


def parse_json(text: str) -> Any:
    """Parse a text as JSON.

    Raises JsonError as `read_json` does.
    """
    try:
        data = json.loads(
            text,
            object_pairs_hook=_table,
            parse_constant=_refuse_number,
            parse_float=_number,
            parse_int=_whole_number,
        )
    except RecursionError as error:
        raise JsonError(f"it is nested more than {DEEPEST} times") from error
    except JsonError:
        raise
    except ValueError as error:
        raise JsonError(f"it is no JSON: {error}") from error
    _check_values(data)
    return data


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise JsonError(f"the key {next(n for n in names if names.count(n) > 1)!r} is there twice")
    return table


def _refuse_number(word: str) -> NoReturn:
    raise JsonError(f"{word} is no number of JSON")


def _number(word: str) -> float:
    value = float(word)
    return value if math.isfinite(value) else _refuse_number(word[:40])


def _whole_number(word: str) -> int:
    if len(word.removeprefix("-")) > DIGITS:
        raise JsonError(f"the number {word[:20]}... is too long")
    return int(word)


def _check_values(data: Any) -> None:
    """Refuse what is nested too far, and texts that no path and no file takes."""
    level: list[Any] = [data]
    for _ in range(DEEPEST):
        texts = [value for value in level if isinstance(value, str)]
        texts += [key for value in level if isinstance(value, dict) for key in value]
        for text in texts:
            if not text.isprintable() and ("\0" in text or _has_surrogates(text)):
                raise JsonError(f"the text {text[:40]!r} holds what is no letter")
        level = [item for value in level for item in _items(value)]
        if not level:
            return
    raise JsonError(f"it is nested more than {DEEPEST} times")


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def check_schema(
    schema: type[pydantic.BaseModel], data: Any, name: str, where: str, cure: str
) -> None:
    """Raise SkinfwError that names the first key that is not as a schema says.

    data: from `read_json`.
    name: of what is read, for the message.
    where: its place.
    cure: what the reader can do.
    """
    import pydantic

    try:
        schema.model_validate(data)
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"]))
        said = problem["msg"].replace("Input should", "it should").removeprefix("Value error, ")
        if problem["type"] == "missing":
            raise SkinfwError(f'{name} lacks the key "{key}"', where, "", cure) from error
        if problem["type"] == "value_error":  # our own words, which say what is there
            raise SkinfwError(f'the key "{key}" of {name} is wrong', where, said, cure) from error
        came = repr(problem["input"])
        came = came if len(came) <= 60 else f"{came[:60]}..."
        what = f'the key "{key}" of {name} is wrong' if key else f"{name} is wrong"
        raise SkinfwError(what, where, f"{said}; it is {came}", cure) from error


def json_number(value: float | None) -> float:
    """Return a number of a JSON that skinfw wrote; null was not measured, and is NaN."""
    return math.nan if value is None else value


def read_record(schema: type[pydantic.BaseModel], file: Path, cure: str) -> dict[str, Any]:
    """Read a JSON file that holds a table, and check it.

    Raises SkinfwError that says what is wrong with which file and which key.
    """
    where = display_path(file)
    try:
        data = read_json(file)
    except OSError as error:
        why = error.strerror or str(error)
        raise SkinfwError(f"{file.name} cannot be read", where, why, cure) from error
    except JsonError as error:
        raise SkinfwError(f"{file.name} cannot be read", where, str(error), cure) from error
    check_schema(schema, data, file.name, where, cure)
    return dict(data)
