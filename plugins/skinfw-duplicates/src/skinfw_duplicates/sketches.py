"""Which thumbnails may show one picture, though turned, mirrored, resized or cropped.

A sketch is the low frequencies of a thumbnail. Without signs and order of the axes it is the same
for all eight ways to turn and mirror a picture, so that one matrix product compares all pairs of
images at once. Crops are tried: each image is compared as it is with every other one as it would
be without its borders. What passes is compared with signs, in each of the eight ways, and with the
crop free to move: the distance is that to the tangent plane of the crops (Simard et al. 1993).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw_duplicates.fingerprints import SIDE

Floats = npt.NDArray[np.float32]

WAYS = tuple(product((False, True), (1, -1), (1, -1)))
"""The eight ways to turn and mirror: whether the axes are swapped, then their directions."""

_EDGES = ((0.0, 0.0), (0.05, 0.05), (0.1, 0.1), (0.1, 0.0), (0.0, 0.1))
CROPS = tuple((*across, *down) for across, down in product(_EDGES, _EDGES))
"""The borders that are tried, as shares of the sides: left, right, top, bottom."""

_COARSE, _FINE = 10, 14
_ALIKE, _SIGNED, _TANGENT = 0.968, 0.91, 0.977
_FLAT = 2.0
_STEP = 0.02
_PAIRS, _BLOCK = 20_000, 1 << 24


def candidates(thumbnails: npt.NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Return the pairs that may show one picture, the likeliest first.

    thumbnails: uint8 [N, SIDE, SIDE].
    Returns for each pair the image that is taken whole, the other, and the places in `WAYS` and
    `CROPS` that make the first from the second. Flat images, which have nothing to compare, are
    in no pair.
    """
    rows = np.flatnonzero(thumbnails.std(axis=(1, 2)) > _FLAT)
    if len(rows) < 2:
        return []
    small = thumbnails[rows].astype(np.float32)
    whole = _frequencies(small, CROPS[0])
    alike = _without_signs(whole)
    ways = _in_all_ways(whole)
    coarse, fine = _unit_vectors(ways, _COARSE, 0.3), _unit_vectors(ways, _FINE, 0.5)
    best: dict[tuple[int, int], tuple[float, int, int, int, int]] = {}
    for number, crop in enumerate(CROPS):
        cropped = _frequencies(small, crop)
        first, second = _alike(alike, _without_signs(cropped))
        signed = _unit_vectors(cropped, _COARSE, 0.3)
        passed = _most(coarse, signed[:, :, None], first, second)[0] > _SIGNED
        first, second = first[passed], second[passed]
        if not len(first):
            continue
        places, own = np.unique(second, return_inverse=True)
        plane = _tangents(small[places], cropped[places], crop)
        near, way = _most(fine, plane, first, own)
        for place in np.flatnonzero(near > _TANGENT).tolist():
            one, other = int(first[place]), int(second[place])
            pair = (min(one, other), max(one, other))
            candidate = (float(near[place]), one, other, int(way[place]), number)
            best[pair] = max(best.get(pair, candidate), candidate)
    ordered = sorted(best.values(), reverse=True)
    return [(int(rows[one]), int(rows[two]), way, crop) for _, one, two, way, crop in ordered]


def _frequencies(small: Floats, crop: tuple[float, ...]) -> Floats:
    """Return the lowest cosine frequencies [N, _FINE, _FINE] of cropped thumbnails."""
    left, right, top, bottom = crop
    return np.asarray(_axis(top, bottom) @ small @ _axis(left, right).T)


def _axis(first: float, last: float) -> Floats:
    """Return the matrix that crops an axis, stretches it again and takes its frequencies."""
    middle = (np.arange(SIDE) + 0.5) / SIDE
    at = (middle * (1 - first - last) + first) * SIDE - 0.5
    below = np.clip(np.floor(at).astype(int), 0, SIDE - 2)
    share = np.clip(at - below, 0, 1)
    stretch = np.zeros((SIDE, SIDE))
    stretch[np.arange(SIDE), below] = 1 - share
    stretch[np.arange(SIDE), below + 1] = share
    waves = np.cos(np.pi * np.arange(_FINE)[:, None] * middle) * np.sqrt(2 / SIDE)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves @ stretch, np.float32)


def _without_signs(frequencies: Floats) -> Floats:
    """Return unit vectors [N, D] that no turning and mirroring changes."""
    strength = np.sqrt(np.abs(frequencies[:, :_COARSE, :_COARSE]))
    down, across = np.triu_indices(_COARSE, 1)
    low = down + across < _COARSE
    down, across = down[low], across[low]
    one, other = strength[:, down, across], strength[:, across, down]
    both = np.arange(1, (_COARSE + 1) // 2)
    parts = [np.maximum(one, other), np.minimum(one, other), strength[:, both, both]]
    return _unit(np.concatenate(parts, axis=1))


def _in_all_ways(frequencies: Floats) -> Floats:
    """Return the frequencies [N, 8, K, K] of the thumbnails turned and mirrored in all `WAYS`."""
    odd = (-1.0) ** np.arange(_FINE)
    turned = []
    for swapped, down, across in WAYS:
        signs = np.outer(odd if down < 0 else odd**2, odd if across < 0 else odd**2)
        own = frequencies.transpose(0, 2, 1) if swapped else frequencies
        turned.append((own * signs).astype(np.float32))
    return np.stack(turned, axis=1)


def _unit_vectors(frequencies: Floats, count: int, power: float) -> Floats:
    """Return the frequencies [..., K, K] as unit vectors, high ones lifted, brightness left out."""
    return _unit(_lift(frequencies, count, power))


def _lift(frequencies: Floats, count: int, power: float) -> Floats:
    down, across = np.nonzero(np.add.outer(np.arange(count), np.arange(count)) < count)
    down, across = down[1:], across[1:]
    weights = ((down + across) ** power).astype(np.float32)
    return np.asarray(frequencies[..., down, across] * weights)


def _alike(whole: Floats, cropped: Floats) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the pairs whose unsigned sketches are close, in blocks that memory holds."""
    count = len(whole)
    step = max(1, _BLOCK // count)
    matches = []
    for start in range(0, count, step):
        close = whole[start : start + step] @ cropped.T
        matches.append(np.flatnonzero(close.ravel() > _ALIKE) + start * count)
    first, second = np.divmod(np.concatenate(matches), count)
    other = first != second
    return first[other], second[other]


def _tangents(small: Floats, cropped: Floats, crop: tuple[float, ...]) -> Floats:
    """Return orthonormal bases [N, D, 5] of the sketches around a crop: itself and its edges."""
    parts = [cropped]
    for edge in range(4):
        step = np.zeros(4)
        step[edge] = _STEP
        more, less = (tuple(np.array(crop) + sign * step) for sign in (1, -1))
        parts.append(_frequencies(small, more) - _frequencies(small, less))
    plane, size = np.linalg.qr(np.stack([_lift(part, _FINE, 0.5) for part in parts], axis=2))
    plane[:, :, 0] *= np.sign(size[:, :1, 0])  # so that it is the sketch and not its negative
    return np.asarray(plane)


def _most(
    ways: Floats, bases: Floats, first: npt.NDArray[Any], second: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return, of each pair, how near the first comes to the other's basis, and in which way.

    ways: [N, 8, D] of the first.
    bases: orthonormal [N, D, B] of the second.
    """
    near, way = [np.zeros(0)], [np.zeros(0, int)]
    for start in range(0, len(first), _PAIRS):
        some = slice(start, start + _PAIRS)
        inside = np.matmul(ways[first[some]], bases[second[some]])
        # A negative of the picture would be as near as the picture.
        length = np.linalg.norm(inside, axis=2) * np.sign(inside[:, :, 0])
        near.append(length.max(axis=1))
        way.append(length.argmax(axis=1))
    return np.concatenate(near), np.concatenate(way)


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9))
