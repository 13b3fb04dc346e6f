"""Look at the list of a zip that came from elsewhere before anything of it is unpacked."""

from __future__ import annotations

import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from skinfw.errors import SkinfwError
from skinfw.files.numbers import amount
from skinfw.files.paths import display_path

_TIMES = 200
"""How much larger a zip may become; pictures and tables do not compress like that."""
_LONGEST = 255  # bytes of a name, on every system


def check_archive(
    archive: Path, members: Sequence[zipfile.ZipInfo], folder: Path, harmless: int, cure: str
) -> int:
    """Refuse a zip that cannot be unpacked safely, or that the disk cannot hold.

    archive: the zip.
    members: its list. Of no member come more bytes than it announces, so that these bound all.
    folder: where it is to be unpacked.
    harmless: up to how many bytes nobody minds how far it is compressed.
    cure: what the reader can do about an archive that is not to be trusted.
    Returns how many bytes come of it. Raises SkinfwError for members that would lie outside of the
    folder, that are no files or hide each other on some system, for a bomb, and for a full disk.
    """
    size, total = archive.stat().st_size, sum(member.file_size for member in members)
    why = _member_fault(members)
    if not why and total > max(harmless, _TIMES * size):
        why = f"its {amount(size)} unpack to {amount(total)}: nothing honest compresses like that"
    if why:
        raise SkinfwError(f"{archive.name} cannot be trusted", display_path(archive), why, cure)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise SkinfwError(
            f"{archive.name} does not fit on the disk",
            display_path(folder),
            f"unpacked it has {amount(total)}, and {amount(free)} are free",
            "free some space and run the same command again",
        )
    return total


def _member_fault(members: Sequence[zipfile.ZipInfo]) -> str:
    """Return which member cannot be unpacked safely and why, "" where all can."""
    seen: set[str] = set()
    files = {_key(PureWindowsPath(own.filename)) for own in members
             if not own.filename.endswith("/")}  # fmt: skip
    for member in members:
        # Read as Windows does, which knows both slashes and drives.
        path = PureWindowsPath(member.filename)
        key = _key(path)
        if why := _path_fault(member, path):
            return f'its member "{member.filename}" {why}'
        if key in seen:
            return f'its member "{member.filename}" is there twice'
        if any(_key(above) in files for above in path.parents):
            return f'its member "{member.filename}" would lie in a file'
        seen.add(key)
    return ""


def _path_fault(member: zipfile.ZipInfo, path: PureWindowsPath) -> str:
    if path.drive or path.root or ".." in path.parts or "\0" in member.orig_filename:
        return "would lie outside of the folder"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if _key(path) in ("", "."):
        return "has no name"
    if any(len(part.encode("utf-8", "replace")) > _LONGEST for part in path.parts):
        return "has too long a name"
    return ""


def _key(path: PureWindowsPath) -> str:
    """Return what some system takes a path for: letters without case, dots at ends left out."""
    parts = [part.rstrip(". ") or part for part in path.parts]
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()
