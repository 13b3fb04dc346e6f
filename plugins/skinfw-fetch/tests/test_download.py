"""One file over HTTP, from servers with all their faults."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fileserver import FileServer

from skinfw import SkinfwError
from skinfw_fetch.download import ask, download
from skinfw_fetch.partial import CHUNK, Partial

CONTENT = os.urandom(3 * CHUNK + 1234)


class Listener:
    """Remember what the user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bytes = 0

    def begin(self, text: str, total: int, done: int) -> None:
        self.bytes = done

    def advance(self, count: int) -> None:
        self.bytes += count

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"/a.zip": CONTENT}) as server:
        yield server


@pytest.fixture
def partial(tmp_path: Path) -> Partial:
    return Partial(tmp_path / "a.zip")


def get(server: FileServer, partial: Partial, tries: int = 3) -> Listener:
    listener = Listener()
    download(f"{server.url}/a.zip", partial, listener, [0.0] * (tries - 1))
    return listener


def test_a_whole_file_gets_its_name_at_the_end(server: FileServer, partial: Partial) -> None:
    assert get(server, partial).bytes == len(CONTENT)
    assert not partial.place.exists()
    partial.finish()
    assert partial.place.read_bytes() == CONTENT
    assert [file.name for file in partial.place.parent.iterdir()] == ["a.zip"]


def test_a_cut_connection_goes_on_where_it_ended(server: FileServer, partial: Partial) -> None:
    server.cuts = [CHUNK + 100]
    listener = get(server, partial)
    assert partial.file.read_bytes() == CONTENT
    (_, first), (_, second) = server.asked
    assert first is None and second is not None
    assert CHUNK <= int(second.removeprefix("bytes=").removesuffix("-")) <= CHUNK + 100
    assert len(listener.said) == 1 and "trying again" in listener.said[0]


def test_each_try_that_brings_bytes_is_followed_by_as_many_again(
    server: FileServer, partial: Partial
) -> None:
    server.cuts = [CHUNK, CHUNK, CHUNK]
    get(server, partial, tries=2)
    assert partial.file.read_bytes() == CONTENT


def test_a_body_that_stays_short_is_an_error_that_keeps_the_bytes(
    server: FileServer, partial: Partial
) -> None:
    server.cuts = [CHUNK, 0, 0]
    with pytest.raises(SkinfwError) as error:
        get(server, partial, tries=2)
    assert "could not be fetched whole" in error.value.what
    assert "the connection ended after" in error.value.why
    assert f"{CHUNK:,} bytes are kept" in error.value.cure
    assert len(str(error.value).splitlines()) == 4
    get(server, partial)
    assert partial.file.read_bytes() == CONTENT
    assert server.asked[-1] == ("/a.zip", f"bytes={CHUNK}-")


def test_a_server_without_ranges_begins_anew(server: FileServer, partial: Partial) -> None:
    server.ranges, server.cuts = False, [CHUNK]
    listener = get(server, partial)
    assert partial.file.read_bytes() == CONTENT
    assert "cannot send a part" in listener.said[-1]


def test_a_server_that_names_no_version_is_asked_for_the_whole(
    server: FileServer, partial: Partial
) -> None:
    server.tags, server.cuts = False, [CHUNK]
    get(server, partial)
    assert partial.file.read_bytes() == CONTENT
    assert server.asked == [("/a.zip", None), ("/a.zip", None)]


@pytest.mark.parametrize("size", [len(CONTENT), CHUNK // 2])
def test_a_file_that_changed_between_two_tries_begins_anew(
    server: FileServer, partial: Partial, size: int
) -> None:
    server.cuts = [CHUNK, 0]
    with pytest.raises(SkinfwError):
        get(server, partial, tries=1)
    assert partial.size == CHUNK
    server.cuts, server.files["/a.zip"] = [], os.urandom(size)
    listener = get(server, partial)
    assert partial.file.read_bytes() == server.files["/a.zip"]
    assert "the file has changed there" in listener.said[0]


def test_bytes_that_were_all_there_are_not_fetched_again(
    server: FileServer, partial: Partial
) -> None:
    get(server, partial)
    get(server, partial)
    assert partial.file.read_bytes() == CONTENT
    assert server.asked[-1] == ("/a.zip", f"bytes={len(CONTENT)}-")


def test_a_file_that_does_not_exist_is_said_at_once(server: FileServer, partial: Partial) -> None:
    for attempt in (lambda url: ask(url), lambda url: download(url, partial, Listener())):
        with pytest.raises(SkinfwError) as error:
            attempt(f"{server.url}/b.zip")
        assert error.value.where.endswith("/b.zip") and "404" in error.value.why
        assert "--mirror" in error.value.cure


def test_no_server_is_said_with_the_reason(partial: Partial) -> None:
    with FileServer({}) as server:
        pass
    with pytest.raises(SkinfwError) as error:
        ask(f"{server.url}/a.zip")
    assert "cannot be reached" in error.value.what and "refused" in error.value.why.lower()


def test_a_server_tells_size_and_version(server: FileServer) -> None:
    remote = ask(f"{server.url}/a.zip")
    assert remote.size == len(CONTENT) and remote.tag.startswith('"')


@pytest.mark.parametrize("spoilt", ["bytes", "sums", "tag"])
def test_bytes_that_have_changed_on_the_disk_are_not_gone_on_with(
    server: FileServer, partial: Partial, spoilt: str
) -> None:
    server.cuts = [2 * CHUNK]
    with pytest.raises(SkinfwError):
        get(server, partial, tries=1)
    if spoilt == "bytes":
        content = bytearray(partial.file.read_bytes())
        content[70_000] ^= 16
        partial.file.write_bytes(content)
    elif spoilt == "tag":
        partial.file.with_name("a.zip.partial.tag").write_bytes(b'"\xff\n1')
    else:
        sums = partial.file.with_name("a.zip.partial.sums")
        sums.write_text(sums.read_text().replace(" ", " 1"))
    get(server, partial)
    assert partial.file.read_bytes() == CONTENT and server.asked[-1] == ("/a.zip", None)


def test_half_a_piece_that_a_kill_left_is_cut_off(server: FileServer, partial: Partial) -> None:
    server.cuts = [2 * CHUNK]
    with pytest.raises(SkinfwError):
        get(server, partial, tries=1)
    with partial.file.open("ab") as file:
        file.write(b"half")
    get(server, partial)
    assert partial.file.read_bytes() == CONTENT
    assert server.asked[-1] == ("/a.zip", f"bytes={2 * CHUNK}-")
