"""Which image files hold one photograph: equal files, equal pixels, and near-duplicates."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet

from skinfw import Duplicates, Fingerprint
from skinfw.toolkit import LIMITS, Limits, prefetch, read_image, usable_cores
from skinfw_duplicates.alignment import one_picture
from skinfw_duplicates.fingerprints import Fingerprints
from skinfw_duplicates.sketches import candidates

_METHOD = "2"
_TOLD_SECONDS = 20.0

Pair = tuple[int, int, str]


def find_copies(
    paths: Sequence[str],
    folder: Path,
    say: Callable[[str], None],
    limits: Limits = LIMITS,
) -> Duplicates:
    """Look at image files, each one once in its life, and find those that hold one photograph.

    paths: of the files; absent and damaged ones are in no pair.
    folder: where what was seen is kept; where that is impossible, nothing is.
    say: told what it costs and how far it is.
    limits: what a file may cost.
    """
    try:
        return _find(paths, Fingerprints(folder, limits), say)
    except (OSError, sqlite3.Error) as error:
        say(f"note: what is seen in images is not remembered, for {folder} cannot be used: {error}")
        with TemporaryDirectory() as scratch:
            return _find(paths, Fingerprints(Path(scratch), limits), say)


def _find(paths: Sequence[str], memory: Fingerprints, say: Callable[[str], None]) -> Duplicates:
    """Look at what is new, and answer from memory."""
    if unseen := memory.unseen(paths):
        say(f"{len(unseen):,} images are looked at once, to find copies")
        last = time.monotonic()

        def told(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last > _TOLD_SECONDS:
                last = time.monotonic()
                say(f"{done:,} of {total:,} images are looked at")

        memory.look(unseen, told)
    prints = memory.get(paths)
    first: dict[str, int] = {}
    pairs: list[Pair] = []
    for place, seen in enumerate(prints):
        if seen.damage:
            continue
        if (at := first.setdefault(seen.digest, place)) != place:
            pairs.append((at, place, "bytes"))
    return Duplicates(prints, pairs + _alike(memory, first, prints, paths))


def _alike(
    memory: Fingerprints,
    first: Mapping[str, int],
    prints: Sequence[Fingerprint],
    paths: Sequence[str],
) -> list[Pair]:
    """Return the pairs of different files that show one picture, from memory where it knows."""
    digests = sorted(first)
    question = hashlib.sha256("\n".join((_METHOD, *digests)).encode()).hexdigest()
    if answer := memory.answer(question):
        pairs = json.loads(answer)
    else:
        for digest in memory.damaged(digests):
            memory.look([paths[first[digest]]], lambda done, total: None)
        pairs = _search(memory, digests, [prints[first[digest]].size for digest in digests],
                        [paths[first[digest]] for digest in digests])  # fmt: skip
        memory.keep(question, json.dumps(pairs))
    places = [first[digest] for digest in digests]
    return [
        (min(places[one], places[other]), max(places[one], places[other]), name)
        for one, other, name in pairs
    ]


def _search(
    memory: Fingerprints,
    digests: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    paths: Sequence[str],
) -> list[Pair]:
    """Return pairs of equal pixels, then near-duplicates among what these leave apart."""
    small = memory.thumbnails(digests)
    joined = DisjointSet(range(len(digests)))
    pairs: list[Pair] = []
    groups: dict[tuple[tuple[int, int], bytes], list[int]] = {}
    for place, size in enumerate(sizes):
        groups.setdefault((size, small[place].tobytes()), []).append(place)
    for group in groups.values():
        if len(group) > 1:
            known: dict[str, int] = {}
            for place in group:
                image = read_image(paths[place], limits=memory.limits)
                pixels = hashlib.blake2b(image.data).hexdigest()
                if (at := known.setdefault(pixels, place)) != place:
                    pairs.append((at, place, "pixels"))
                    joined.merge(at, place)
    others = {other for _, other, _ in pairs}
    alone = [place for place in range(len(digests)) if place not in others]
    for one, other, same in prefetch(_checks(small, alone, joined), usable_cores()):
        if same and joined.merge(one, other):
            pairs.append((one, other, "near-duplicate"))
    return pairs


def _checks(
    small: npt.NDArray[np.uint8], alone: Sequence[int], joined: DisjointSet
) -> Iterator[Callable[[], tuple[int, int, bool]]]:
    """Give the likely pairs to be checked on their pixels.

    A pair that others have joined by then is left out, so that a film with a thousand frames of
    one lesion costs a thousand checks and not half a million.
    """

    def check(one: int, other: int, way: int, crop: int) -> tuple[int, int, bool]:
        return one, other, one_picture(small[one], small[other], way, crop)

    for one, other, way, crop in candidates(small[alone]):
        one, other = alone[one], alone[other]
        if not joined.connected(one, other):
            yield partial(check, one, other, way, crop)
