"""Where files of data sets lie: on this machine, behind a URL, or as a piece of a larger file.

All are paths, so that whoever reads a data set reads all three alike.
"""

from __future__ import annotations

import io
import os
import re
import zlib
from collections.abc import Generator
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PosixPath
from stat import S_IFDIR, S_IFREG, S_ISREG
from typing import Any
from urllib.parse import quote, unquote

from skinfw.files.remote import Entry, entry, listing, read_url
from skinfw.files.urls import check_url, is_url

_PIECE = re.compile(r"(.+)#([0-9]{1,15})\+([0-9]{1,12})(?:\+([0-9a-f]{8}))?/([^/]+)")
_BLOCK = 1 << 20
_BLOCKS = 64
_FILES = 32


def source_path(text: str | Path) -> Path:
    """Return the path that a text names.

    text: a path of this machine, a URL, or `piece_name`.
    Raises SkinfwError for a URL that is not read.
    """
    name = str(text)
    piece = "#" in name and _PIECE.fullmatch(name)
    if is_url(name):
        check_url(name)
        return (RemotePiecePath if piece else RemotePath)(*_parts(name))
    # A folder may be called so, and then its files are what they are.
    return PiecePath(name) if piece and not os.path.lexists(name) else Path(text)


def joined_path(folder: Path, text: str) -> Path:
    """Return the path that a text names in a table, seen from a folder.

    text: relative to the folder, or whole.
    """
    if is_url(text) or text.startswith("/"):
        return source_path(text)
    return source_path(str(folder / text))


def piece_name(file: Path | str, start: int, size: int, name: str, crc: int | None = None) -> str:
    """Return the text that names some bytes of a file as if they were one.

    file: that holds them.
    start, size: of the bytes.
    name: what the piece is called, such as "ISIC_0024306.jpg".
    crc: the CRC-32 of the bytes, which every reader checks.
    """
    check = "" if crc is None else f"+{crc:08x}"
    return f"{file}#{start}+{size}{check}/{name}"


class RemotePath(PosixPath):
    """Name a file or folder behind a URL; it can be read and listed, and nothing else.

    Its first part holds what stands before and behind the path: protocol and, in chained URLs such
    as `zip://images::s3://bucket/images.zip`, the rest.
    """

    __slots__ = ()

    def __str__(self) -> str:
        """Return the URL."""
        if not self.parts:
            return "."
        protocol, _, rest = self.parts[0].partition(":")
        if not _ or self.parts[0] == "/":  # relative to another one
            return "/".join(self.parts)
        path = "/".join(_without_dots(self.parts[1:]))
        return f"{protocol}://{path}" + (f"::{unquote(rest)}" if rest else "")

    def __fspath__(self) -> str:
        """Return the URL."""
        return str(self)

    def as_posix(self) -> str:
        """Return the URL."""
        return str(self)

    def is_absolute(self) -> bool:
        """Tell that it is whole."""
        return True

    def absolute(self) -> RemotePath:
        """Return itself."""
        return self

    def resolve(self, strict: bool = False) -> RemotePath:
        """Return itself."""
        return self

    def expanduser(self) -> RemotePath:
        """Return itself."""
        return self

    def seen_from(self, folder: Path) -> RemotePath:
        """Return itself, a file of this machine in a chained URL being relative to a folder."""
        head, chain, rest = str(self).partition("::")
        if not chain or is_url(rest):
            return self
        return type(self)(*_parts(f"{head}::{(folder / rest).resolve()}"))

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return size and kind; the time of change is a number that changes with the bytes."""
        return _status(self._entry())

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether the server has it."""
        try:
            self._entry()
        except OSError:
            return False
        return True

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether it is a file."""
        try:
            return not self._entry().is_folder
        except OSError:
            return False

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether it is a folder; on most servers that is one that holds something."""
        try:
            return self._entry().is_folder
        except OSError:
            return bool(listing(str(self)))

    def is_symlink(self) -> bool:
        """Tell that servers have no links."""
        return False

    def iterdir(self) -> Generator[RemotePath, None, None]:
        """Yield what lies in the folder."""
        names = listing(str(self))
        if not names and not self.is_dir():
            raise FileNotFoundError(2, "the server has no such folder", str(self))
        yield from (self / name for name in names)

    def glob(self, pattern: str) -> Generator[RemotePath, None, None]:  # type: ignore[override,unused-ignore]
        """Yield what lies in the folder and has a name of this pattern, such as `*/*.csv`."""
        own, _, below = pattern.partition("/")
        for name, about in listing(str(self)).items():
            if fnmatchcase(name, own) and not below:
                yield self / name
            elif fnmatchcase(name, own) and about.is_folder:
                yield from (self / name).glob(below)

    def rglob(self, pattern: str) -> Generator[RemotePath, None, None]:  # type: ignore[override,unused-ignore]
        """Yield what lies in the folder, however deep, and has a name of this pattern."""
        for name, about in listing(str(self)).items():
            if fnmatchcase(name, pattern):
                yield self / name
            if about.is_folder:
                yield from (self / name).rglob(pattern)

    def read_bytes(self) -> bytes:
        """Return all bytes."""
        return read_url(str(self), 0, self._entry().size or None)

    def open(self, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        """Open the file for reading, a block at a time."""
        size = self._entry().size
        if size:
            return _opened(io.BufferedReader(_RemoteFile(str(self), size)), self, mode, options)
        # It is empty, or the server tells no size.
        return _opened(io.BytesIO(self.read_bytes()), self, mode, options)

    def _entry(self) -> Entry:
        if len(self.parts) < 2:
            return Entry(True, 0, 0)
        return entry(str(self))


class _Piece:
    """Let a path name some bytes of a file, which are read as if they were one."""

    __slots__ = ()

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return what is known of the file, with the size of the piece."""
        file, _, size, _ = self._place()
        about = file.stat()
        times = {"st_mtime_ns": about.st_mtime_ns, "st_ctime_ns": about.st_ctime_ns}
        values = [*about[:6], size, *about[7:10]]
        return os.stat_result(values, times)

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether the file is there."""
        return self._place()[0].exists()

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Tell whether the file is there."""
        return self._place()[0].is_file()

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Tell that it is no folder."""
        return False

    def read_bytes(self) -> bytes:
        """Return the bytes; raises OSError where they are not those that were written."""
        file, start, size, crc = self._place()
        if isinstance(file, RemotePath):
            there = file.stat().st_size or start + size  # some servers tell no size
            size_there = max(0, min(size, there - start))
            content = read_url(str(file), start, start + size_there) if size_there else b""
        else:
            about = file.stat()
            if not S_ISREG(about.st_mode):
                raise OSError(22, "it names a piece of a pipe or a device", str(self))
            size_there = max(0, min(size, about.st_size - start))  # the rest needs no memory
            handle = _handle(str(file), about.st_ino, about.st_mtime_ns)
            content = os.pread(handle.number, size_there, start) if size_there else b""
        if len(content) != size:
            raise OSError(5, f"its file ends after {len(content):,} of {size:,} bytes", str(self))
        if crc and zlib.crc32(content) != int(crc, 16):
            raise OSError(5, "its bytes are not those that were written", str(self))
        return content

    def open(self, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        """Open the piece for reading."""
        return _opened(io.BytesIO(self.read_bytes()), self, mode, options)

    def _place(self) -> tuple[Path, int, int, str | None]:
        """Return the file, where the piece begins, its size, and its CRC-32 or None."""
        found = _PIECE.fullmatch(str(self))
        assert found, "nothing else makes such a path"
        remote = isinstance(self, RemotePath)
        file = RemotePath(*_parts(found[1])) if remote else Path(found[1])
        return file, int(found[2]), int(found[3]), found[4]


class PiecePath(_Piece, PosixPath):
    """Name a piece of a file of this machine."""

    __slots__ = ()


class RemotePiecePath(_Piece, RemotePath):
    """Name a piece of a file behind a URL."""

    __slots__ = ()


class _RemoteFile(io.RawIOBase):
    """Read a file behind a URL in blocks, of which the last ones are kept."""

    def __init__(self, url: str, size: int) -> None:
        super().__init__()
        self._size, self._at = size, 0
        self._block = lru_cache(_BLOCKS)(
            lambda number: read_url(url, number * _BLOCK, min(size, (number + 1) * _BLOCK))
        )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        number, begin = divmod(self._at, _BLOCK)
        some = self._block(number)[begin : begin + len(buffer)]
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)


class _Handle:
    """Hold an open file, closed when nobody reads it any longer."""

    __slots__ = ("number",)

    def __init__(self, file: str) -> None:
        self.number = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


@lru_cache(_FILES)
def _handle(file: str, inode: int, modified: int) -> _Handle:
    """Return an open file; one that was put in its place is opened anew."""
    return _Handle(file)


def _opened(binary: Any, path: Any, mode: str, options: Any) -> Any:
    """Return an open file for bytes or, where the mode wants it, text."""
    if set(mode) - set("rbt"):
        raise PermissionError(13, "it can be read and not written", str(path))
    wanted = {key: options.get(key) for key in ("encoding", "errors", "newline")}
    return binary if "b" in mode else io.TextIOWrapper(binary, **wanted)


def _parts(url: str) -> list[str]:
    """Return the parts of the path that stands for a URL."""
    head, _, rest = url.partition("::")
    protocol, _, path = head.partition("://")
    return [f"{protocol}:{quote(rest, safe='')}", *filter(None, path.split("/"))]


def _without_dots(parts: tuple[str, ...]) -> list[str]:
    """Return the parts of a path without `..`, which means nothing to a server."""
    kept: list[str] = []
    for part in parts:
        if part == ".." and kept:
            kept.pop()
        elif part != "..":
            kept.append(part)
    return kept


def _status(about: Entry) -> os.stat_result:
    """Return what the system would say of such a file."""
    kind = S_IFDIR | 0o555 if about.is_folder else S_IFREG | 0o444
    values = [kind, 0, 0, 1, 0, 0, about.size, 0, 0, 0]
    return os.stat_result(values, {"st_mtime_ns": about.version, "st_ctime_ns": 0})
