from __future__ import annotations

import importlib
import os
import pickle
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import pytest
from fileserver import FileServer

from skinfw import SkinfwError
from skinfw.files import remote
from skinfw.files.sources import joined_path, piece_name, source_path


@pytest.fixture
def bucket() -> str:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pipe({"/own/a.csv": b"id\n1\n", "/own/im/1.jpg": b"12345", "/own/im/in/2.JPG": b"6"})
    remote.forget_listings()
    return "memory://own"


def test_a_url_is_a_path_that_is_listed_and_read(bucket: str) -> None:
    root = source_path(bucket)
    assert isinstance(root, Path) and root.is_absolute() and root.resolve() == root
    assert root.is_dir() and not root.is_file() and (root / "im").is_dir()
    assert sorted(map(str, root.iterdir())) == ["memory://own/a.csv", "memory://own/im"]
    assert [own.name for own in root.glob("*.csv")] == ["a.csv"]
    assert [own.name for own in root.glob("*/*.jpg")] == ["1.jpg"]
    names = sorted(own.relative_to(root).as_posix() for own in root.rglob("*") if own.suffix)
    assert names == ["a.csv", "im/1.jpg", "im/in/2.JPG"]
    file = root / "im" / "1.jpg"
    assert (file.name, file.stem, file.suffix) == ("1.jpg", "1", ".jpg")
    assert file.read_bytes() == b"12345" and file.stat().st_size == 5
    assert (root / "a.csv").read_text() == "id\n1\n"
    with file.open("rb") as source:
        assert source.seek(2) == 2 and source.read(2) == b"34" and source.read() == b"5"
    assert not (root / "none").exists() and not (root / "none").is_dir()
    with pytest.raises(FileNotFoundError):
        (root / "none").read_bytes()
    with pytest.raises(PermissionError, match="not written"):
        file.open("wb")
    assert pickle.loads(pickle.dumps(file)) == file


def test_a_file_that_has_changed_has_another_time(bucket: str) -> None:
    file = source_path(f"{bucket}/im/1.jpg")
    before = file.stat().st_mtime_ns
    fsspec.filesystem("memory").pipe("/own/im/1.jpg", b"54321")
    assert file.stat().st_mtime_ns == before  # a list is remembered
    remote.forget_listings()
    assert file.stat().st_mtime_ns != before


def test_a_read_that_fails_is_tried_again_and_told(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SECONDS_BETWEEN", 0.0)
    memory = type(fsspec.filesystem("memory"))
    whole, asked = memory.cat_file, []

    def flaky(self: Any, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        asked.append(path)
        if len(asked) == 1:
            raise OSError("503 Slow Down")
        content: bytes = whole(self, path, start, end, **more)
        return content[:-1] if len(asked) == 2 else content

    monkeypatch.setattr(memory, "cat_file", flaky)
    said: list[str] = []
    with remote.watch_retries(said.append) as retries:
        assert source_path(f"{bucket}/im/1.jpg").read_bytes() == b"12345"
    assert len(asked) == 3 and retries.causes.total() == 2
    assert said == ["note: 1 remote reads were tried again: OSError: 503 Slow Down (1)"]
    assert retries.text().startswith("2 remote reads were tried again: ")
    monkeypatch.setattr(memory, "cat_file", lambda *_, **__: b"")
    with pytest.raises(remote.ServerError, match="8 tries"):
        source_path(f"{bucket}/im/1.jpg").read_bytes()


def test_texts_of_tables_are_seen_from_their_folder(bucket: str, tmp_path: Path) -> None:
    assert str(joined_path(source_path(bucket), "im/1.jpg")) == "memory://own/im/1.jpg"
    assert str(joined_path(source_path(f"{bucket}/im"), "../a.csv")) == "memory://own/a.csv"
    assert str(joined_path(tmp_path, "s3://moles/1.jpg")) == "s3://moles/1.jpg"
    assert joined_path(source_path(bucket), "/data/1.jpg") == Path("/data/1.jpg")
    assert joined_path(tmp_path, "../1.jpg") == tmp_path / "../1.jpg"


def test_what_lies_in_an_archive_is_a_path_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("moles/im/1.jpg", "12345")
    root = source_path("zip://moles::a.zip").seen_from(tmp_path)
    assert str(root) == f"zip://moles::{tmp_path / 'a.zip'}"
    assert [own.read_bytes() for own in (root / "im").iterdir()] == [b"12345"]
    assert str(root.parent) == f"zip://::{tmp_path / 'a.zip'}"


def test_a_piece_of_a_file_is_read_as_if_it_were_one(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "all.bin").write_bytes(b"0123456789")
    fsspec.filesystem("memory").pipe("/own/all.bin", b"0123456789")
    for file in (tmp_path / "all.bin", source_path(f"{bucket}/all.bin")):
        piece = source_path(piece_name(file, 2, 3, "x.jpg"))
        assert piece.read_bytes() == b"234" and piece.open("rb").read() == b"234"
        assert piece.stat().st_size == 3 and piece.is_file() and piece.name == "x.jpg"
        assert piece.stat().st_mtime_ns == file.stat().st_mtime_ns
        other = source_path(piece_name(file, 2, 3, "x.jpg", crc=1))
        with pytest.raises(OSError, match="not those that were written"):
            other.read_bytes()
        short = source_path(piece_name(file, 8, 3, "x.jpg"))
        with pytest.raises(OSError, match="ends after 2 of 3 bytes"):
            short.read_bytes()
    assert not source_path(piece_name(tmp_path / "none.bin", 0, 1, "x.jpg")).is_file()
    # Signs alone make no piece of a file that is called so, nor of one in such a folder.
    for name in ("b#1.jpg", "b#1+2.jpg", "case#1+2/x.jpg", "case#1+2+01234567/x.jpg"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"whole")
        assert source_path(str(file)).read_bytes() == b"whole"


def test_a_piece_is_of_a_file_and_costs_no_more_than_there_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/zero")):  # neither ends
        with pytest.raises(OSError, match="a pipe or a device"):
            source_path(piece_name(place, 0, 4, "x.jpg")).read_bytes()
    (tmp_path / "small").write_bytes(b"12345")
    with pytest.raises(OSError, match="ends after 4 of 900,000,000,000 bytes"):
        source_path(piece_name(tmp_path / "small", 1, 900 * 10**9, "x.jpg")).read_bytes()
    with pytest.raises(OSError, match="ends after 0 of 1 bytes"):
        source_path(piece_name(tmp_path / "small", 10**14, 1, "x.jpg")).read_bytes()
    pieces = f"{tmp_path / 'small'}{'#0+1/b' * 3000}"  # a piece of a piece, and so on
    with pytest.raises(OSError, match="name too long"):
        source_path(pieces).is_file()


def test_a_server_that_is_away_does_not_lack_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(remote, "SECONDS_BETWEEN", 0.0)
    with FileServer({"/s3/a.csv": b"id\n"}) as server:
        server.ranges = False
        assert source_path(f"{server.url}/s3/a.csv").read_bytes() == b"id\n"
        assert not source_path(f"{server.url}/none.csv").is_file()
        file = source_path(f"{server.url}/s3/a.csv")
    with pytest.raises(remote.ServerError, match="8 tries"):
        file.is_file()


def test_both_names_of_s3_have_the_same_time_limits() -> None:
    pytest.importorskip("s3fs")
    for protocol in ("s3", "s3a"):
        system, path = remote._connect(f"{protocol}://moles/1.jpg")
        assert path == "moles/1.jpg" and system.config_kwargs["read_timeout"] == 20


def test_what_is_told_of_a_failure_holds_no_secret(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SECONDS_BETWEEN", 0.0)
    text = "503, url='https://me:secret@cdn/1.jpg?Signature=secret'; try http://host"

    def fail(*_: Any, **__: Any) -> bytes:
        raise OSError(text)

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", fail)
    said: list[str] = []
    with remote.watch_retries(said.append) as retries, pytest.raises(remote.ServerError) as error:
        source_path(f"{bucket}/im/1.jpg").read_bytes()
    for told in (*said, retries.text(), str(error.value)):
        assert "secret" not in told and "503, url='https://cdn/1.jpg'; try http://host" in told


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ssh://host/file", "ssh:// is no protocol"),
        ("file:///etc/passwd", "file:// is no protocol"),
        ("zip://a::reference://b", "reference:// is no protocol"),
        ("zip://a.jpg::filecache::https://me:secret@host/a.zip", "no folder of a zip"),
        ("zip://a.jpg::reference", "no folder of a zip"),
        ("zip://a.jpg::arrow_hdfs", "no folder of a zip"),
        ("zip://a.jpg::data:application/zip;base64,UEs=", "no folder of a zip"),
        ("s3://moles/a::file:/etc/passwd", "no folder of a zip"),
        ("https://[host/a.csv", "names no host"),
        ("ssh://me:secret@host/a.csv", "ssh:// is no protocol"),
        ("s3://me:secret@moles/a.csv", "a password"),
        ("https://me:secret@host/a.csv", "a password"),
        ("https://host/a.csv?token=secret", "a password"),
    ],
)
def test_urls_that_recipes_must_not_have_are_refused(url: str, said: str) -> None:
    with pytest.raises(SkinfwError) as error:
        source_path(url)
    assert said in error.value.what and "secret" not in str(error.value)


def test_a_package_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    known = importlib.import_module("fsspec.registry")._registry
    monkeypatch.delitem(known, "s3", raising=False)
    with pytest.raises(SkinfwError) as error:
        source_path("s3://moles/a.csv").read_bytes()
    assert error.value.cure == "pip install 'skinfw[remote]'"
    assert error.value.where == "s3://moles"


class _Endless(BaseHTTPRequestHandler):
    """Tell no size, and send a header, or without an end, or more than was asked for."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        if self.path == "/short":
            self.send_header("Content-Length", "10")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        if self.path == "/mine":
            self.wfile.write(str(self.headers["X-Mine"]).encode())
            return
        with suppress(OSError):
            while True:
                self.wfile.write(bytes(100_000))


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server for a while, and give its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("path", "most"), [("/none", "1,000,000"), ("/short", "10")])
def test_a_server_that_sends_without_an_end_fills_no_memory(
    monkeypatch: pytest.MonkeyPatch, path: str, most: str
) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(remote, "_MOST", 10**6)
    said = f"sends more than {most} bytes"
    with _serving(_Endless) as host, pytest.raises(SkinfwError, match=said):
        remote.read_url(f"{host}{path}", end=10 if path == "/short" else None)


def test_a_file_without_a_size_is_read_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setitem(fsspec.config.conf, "http", {"headers": {"X-Mine": "secret"}})
    with _serving(_Endless) as host:
        assert source_path(f"{host}/mine").read_text() == "secret"
        assert source_path(f"{host}/mine").read_bytes() == b"secret"
