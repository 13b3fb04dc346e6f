"""Archives of runs: the same run makes the same bytes, and none is trusted when it is read."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory

from skinfw import RecipeError, SkinfwError, atomic_write
from skinfw.toolkit import display_path

RUN, ABOUT = "run", "pack.json"
"""The folder of the run in the archive, and the file that tells what is not in it."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MOST_FILES, _MOST_BYTES, _MOST_RATIO = 10_000, 20 * 2**30, 200
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
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        stripped = {str(name): str(digest) for name, digest in about["stripped"].items()}
        return PackRecord(tuple(map(str, about["left_out"])), stripped)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RecipeError(
            "the archive is none of skinfw pack",
            display_path(archive),
            f"its {ABOUT} cannot be read: {type(error).__name__}: {error}",
            "name a run folder, or an archive that skinfw pack has made",
        ) from error


def _extract(archive: Path, folder: Path) -> None:
    """Unpack an archive, counting the bytes that come and not those that it announces."""
    try:
        with zipfile.ZipFile(archive) as content:
            members = content.infolist()
            if why := _distrust(members):
                raise _untrusted(archive, why)
            left = min(_MOST_BYTES, _MOST_RATIO * archive.stat().st_size + _CHUNK)
            for member in members:
                if member.is_dir():
                    continue
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with content.open(member) as source, target.open("xb") as sink:
                    while some := source.read(_CHUNK):
                        left -= len(some)
                        if left < 0:
                            raise _untrusted(archive, "it unpacks to far more than a run has")
                        sink.write(some)
    except _DAMAGE as error:
        raise SkinfwError(
            "the archive is damaged",
            display_path(archive),
            f"{type(error).__name__}: {error}",
            "get it again from who made it",
        ) from error


def _distrust(members: list[zipfile.ZipInfo]) -> str:
    """Return why members cannot be unpacked safely: outside, links, hiding each other, too many."""
    if len(members) > _MOST_FILES:
        return f"it has {len(members):,} members"
    seen: set[str] = set()
    for member in members:
        # Read as Windows does, which knows both slashes and drives.
        path = PureWindowsPath(member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        key = path.as_posix().casefold()
        if path.drive or path.root or ".." in path.parts or "\0" in member.orig_filename:
            return f"its member {member.filename!r} would lie outside of the folder"
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            return f"its member {member.filename!r} is a link or a device"
        if key in seen:
            return f"its member {member.filename!r} is there twice"
        seen.add(key)
    return ""


def _untrusted(archive: Path, why: str) -> SkinfwError:
    return SkinfwError(
        "the archive cannot be trusted",
        display_path(archive),
        why,
        "nothing of it was kept; ask who made it for another one",
    )
