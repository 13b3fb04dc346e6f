"""Paths as a user types them, and names from elsewhere as names of files."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

from skinfw.errors import SkinfwError, unwritable

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any ending."""
_OTHER = re.compile(r"[^\w.+@=,() -]")
_LONGEST = 120
"""Bytes of a name; file systems take 255, and endings and numbers come behind it."""


def display_path(path: Path) -> str:
    """Return a path as a user would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):
        return str(path)


def file_name(text: str) -> str:
    """Return a text as the name of a file or a folder, which lies in its folder on every system.

    A text that is such a name stays as it is. Any other is changed and gets eight digits of its
    checksum, so that two texts never become one name: separators and what no system takes become
    `-`, dots at the ends go, and so does all beyond 120 bytes; names of devices begin with `-`.

    text: a name, an id or a label from anywhere.
    """
    whole = unicodedata.normalize("NFC", text)
    cut = _OTHER.sub("-", whole).encode()[:_LONGEST].decode(errors="ignore")
    name = cut.strip(". ")
    if _DEVICES.fullmatch(name):
        name = f"-{name}"
    if name and name == text:
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name}-{digest}" if name else digest


def refuse_links(folder: Path) -> None:
    """Raise SkinfwError for a link in a folder that leads outside of it.

    Whoever writes a file of the folder would write what the link leads to.

    folder: from anywhere, such as a run folder.
    """
    root = folder.resolve()
    for place, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise SkinfwError(
                    "a link in the folder leads outside of it",
                    display_path(path.parent) + os.sep + name,
                    f"what is written there would go to {path.resolve()}",
                    "put what it leads to in its place, or remove it",
                )


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder that was not there, and return it.

    parent: made, too, where it is absent.
    name: a number comes behind it where the folder is there already.
    Raises SkinfwError where it cannot be made.
    """
    number, path = 1, parent / name
    while True:
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            if not path.is_dir():  # a file stands where the parent folder should be
                raise unwritable(parent, error) from error
            number += 1
            path = parent / f"{name}-{number}"
        except OSError as error:
            raise unwritable(parent, error) from error
        else:
            return path
