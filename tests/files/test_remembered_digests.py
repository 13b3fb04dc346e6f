"""Digests are read once in the life of a file, and never believed of another."""

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from skinfw.files import remembered_digests as module
from skinfw.files.remembered_digests import remembered_digests


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Write three files that are an hour old for the module."""
    files = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(bytes([number]) * 1000)
    return files


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Count the files that are read, an hour after they were written."""
    read: list[Path] = []
    whole = module.file_digests
    monkeypatch.setattr(module, "file_digests", lambda files: read.extend(files) or whole(files))
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 3600)
    return read


def digests(files: list[Path]) -> list[str]:
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def test_a_file_is_read_once_and_again_when_it_has_changed(
    files: list[Path], reads: list[Path], tmp_path: Path
) -> None:
    assert remembered_digests(files, tmp_path / "cache") == digests(files)
    assert remembered_digests(files, tmp_path / "cache") == digests(files) and reads == files
    about = files[1].stat()
    files[1].write_bytes(bytes([9]) * 1000)
    os.utime(files[1], ns=(about.st_atime_ns, about.st_mtime_ns))  # in its place, of its date
    assert remembered_digests(files, tmp_path / "cache") == digests(files)
    assert reads[3:] == [files[1]]
    files[2].unlink()
    assert remembered_digests(files, tmp_path / "cache") == [*digests(files[:2]), ""]


def test_a_file_that_was_written_just_now_is_not_believed(
    files: list[Path], reads: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = max(file.stat().st_mtime for file in files)
    monkeypatch.setattr(module.time, "time", lambda: now + 0.5)
    for _ in range(2):
        assert remembered_digests(files, tmp_path / "cache") == digests(files)
    assert reads == files * 2


def test_a_changed_row_is_read_again(files: list[Path], reads: list[Path], tmp_path: Path) -> None:
    remembered_digests(files, tmp_path)
    with closing(sqlite3.connect(tmp_path / "digests.sqlite")) as rows, rows:
        rows.execute("UPDATE digests SET digest = replace(digest, 'a', 'b')")
    assert remembered_digests(files, tmp_path) == digests(files) and len(reads) == 6


def test_without_a_place_every_file_is_read(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert remembered_digests(files, tmp_path / "cache") == digests(files)
