"""Unpack a zip that came from elsewhere: beside its target first, and nothing outside of it."""

from __future__ import annotations

import errno
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skinfw import SkinfwError
from skinfw.toolkit import check_archive
from skinfw_fetch.download import Follower
from skinfw_fetch.partial import CHUNK

Tally = tuple[int, ...]

_HARMLESS = 10**9  # bytes
_CURE = "nothing was unpacked; delete the file and tell whoever offers it"
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
            total = check_archive(archive, members, place.parent, _HARMLESS, _CURE)
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
