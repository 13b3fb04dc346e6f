"""Checksums of files and folders, by which somebody else can tell that they are the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from skinfw.files.remote import connections
from skinfw.files.sources import RemotePath


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal; "" where it cannot be read."""
    try:
        with file.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError:
        return ""


def file_digests(files: Sequence[Path]) -> list[str]:
    """Return `file_digest` of each file, in their order.

    files: read on all cores; hashing lets other threads run meanwhile.
    """
    remote = any(isinstance(file, RemotePath) for file in files)
    threads = max(os.cpu_count() or 1, connections() if remote else 1)
    with ThreadPoolExecutor(threads, "skinfw") as pool:
        return list(pool.map(file_digest, files))


def source_digest(place: Path, pattern: str = "*") -> str:
    """Return one SHA-256 of a Python package: of the names of its files and what is in them.

    place: a folder, or the file of a module.
    pattern: which files of the folder count; those that Python makes itself never do.
    """
    if place.is_file():
        return file_digest(place)
    files = sorted(
        file
        for file in place.rglob(pattern)
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    )
    digest = hashlib.sha256()
    for file, own in zip(files, file_digests(files), strict=True):
        digest.update(f"{file.relative_to(place).as_posix()} {own}\n".encode())
    return digest.hexdigest()
