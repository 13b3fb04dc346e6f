"""Fetch one file over HTTP, and go on after a cut where the bytes on the disk end."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Protocol

from skinfw import SkinfwError
from skinfw_fetch.partial import CHUNK, Partial

TIMEOUT = 60.0
PAUSES = (1.0, 4.0, 15.0, 60.0)
"""Seconds before each new try; bytes that arrive start the row anew."""
PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Answers of a server that may be another one in a moment."""
NO_HEAD = {400, 403, 405, 501}
"""Answers of a server that may only refuse to be asked about a file."""


class Follower(Protocol):
    """Something that tells the user how the work goes on."""

    def begin(self, text: str, total: int, done: int) -> None:
        """Hear that a piece of work begins; a total of 0 means that nobody knows it."""

    def advance(self, count: int) -> None:
        """Hear that so many bytes more are done."""

    def say(self, text: str) -> None:
        """Hear a sentence that the user must read."""


@dataclass(frozen=True)
class Remote:
    """Hold what a server says of a file.

    size: its bytes; 0 where it does not say.
    tag: what names this version of it, for If-Range; empty where the server names none.
    """

    size: int
    tag: str


class _Cut(Exception):
    """Say that a transfer ended too early and that another try may help."""


def ask(url: str) -> Remote:
    """Ask a server about a file without fetching it.

    url: the file.
    Raises SkinfwError where there is no such file or no such server.
    """
    try:
        with _open(url, {}, "HEAD") as answer:
            return _remote(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            if error.code in NO_HEAD | PASSING:
                return Remote(0, "")
            raise _refusal(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise SkinfwError(
            "the server cannot be reached",
            url,
            _reason(error),
            "look at the connection and run the same command again, or name another server with "
            "--mirror",
        ) from error


def download(
    url: str, partial: Partial, follower: Follower, pauses: Sequence[float] = PAUSES
) -> str:
    """Fetch a file; try again after a cut, and go on where the bytes end.

    url: the file.
    partial: where its bytes go; whole when this returns.
    follower: hears of the bytes and the cuts.
    pauses: seconds before each new try in a row that brings nothing.
    Returns the version's tag.
    """
    if not partial.is_sound():
        follower.say(f"{partial.place.name}: bytes on the disk have changed; it begins anew")
        partial.drop()
    reached, waits = partial.size, iter(pauses)
    while True:
        try:
            return _transfer(url, partial, follower)
        except _Cut as cut:
            if partial.size > reached:
                reached, waits = partial.size, iter(pauses)
            pause = next(waits, None)
            if pause is None:
                raise SkinfwError(
                    f"{partial.place.name} could not be fetched whole",
                    url,
                    f"{cut}; tried {len(pauses) + 1} times",
                    f"run the same command again; {partial.size:,} bytes are kept",
                ) from cut
            follower.say(f"{partial.place.name}: {cut}; trying again in {pause:g} s")
        time.sleep(pause)


def _transfer(url: str, partial: Partial, follower: Follower) -> str:
    """Fetch what is missing, in one connection."""
    start, tag = partial.size, partial.tag
    ranges = {"Range": f"bytes={start}-", "If-Range": tag} if start else {}
    try:
        answer = _open(url, ranges)
    except urllib.error.HTTPError as error:
        with error:
            if start and error.code == 416:
                if error.headers.get("Content-Range") == f"bytes */{start}":
                    return tag  # nothing is missing: the last try was stopped after the last byte
                partial.drop()
                raise _Cut("the file has changed at the server") from error
            if error.code in PASSING:
                raise _Cut(f"the server answers {error.code} {error.reason}") from error
            raise _refusal(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(_reason(error)) from error
    with answer:
        remote = _remote(answer.headers)
        if answer.status == 206:
            span = answer.headers.get("Content-Range", "")
            if remote.tag not in ("", tag) or not span.startswith(f"bytes {start}-"):
                partial.drop()
                raise _Cut("the server sent another part than was asked for")
        else:
            if start:
                changed = remote.tag != tag
                why = "the file has changed there" if changed else "it cannot send a part"
                follower.say(f"{partial.place.name}: the server begins anew, since {why}")
                start = 0
            partial.restart(remote.tag)
        total = start + remote.size if remote.size else 0
        follower.begin(partial.place.name, total, start)
        size = start
        with partial.appended() as append:
            for chunk in _chunks(answer):
                size = append(chunk)
                follower.advance(len(chunk))
    if total and size != total:
        raise _Cut(f"the connection ended after {size:,} of {total:,} bytes")
    return partial.tag


def _open(url: str, headers: Mapping[str, str], method: str = "GET") -> http.client.HTTPResponse:
    request = urllib.request.Request(
        url, headers={"User-Agent": "skinfw", **headers}, method=method
    )
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    return answer


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield what arrives; what goes wrong with the connection here is a cut, not a full disk."""
    try:
        while chunk := answer.read(CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(_reason(error)) from error


def _remote(headers: Message) -> Remote:
    """Read size and version from an answer; a weak ETag may stand for other bytes."""
    length, tag = headers.get("Content-Length", ""), headers.get("ETag", "")
    strong = tag if tag.startswith('"') else ""
    return Remote(
        int(length) if length.isdecimal() else 0, strong or headers.get("Last-Modified", "")
    )


def _reason(error: Exception) -> str:
    """Say in a few words what became of a connection."""
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason) or type(reason).__name__


def _refusal(url: str, error: urllib.error.HTTPError) -> SkinfwError:
    return SkinfwError(
        f"the server does not give {url.rpartition('/')[2]}",
        url,
        f"it answers {error.code} {error.reason}",
        "the file may have moved: name another server with --mirror, or put the file into the root "
        "by hand",
    )
