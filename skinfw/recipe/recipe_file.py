"""One file of a recipe: from bytes, which may be anything, to tables and the line of every key."""

from __future__ import annotations

import codecs
import os
import re
import stat
import tomllib
from pathlib import Path

from skinfw.errors import RecipeError, shorten
from skinfw.files.paths import display_path
from skinfw.recipe.layers import Layer, check_layer
from skinfw.recipe.limits import MOST_BYTES, LimitError
from skinfw.recipe.lines import key_lines
from skinfw.recipe.places import Origin

ENDING = ".toml"
_SIBLINGS = 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CURE = "texts need quotes, tables are [name], lists of tables are [[name]]"


def read_recipe_file(path: Path, depth: int) -> Layer:
    """Read one file of a recipe.

    path: the file.
    depth: how deep in the `extends` chain; of what a recipe extends, errors show the position
        alone, for it may be somebody's private file.
    Raises RecipeError with the line of the problem.
    """
    text = _text(path)
    place = display_path(path)
    try:
        lines = key_lines(text)
        data = tomllib.loads(text)
    except LimitError as error:
        raise RecipeError(error.what, f"{place}:{error.line}", cure=error.cure) from error
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(path, text, str(error), depth == 1) from error
    origins = {
        keys: Origin(f"{place}:{line}", path.parent, line, depth) for keys, line in lines.items()
    }
    layer = Layer(data, origins)
    check_layer(layer, f"{place}:1")
    return layer


def _text(path: Path) -> str:
    """Return the text of a recipe's file, line ends as line feeds."""
    place = display_path(path)
    content = _bytes(path)
    if content.startswith(_UTF_16):
        raise _unreadable(path, "it is in UTF-16", "save it in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecipeError(
            f"the recipe {place} cannot be read",
            f"{place}:{line}",
            f"a byte {content[error.start]:#04x} that is not UTF-8",
            "a recipe is a TOML file in UTF-8",
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(path: Path) -> bytes:
    """Return what a file holds, which is neither endless nor of another kind than a file."""
    try:
        kind = path.stat()
        if not stat.S_ISREG(kind.st_mode):
            raise _unreadable(path, f"it is {_kind(kind)}", "name a TOML file")
        with path.open("rb") as source:
            content = source.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise RecipeError(
            f"there is no recipe {display_path(path)}", display_path(path), cure=_siblings(path)
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise _unreadable(path, reason, "name a TOML file that you may read") from error
    if len(content) > MOST_BYTES:
        why = f"it is larger than {MOST_BYTES >> 20} MB"
        raise _unreadable(path, why, "a recipe names files of data, it does not hold them")
    return content


def place_of(path: Path) -> str:
    """Return the first line of a file, where the file as a whole is wrong."""
    return f"{display_path(path)}:1"


def _unreadable(path: Path, why: str, cure: str) -> RecipeError:
    place = display_path(path)
    return RecipeError(f"the recipe {place} cannot be read", place, why, cure)


def _kind(status: os.stat_result) -> str:
    """Return what a file that is no file is."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(status.st_mode), "no regular file")


def _siblings(path: Path) -> str:
    """Return the cure for a file that is not there: the recipes that are."""
    try:
        names = sorted(item.name for item in path.parent.glob(f"*{ENDING}"))
    except OSError:
        names = []
    more = f" and {len(names) - _SIBLINGS} more" if len(names) > _SIBLINGS else ""
    return f"recipes there: {', '.join(names[:_SIBLINGS])}{more}" if names else "check the path"


def _no_toml(path: Path, text: str, message: str, own: bool) -> RecipeError:
    """Return the error for a text that is no TOML.

    own: whether the user named the file; of others, nothing of their text is told.
    """
    named = re.search(r"\(at line (\d+), (column \d+)\)", message)
    lines = text.split("\n")
    line = int(named[1]) if named else max(1, len(text.splitlines()))
    place = f"{display_path(path)}:{line}"
    position = named[2] if named else "the end"
    if not own:
        what, why = "the recipe extends a file that is not valid TOML", "it may be a private file"
    elif path.resolve().suffix != ENDING:
        what, why = "the recipe is not valid TOML", f"its name does not end in {ENDING}"
    else:
        written = shorten(lines[line - 1].strip(), 100) if line <= len(lines) else ""
        place = f"{place}   {written}".rstrip()
        return RecipeError("the recipe is not valid TOML", place, shorten(message), _CURE)
    return RecipeError(what, place, f"at {position}; its text is not shown, for {why}", _CURE)
