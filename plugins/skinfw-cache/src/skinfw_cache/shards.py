"""Decoded images on disk: memory-mapped shards and an index, shared by runs and processes.

A shard is written by one process alone, and an image counts once the index names it, which
happens after its bytes are on the disk: a kill in the middle loses the last images at most.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from skinfw import SkinfwError
from skinfw.toolkit import (
    Decoding,
    Store,
    prefetch,
    reading_threads,
    reduction,
    seal,
    source_path,
    usable_cores,
)
from skinfw_cache.mapped_images import MappedImages, Place
from skinfw_cache.writer import FullError, Writer, decode_file

_SAMPLE = 24
_SHARD = re.compile(r"[0-9a-f]{32}\.rgb")
_TOLD_SECONDS = 20.0
_LAYOUT = 2
_TABLES = (
    "CREATE TABLE files (path TEXT PRIMARY KEY, bytes INTEGER, modified INTEGER, digest TEXT, "
    "width INTEGER, height INTEGER, seal INTEGER)",
    "CREATE TABLE images (digest TEXT, decoder TEXT, factor INTEGER, shard TEXT, start INTEGER, "
    "height INTEGER, width INTEGER, checksum INTEGER, seal INTEGER, "
    "PRIMARY KEY (digest, decoder, factor))",
    "CREATE TABLE shards (name TEXT PRIMARY KEY, used REAL)",
)


def _is_place(*numbers: object) -> bool:
    """Tell whether width, height, shard, start, height and width are what a cache writes."""
    width, height, shard, start, *sides = numbers
    positive = all(isinstance(side, int) and 0 < side < 1 << 20 for side in (width, height, *sides))
    named = isinstance(shard, str) and _SHARD.fullmatch(shard) is not None
    return positive and named and isinstance(start, int) and start >= 0


@dataclass(frozen=True)
class Cost:
    """Estimate what it takes to complete a cache.

    images: how many are absent.
    bytes: what they will take, from a sample.
    seconds: how long it will take, from the same sample.
    """

    images: int
    bytes: float
    seconds: float


@dataclass(frozen=True)
class Shard:
    """Describe a shard for lists.

    images: that it holds.
    bytes: of the file.
    used: when a run last opened it, seconds since the epoch.
    """

    name: str
    images: int
    bytes: int
    used: float


def open_cache(
    folder: Path,
    limit: int,
    paths: Sequence[str],
    decoding: Decoding,
    say: Callable[[str], None],
    build: bool = True,
) -> MappedImages | None:
    """Return decoded images, after telling what it costs to complete them and doing so.

    folder, limit: as `ImageCache` takes them.
    paths, decoding: as `ImageCache.open` takes them.
    say: told what a user must hear.
    build: whether to decode what is absent.
    Returns None where the cache cannot be used; images are decoded each time then.
    """
    try:
        cache = ImageCache(folder, limit, usable_cores())
        held = cache.open(paths, decoding, say)
        if not build or len(held) == len(set(paths)):
            return held
        cost = cache.cost(paths, decoding)
        if not cost.images:
            return held
        say(
            f"cache {cost.images:,} images are decoded once, about "
            f"{cost.bytes / 1e6:,.0f} MB and {cost.seconds:.0f} s, into {folder}"
        )
        last = time.monotonic()

        def told(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last > _TOLD_SECONDS:
                last = time.monotonic()
                say(f"cache {done:,} of {total:,} images")

        if problem := cache.build(paths, decoding, told):
            say(f"note: {problem.what}; {problem.why}; {problem.cure}")
        return cache.open(paths, decoding, say)
    except (OSError, sqlite3.Error) as error:
        say(f"note: images are decoded each time, for the cache {folder} cannot be used: {error}")
        return None


class ImageCache:
    """Keep decoded images, keyed by what the file contains and how it is decoded."""

    def __init__(self, folder: Path, limit: int, workers: int) -> None:
        """Open or make a cache.

        folder: where it lies.
        limit: bytes that it may take; what was used least recently goes first.
        workers: threads that decode.
        """
        self.folder, self.limit, self.workers = folder, limit, workers
        store = Store(folder / "index.sqlite", _TABLES, _LAYOUT, self._delete_all)
        self.index = store.open
        self._forget_lost()

    def open(
        self,
        paths: Sequence[str],
        decoding: Decoding,
        say: Callable[[str], None] = lambda line: None,
    ) -> MappedImages:
        """Return what is held of some images, and count it as used.

        paths: of image files.
        decoding: how they become arrays.
        say: told when damaged bytes are met for the first time.
        """
        places = self._find(paths, decoding)
        used = {place.shard for place in places.values()}
        with self.index() as index:
            now = time.time()
            index.executemany("UPDATE shards SET used = ? WHERE name = ?", [(now, u) for u in used])
        told: list[str] = []

        def damaged(place: Place) -> None:
            if not told:
                told.append(place.shard)
                say(
                    f"note: the cache has damaged bytes in {place.shard}; such images are decoded "
                    "again. The disk may be failing"
                )
            with suppress(OSError, sqlite3.Error):  # then the next run meets it again
                self._forget(place)

        return MappedImages(self.folder, places, damaged)

    def cost(self, paths: Sequence[str], decoding: Decoding) -> Cost:
        """Estimate what `build` would take, from a few of the images that are absent.

        paths, decoding: as in `open`.
        """
        absent = self._absent(paths, decoding)
        some = absent[:: max(1, len(absent) // _SAMPLE)][:_SAMPLE]
        start = time.perf_counter()
        sizes = [made.pixels.nbytes for path in some if (made := decode_file(path, decoding, set()))
                 and made.pixels is not None]  # fmt: skip
        seconds = time.perf_counter() - start
        share = len(absent) / max(1, len(some))
        return Cost(len(absent), share * sum(sizes), share * seconds / self.workers)

    def build(
        self, paths: Sequence[str], decoding: Decoding, told: Callable[[int, int], None]
    ) -> SkinfwError | None:
        """Decode what is absent.

        paths, decoding: as in `open`.
        told: hears now and then how many are done, of how many.
        Returns why it stopped early, or None where all that can be decoded is there; a damaged
        image is left out, and is an error when it is used.
        """
        absent = self._absent(paths, decoding)
        with self.index() as index:
            query = "SELECT digest, factor FROM images WHERE decoder = ?"
            known = set(index.execute(query, (decoding.key,)).fetchall())
        made = prefetch(
            (partial(decode_file, path, decoding, known) for path in absent),
            reading_threads(absent),
        )
        writer = Writer(self, decoding.key, time.time())
        try:
            for done, image in enumerate(made, 1):
                if image:
                    writer.add(image)
                told(done, len(absent))
        except FullError:
            return SkinfwError(
                "the cache is full: the other images are decoded each time",
                str(self.folder),
                f"it may take {self.limit / 1e9:.1f} GB",
                "raise cache.gigabytes, or set engine.cache = false",
            )
        except OSError as error:
            return SkinfwError(
                "the cache cannot be written: images are decoded each time",
                str(self.folder),
                error.strerror or str(error),
                "free some space, name another folder in SKINFW_CACHE, or set engine.cache = false",
            )
        finally:
            made.close()
            writer.close()
        return None

    def shards(self) -> list[Shard]:
        """Return all shards, the least recently used first."""
        with self.index() as index:
            rows = index.execute(
                "SELECT name, COUNT(digest), CAST(used AS REAL) FROM shards "
                "LEFT JOIN images ON shard = name "
                "WHERE typeof(name) = 'text' GROUP BY name ORDER BY used"
            ).fetchall()
        return [Shard(name, images, self._bytes(name), used) for name, images, used in rows]

    def prune(self, keep: int, before: float = float("inf")) -> int:
        """Delete the least recently used shards.

        keep: bytes that may stay.
        before: only shards last used before this time.
        Returns how many bytes were freed.
        """
        shards = self.shards()
        held, freed = sum(shard.bytes for shard in shards), 0
        for shard in shards:
            if held - freed <= keep or shard.used >= before:
                break
            self._delete(shard.name)
            freed += shard.bytes
        return freed

    def _forget_lost(self) -> None:
        """Delete shards that hold less than the index says, so that they are decoded anew."""
        with self.index() as index:
            rows = index.execute(
                "SELECT shard, COALESCE(MAX(start + 3 * height * width), 0) FROM images "
                "WHERE typeof(shard) = 'text' GROUP BY shard"
            ).fetchall()
        for shard, end in rows:
            if not isinstance(end, int) or self._bytes(shard) < end:
                self._delete(shard)

    def _delete(self, shard: str) -> None:
        with self.index() as index:
            index.execute("DELETE FROM images WHERE shard = ?", (shard,))
            index.execute("DELETE FROM shards WHERE name = ?", (shard,))
        if _SHARD.fullmatch(shard):  # the index may come from anybody, and nothing else goes
            (self.folder / shard).unlink(missing_ok=True)

    def _bytes(self, shard: str) -> int:
        if not _SHARD.fullmatch(shard):
            return 0
        try:
            return (self.folder / shard).stat().st_size
        except FileNotFoundError:
            return 0

    def _forget(self, place: Place) -> None:
        """Take an image out of the index, so that it is decoded anew."""
        with self.index() as index:
            where = (place.shard, place.start)
            index.execute("DELETE FROM images WHERE shard = ? AND start = ?", where)

    def _delete_all(self) -> None:
        """Delete all shards, of which an older or damaged index spoke."""
        for shard in self.folder.glob("*.rgb"):
            shard.unlink(missing_ok=True)

    def _absent(self, paths: Sequence[str], decoding: Decoding) -> list[str]:
        held = self._find(paths, decoding)
        return [path for path in dict.fromkeys(paths) if path not in held]

    def _find(self, paths: Sequence[str], decoding: Decoding) -> dict[str, Place]:
        """Return where images lie, of files that have not changed since."""
        wanted, places = set(paths), {}
        with self.index() as index:
            rows = index.execute(
                "SELECT path, bytes, modified, digest, f.width, f.height, f.seal, factor, shard, "
                "start, i.height, i.width, checksum, i.seal "
                "FROM files f JOIN images i USING (digest) WHERE decoder = ?",
                (decoding.key,),
            )
            for *file, file_seal, factor, shard, start, height, width, checksum, own in rows:
                path, size, modified, digest = file[:4]
                if path not in wanted or seal(*file) != file_seal:
                    continue
                place = (shard, start, height, width, checksum)
                if seal(digest, decoding.key, factor, *place) != own:
                    continue
                if not _is_place(file[4], file[5], *place[:4]):
                    continue  # the index may come from anybody
                if factor != reduction((file[4], file[5]), decoding.short):
                    continue
                try:
                    status = source_path(path).stat()
                except OSError:
                    continue
                if (status.st_size, status.st_mtime_ns) == (size, modified):
                    places[path] = Place(*place)
        return places
