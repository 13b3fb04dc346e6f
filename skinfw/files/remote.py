"""Read what lies behind URLs: over few connections at once, and again where a server fails."""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeVar

from skinfw.errors import SkinfwError
from skinfw.files.urls import PROTOCOLS, without_secrets

T = TypeVar("T")
TRIES = 8
SECONDS_BETWEEN = 0.25
"""Before the second try; each later wait is twice as long."""
_STALLED_SECONDS = 20
_MOST = 2**30
"""Bytes of a file whose server tells no size."""
_CHUNK = 1 << 20
_LISTED_SECONDS = 600.0
_TOLD_SECONDS = 20.0
_PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_CLIENTS = ("aiobotocore", "aiohttp", "asyncio", "azure", "botocore", "fsspec", "gcsfs", "httpx")
_VERSIONS = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime", "created", "md5",
             "CRC", "blob_id", "content_hash")  # fmt: skip


class ServerError(SkinfwError):
    """Say that a server did not give a file, however often it was asked."""


class Entry(NamedTuple):
    """Hold what a server says of a file or folder; zeros of a folder.

    version: changes with the bytes, as far as the server tells them apart.
    """

    is_folder: bool
    size: int
    version: int


class Retries:
    """Count reads that were tried again, and tell of them now and then."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Begin.

        say: told at once, and again while there are more.
        """
        self._say, self._last, self._lock = say, float("-inf"), threading.Lock()
        self.causes: Counter[str] = Counter()

    def note(self, cause: str) -> None:
        """Count one."""
        with self._lock:
            self.causes[cause] += 1
            if time.monotonic() - self._last < _TOLD_SECONDS:
                return
            self._last = time.monotonic()
        self._say(f"note: {self.text()}")

    def text(self) -> str:
        """Return how many there were, and why; "" for none."""
        causes = "; ".join(f"{cause} ({count:,})" for cause, count in self.causes.most_common(3))
        return f"{self.causes.total():,} remote reads were tried again: {causes}" if causes else ""


_watching: list[Retries] = []
_listings: dict[str, tuple[float, dict[str, Entry]]] = {}
_listing = threading.Lock()


@contextmanager
def watch_retries(say: Callable[[str], None]) -> Iterator[Retries]:
    """Tell of reads that are tried again.

    say: told what a user must hear.
    """
    own = Retries(say)
    _watching.append(own)
    try:
        yield own
    finally:
        _watching.remove(own)


def connections() -> int:
    """Return how many files are read at once: 16, or what SKINFW_CONNECTIONS says."""
    text = os.environ.get("SKINFW_CONNECTIONS") or "16"
    if not text.isdecimal() or not 0 < int(text) <= 1024:
        cure = "set it to a number from 1 to 1024, or unset it"
        raise SkinfwError("SKINFW_CONNECTIONS is no number of connections", text, cure=cure)
    return int(text)


def read_url(url: str, start: int = 0, end: int | None = None) -> bytes:
    """Return the bytes of a file, or some of them.

    start, end: of the part that is wanted; None for all to the end.
    Raises what the system would say of a file of this machine, and ServerError.
    """
    wanted = None if end is None else end - start

    def read(system: Any, path: str) -> bytes:
        content: bytes
        if path.startswith("http"):
            asyn = importlib.import_module("fsspec.asyn")
            content = asyn.sync(system.loop, _read_http, system, path, start, end)
        else:
            content = system.cat_file(path, start=start or None, end=end)
        if wanted is not None and len(content) != wanted:
            raise ConnectionError("other than as many bytes came as the file has")
        return content

    return _ask(url, read)


async def _read_http(system: Any, url: str, start: int, end: int | None) -> bytes:
    """Return bytes as `read_url` does, and end where a server sends more than it was asked for.

    fsspec would hold whatever comes, and unpack it.
    """
    most = _MOST if end is None else end - start
    options = {**system.kwargs}  # of fsspec's own files and variables
    headers = {**options.pop("headers", {}), "Accept-Encoding": "identity"}
    if start or end is not None:
        headers["Range"] = f"bytes={start}-" + ("" if end is None else str(end - 1))
    content = bytearray()
    session = await system.set_session()
    async with session.get(system.encode_url(url), headers=headers, **options) as answer:
        system._raise_not_found_for_status(answer, url)
        async for some in answer.content.iter_chunked(_CHUNK):
            content += some
            if len(content) > most:
                raise SkinfwError(
                    f"the server sends more than {most:,} bytes",
                    url,
                    "no file may have more" if end is None else "so many were asked for",
                    "take it from a server that tells the size of files and sends parts of them",
                )
    return bytes(content)


def entry(url: str) -> Entry:
    """Return what is known of a file or folder; raises FileNotFoundError where there is none.

    A folder is listed once and remembered for ten minutes, so that many files cost few questions.
    """
    head, chain, rest = url.partition("::")
    folder, _, name = head.rpartition("/")
    if name and not folder.endswith("/") and not head.startswith("http"):
        try:
            return listing(f"{folder}{chain}{rest}")[name]
        except KeyError:
            raise FileNotFoundError(2, "the server has no such file", url) from None
        except PermissionError:  # a bucket may give files and no lists
            pass
    return _ask(url, lambda system, path: _entry(system.info(path)))


def listing(url: str) -> dict[str, Entry]:
    """Return what lies in a folder, by name; nothing where there is no folder."""
    with _listing:
        known = _listings.get(url)
    if known and time.monotonic() - known[0] < _LISTED_SECONDS:
        return known[1]
    try:
        found = _ask(url, _list)
    except (FileNotFoundError, NotADirectoryError):
        found = {}
    with _listing:
        _listings[url] = time.monotonic(), found
    return found


def forget_listings() -> None:
    """Ask for every folder anew."""
    with _listing:
        _listings.clear()


def _list(system: Any, path: str) -> dict[str, Entry]:
    system.invalidate_cache(path)
    whole = path.strip("/")
    found = {}
    for about in system.ls(path, detail=True):
        place = str(about["name"]).strip("/")
        if place != whole:
            found[place.rpartition("/")[2]] = _entry(about)
    return found


def _entry(about: dict[str, Any]) -> Entry:
    """Return what a file system says of a file, of all its ways to say it."""
    if about.get("type") == "directory":
        return Entry(True, 0, 0)
    size = int(about.get("size") or 0)
    said = [size, *(str(about[key]) for key in _VERSIONS if about.get(key) is not None)]
    digest = hashlib.blake2b(repr(said).encode(), digest_size=7).digest()
    return Entry(False, size, int.from_bytes(digest))


def _ask(url: str, question: Callable[[Any, str], T]) -> T:
    """Return the answer of a server, which may need to be asked again."""
    start = time.monotonic()
    last: Exception | None = None
    for attempt in range(TRIES):
        if attempt:
            # Not the dice of everybody: what is drawn there is counted.
            dice = random.SystemRandom()
            time.sleep(SECONDS_BETWEEN * 2 ** (attempt - 1) * dice.uniform(0.75, 1.25))
        try:
            with _slots(connections()):
                return question(*_connect(url))
        except Exception as said:
            error = _reason(said)
            if isinstance(error, (*_PERMANENT, SkinfwError)):
                raise
            if not _may_pass(error):
                raise SkinfwError(
                    "the URL cannot be read",
                    url,
                    _cause(error),
                    "see whether it is right, and whether the environment has what the server asks "
                    "for, such as AWS_PROFILE or AWS_ENDPOINT_URL",
                ) from error
            last = error
            cause = _cause(error)
            for own in _watching:
                own.note(cause)
    raise ServerError(
        "the server does not give a file",
        url,
        f"{TRIES} tries in {time.monotonic() - start:.0f} s failed; the last: {_cause(last)}",
        "see whether it answers; then start again, or go on with --resume",
    ) from last


def _reason(error: Exception) -> Exception:
    """Return why a server did not answer, of which fsspec says over HTTP that a file is absent."""
    cause = error.__cause__
    if isinstance(error, FileNotFoundError) and isinstance(cause, Exception) and _may_pass(cause):
        status = getattr(cause, "status", 503)
        final = 400 <= status < 500 and status not in (408, 425, 429)
        return error if final or isinstance(cause, _PERMANENT) else cause
    return error


def _may_pass(error: Exception) -> bool:
    """Tell whether a server may do better next time."""
    if "Credentials" in type(error).__name__:
        return False
    client = type(error).__module__.partition(".")[0] in _CLIENTS
    return client or isinstance(error, OSError | TimeoutError)


def _cause(error: Exception | None) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return without_secrets(text)[:160]


@cache
def _slots(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


def _connect(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    protocol = url.partition("://")[0]
    try:
        core = importlib.import_module("fsspec.core")
        _prepare_loop(os.getpid())
        s3 = {
            "config_kwargs": {
                "connect_timeout": _STALLED_SECONDS,
                "read_timeout": _STALLED_SECONDS,
                "retries": {"max_attempts": 0},
                "max_pool_connections": connections(),
            }
        }
        options = {own: s3 for own in ("s3", "s3a") if f"{own}://" in url}
        system, path = core.url_to_fs(url, **options)
    except ImportError as error:
        needs = next((cure for own, cure in PROTOCOLS.items() if f"{own}://" in url and
                      own != "zip"), PROTOCOLS["zip"])  # fmt: skip
        raise SkinfwError(
            f"{protocol}:// needs a package that is not installed", url, str(error), needs
        ) from error
    if hasattr(system, "retries"):  # s3fs would try again in silence
        system.retries = 1
    return system, path


@cache
def _prepare_loop(process: int) -> None:
    """Let the threads that look up hosts carry our name, so that no component is blamed."""
    loop = importlib.import_module("fsspec.asyn").get_loop()
    pool = ThreadPoolExecutor(4, "skinfw-remote")
    loop.call_soon_threadsafe(loop.set_default_executor, pool)
