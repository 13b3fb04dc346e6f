"""Decoded images on disk: memory-mapped shards and an index, shared by runs and processes.

A shard is written by one process alone, and an image counts once the index names it, which
happens after its bytes are on the disk: a kill in the middle loses the last images at most.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError
from skinfw.toolkit import Decoding, prefetch, reduction, usable_cores
from skinfw_cache.writer import FullError, Writer, decode_file

Image = npt.NDArray[np.uint8]

_SAMPLE = 24
_SHARD = re.compile(r"[0-9a-f]{32}\.rgb")
_TOLD_SECONDS = 20.0
_INDEX = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER, modified INTEGER,
    digest TEXT, width INTEGER, height INTEGER);
CREATE TABLE IF NOT EXISTS images (
    digest TEXT, decoder TEXT, factor INTEGER,
    shard TEXT, start INTEGER, height INTEGER, width INTEGER,
    PRIMARY KEY (digest, decoder, factor));
CREATE TABLE IF NOT EXISTS shards (name TEXT PRIMARY KEY, used REAL);
"""


@dataclass(frozen=True)
class Place:
    """Hold where a decoded image lies.

    shard: file name.
    start: of its bytes.
    height, width: of the image.
    """

    shard: str
    start: int
    height: int
    width: int

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return 3 * self.height * self.width


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
        held = cache.open(paths, decoding)
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
        return cache.open(paths, decoding)
    except (OSError, sqlite3.Error) as error:
        say(f"note: images are decoded each time, for the cache {folder} cannot be used: {error}")
        return None


class MappedImages:
    """Give decoded images by path, straight from the mapped files."""

    def __init__(self, folder: Path, places: dict[str, Place]) -> None:
        """Map the shards; what another process has pruned since is left out."""
        self._maps: dict[str, npt.NDArray[np.uint8]] = {}
        for shard in {place.shard for place in places.values()}:
            try:
                self._maps[shard] = np.memmap(folder / shard, np.uint8, "r")
            except (OSError, ValueError):
                continue
        self._places = {
            path: place
            for path, place in places.items()
            if place.shard in self._maps
            and place.start + place.bytes <= len(self._maps[place.shard])
        }

    def __len__(self) -> int:
        """Return how many images it holds."""
        return len(self._places)

    def get(self, path: str) -> Image | None:
        """Return an image, uint8 [H, W, 3], read-only; None where it is not held."""
        place = self._places.get(path)
        if place is None:
            return None
        content = self._maps[place.shard][place.start : place.start + place.bytes]
        return content.reshape(place.height, place.width, 3)


class ImageCache:
    """Keep decoded images, keyed by what the file contains and how it is decoded."""

    def __init__(self, folder: Path, limit: int, workers: int) -> None:
        """Open or make a cache.

        folder: where it lies.
        limit: bytes that it may take; what was used least recently goes first.
        workers: threads that decode.
        """
        self.folder, self.limit, self.workers = folder, limit, workers
        folder.mkdir(parents=True, exist_ok=True)
        with self.index() as index:
            index.executescript(_INDEX)
        self._forget_lost()

    def open(self, paths: Sequence[str], decoding: Decoding) -> MappedImages:
        """Return what is held of some images, and count it as used.

        paths: of image files.
        decoding: how they become arrays.
        """
        places = self._find(paths, decoding)
        used = {place.shard for place in places.values()}
        with self.index() as index:
            now = time.time()
            index.executemany("UPDATE shards SET used = ? WHERE name = ?", [(now, u) for u in used])
        return MappedImages(self.folder, places)

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
            (partial(decode_file, path, decoding, known) for path in absent), self.workers
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
                "SELECT name, COUNT(digest), used FROM shards LEFT JOIN images ON shard = name "
                "GROUP BY name ORDER BY used"
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
                "SELECT shard, MAX(start + 3 * height * width) FROM images GROUP BY shard"
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

    @contextmanager
    def index(self) -> Generator[sqlite3.Connection]:
        """Open the index for one transaction; other processes wait."""
        with closing(sqlite3.connect(self.folder / "index.sqlite", timeout=60)) as index, index:
            yield index

    def _absent(self, paths: Sequence[str], decoding: Decoding) -> list[str]:
        held = self._find(paths, decoding)
        return [path for path in dict.fromkeys(paths) if path not in held]

    def _find(self, paths: Sequence[str], decoding: Decoding) -> dict[str, Place]:
        """Return where images lie, of files that have not changed since."""
        wanted, places = set(paths), {}
        with self.index() as index:
            rows = index.execute(
                "SELECT path, bytes, modified, f.width, f.height, factor, shard, start, "
                "i.height, i.width FROM files f JOIN images i USING (digest) WHERE decoder = ?",
                (decoding.key,),
            )
            for path, size, modified, width, height, factor, *place in rows:
                if path not in wanted or not _is_place(width, height, *place):
                    continue
                if factor == reduction((width, height), decoding.short):
                    try:
                        status = Path(path).stat()
                    except OSError:
                        continue
                    if (status.st_size, status.st_mtime_ns) == (size, modified):
                        places[path] = Place(*place)
        return places
