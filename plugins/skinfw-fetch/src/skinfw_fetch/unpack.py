"""Unpack a zip that came from elsewhere: beside its target first, and nothing outside of it."""

from __future__ import annotations

import errno
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from skinfw import SkinfwError
from skinfw_fetch.download import Follower, amount
from skinfw_fetch.partial import CHUNK

Tally = tuple[int, ...]

_TIMES, _HARMLESS = 200, 10**9
"""How much larger a zip may become, and up to which size nobody minds."""
_LONGEST = 255  # bytes of a name, on every system
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@contextmanager
def unpack(archive: Path, folder: Path, follower: Follower) -> Iterator[Path]:
    """Unpack an archive beside its target; what is not renamed meanwhile is deleted in the end.

    archive: the zip.
    folder: the target; a folder of this name that is all the zip holds is not nested twice.
    follower: hears of the bytes.
    Yields the whole folder, to be renamed to the target.
    """
    place = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(place, ignore_errors=True)  # what a kill left
    try:
        _extract(archive, place, follower)
        inner = place / folder.name
        yield inner if list(place.iterdir()) == [inner] and inner.is_dir() else place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def tally(folder: Path, before: Tally | None = None) -> Tally:
    """Count the files of a folder and their bytes, and sum up their names and contents.

    folder: all below it counts, but hidden files, which are the system's own.
    before: an earlier answer; as short as it, since older records have no checksum.
    Returns files, bytes, and the CRC-32 of the files' names and contents.
    """
    files = sorted(file for file in folder.rglob("*") if file.name[0] != "." and file.is_file())
    sizes = len(files), sum(file.stat().st_size for file in files)
    if before is not None and len(before) < 3:
        return sizes
    checksum = 0
    for file in files:
        checksum = zlib.crc32(
            file.relative_to(folder).as_posix().encode("utf-8", "surrogateescape"), checksum
        )
        with file.open("rb") as source:
            while chunk := source.read(CHUNK):
                checksum = zlib.crc32(chunk, checksum)
    return *sizes, checksum


def _extract(archive: Path, place: Path, follower: Follower) -> None:
    """Extract all members, each checked against its checksum."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = content.infolist()
            _check(archive, members)
            total = sum(member.file_size for member in members)
            _check_space(archive, place.parent, total)
            follower.begin(f"unpacking {archive.name}", total, 0)
            place.mkdir()
            for member in members:
                content.extract(member, place)
                follower.advance(member.file_size)
    except (*_DAMAGE, OSError) as error:
        # A list that points before the file's beginning is an invalid argument to the system.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise SkinfwError(
            f"{archive.name} is damaged",
            str(archive),
            str(error),
            "delete it and run the same command again: it is fetched anew",
        ) from error


def _check(archive: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse members that would lie outside, that are no files, or that hide each other."""
    seen: set[str] = set()
    files = {_key(PureWindowsPath(own.filename)) for own in members
             if not own.filename.endswith("/")}  # fmt: skip
    for member in members:
        # Read as Windows does, which knows both slashes and drives.
        path = PureWindowsPath(member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        key = _key(path)
        if path.drive or path.root or ".." in path.parts:
            why = "would lie outside of the folder"
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            why = "is a link or a device"
        elif key in seen:
            why = "is there twice"
        elif key in ("", "."):
            why = "has no name"
        elif any(len(part.encode("utf-8", "replace")) > _LONGEST for part in path.parts):
            why = "has too long a name"
        elif any(_key(folder) in files for folder in path.parents):
            why = "would lie in a file"
        else:
            seen.add(key)
            continue
        raise SkinfwError(
            f"{archive.name} cannot be trusted",
            str(archive),
            f'its member "{member.filename}" {why}',
            "nothing was unpacked; delete the file and tell whoever offers it",
        )


def _key(path: PureWindowsPath) -> str:
    """Return what some system takes a path for: letters without case, dots at ends left out."""
    parts = [part.rstrip(". ") or part for part in path.parts]
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _check_space(archive: Path, folder: Path, total: int) -> None:
    """Refuse a zip bomb, and what the disk cannot hold."""
    size = archive.stat().st_size
    if total > max(_HARMLESS, _TIMES * size):
        raise SkinfwError(
            f"{archive.name} cannot be trusted",
            str(archive),
            f"its {amount(size)} unpack to {amount(total)}: images do not compress like that",
            "nothing was unpacked; delete the file and tell whoever offers it",
        )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise SkinfwError(
            f"{archive.name} does not fit on the disk",
            str(folder),
            f"unpacked it has {amount(total)}, and {amount(free)} are free",
            "free some space and run the same command again",
        )
