"""Archives of runs: the same run makes the same bytes, and none is trusted when it is read."""

from __future__ import annotations

import errno
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import Field

from skinfw import RecipeError, SkinfwError, atomic_write
from skinfw.toolkit import Schema, check_archive, display_path, read_record

RUN, ABOUT = "run", "pack.json"
"""The folder of the run in the archive, and the file that tells what is not in it."""

FORMAT = 1
PAGES = (".html", ".svg")
"""Endings of files whose images can be taken out."""
TEXTS = (*PAGES, ".json", ".csv", ".lock", ".safetensors", ".txt", ".md", ".toml")
"""Endings of files that always go along: numbers, texts, weights."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_UNTRUSTED = "nothing of it was kept; ask who made it for another one"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_HARMLESS = 2**20  # bytes
_CHUNK = 2**20


def write_archive(archive: Path, members: Mapping[str, Path | bytes]) -> None:
    """Write a zip whose bytes depend on nothing but its members.

    archive: the target.
    members: by name, a file or what is in it.
    """
    with (
        atomic_write(archive) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as sink,
    ):
        for name, content in sorted(members.items()):
            about = zipfile.ZipInfo(name, _EPOCH)
            about.compress_type, about.create_system = zipfile.ZIP_DEFLATED, 3
            about.external_attr = (stat.S_IFREG | 0o644) << 16
            with sink.open(about, "w", force_zip64=True) as target:
                if isinstance(content, bytes):
                    target.write(content)
                else:
                    with content.open("rb") as source:
                        while some := source.read(_CHUNK):
                            target.write(some)


class PackSchema(Schema):
    """Say what is read of pack.json."""

    format: Literal[1]
    left_out: list[str]
    stripped: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]


@dataclass(frozen=True)
class PackRecord:
    """Hold what an archive does not have of its run.

    left_out: names of files that stayed behind.
    stripped: the SHA-256 of each file whose images were taken out.
    """

    left_out: tuple[str, ...] = ()
    stripped: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def opened_run(path: Path) -> Iterator[tuple[Path, PackRecord]]:
    """Give the folder of a run, itself or what an archive of `skinfw pack` holds.

    path: a run folder or an archive, which is unpacked into a temporary folder.
    Raises SkinfwError where the archive cannot be trusted; nothing of it is left.
    """
    if path.is_dir() or not zipfile.is_zipfile(path):
        yield path, PackRecord()
        return
    with TemporaryDirectory(prefix="skinfw-pack-") as folder:
        _extract(path, Path(folder))
        yield Path(folder) / RUN, _read_about(path, Path(folder) / ABOUT)


def _read_about(archive: Path, file: Path) -> PackRecord:
    """Read what an archive says of itself; it may excuse nothing that skinfw pack takes along."""
    try:
        about = read_record(PackSchema, file, "")
        needed = [name for name in about["left_out"] if name.endswith(TEXTS)]
        needed += [name for name in about["stripped"] if not name.endswith(PAGES)]
        if needed:
            raise SkinfwError(f"{ABOUT} names what is neither left out nor changed", why=needed[0])
    except SkinfwError as error:
        raise RecipeError(
            "the archive is none of skinfw pack",
            display_path(archive),
            f"{error.what}: {error.why}" if error.why else error.what,
            "name a run folder, or an archive that skinfw pack has made",
        ) from error
    return PackRecord(tuple(about["left_out"]), about["stripped"])


def _extract(archive: Path, folder: Path) -> None:
    """Unpack an archive, once its list was looked at."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = content.infolist()
            check_archive(archive, members, folder, _HARMLESS, _UNTRUSTED)
            for member in members:
                content.extract(member, folder)
    except OSError as error:
        # A list that points before the file's beginning is an invalid argument to the system.
        if error.errno == errno.EINVAL:
            raise _damaged(archive, error) from error
        raise SkinfwError(
            "the archive cannot be unpacked",
            str(folder),
            error.strerror or str(error),
            "free some space, or name another folder for temporary files by TMPDIR",
        ) from error
    except _DAMAGE as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> SkinfwError:
    return SkinfwError(
        "the archive is damaged",
        display_path(archive),
        f"{type(error).__name__}: {error}",
        "get it again from who made it",
    )
