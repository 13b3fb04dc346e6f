"""Periodic texture tiles that every painting samples at its own scale and offset.

Two tiles are enough: fractal noise for everything blotchy, and a cell pattern for everything
that is a mesh (pigment network, follicles, lacunae, skin furrows).  They are constants, made
once per process.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

TILE = 256
REPEATS = 5  # sampling inside a repeated tile is much faster than wrapping around its rim
CELLS = 24  # cells along one side of the cell tile


@cache
def fractal_tile() -> Plane:
    """Return repeated noise with a falling spectrum, float32, mean 0 and deviation 1."""
    spectrum = np.fft.fft2(np.random.default_rng(1).standard_normal((TILE, TILE)))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE), np.fft.fftfreq(TILE)))
    # Flat below four waves per tile, so that one tile across a lesion does not look periodic.
    noise = np.fft.ifft2(spectrum / (frequency**2 + (4 / TILE) ** 2) ** 0.95).real
    noise -= noise.mean()
    return np.tile((noise / noise.std()).astype(np.float32), (REPEATS, REPEATS))


@cache
def cell_tile() -> Plane:
    """Return the distance to the nearest cell centre in cell widths, repeated, float32.

    It is 0 in the middle of a cell and about 0.5 on the line between two cells.
    """
    rng = np.random.default_rng(2)
    step = TILE / CELLS
    column, row = np.meshgrid(np.arange(CELLS), np.arange(CELLS))
    x = (column + 0.5 * (row % 2) + rng.uniform(-0.27, 0.27, row.shape)) * step
    y = (row + rng.uniform(-0.27, 0.27, row.shape)) * step
    # Distances are measured on a finer grid, and the pattern repeats so that the tile wraps.
    fine = 4
    seeds = np.ones((fine * TILE, fine * TILE), np.uint8)
    seeds[(y * fine).astype(int) % (fine * TILE), (x * fine).astype(int) % (fine * TILE)] = 0
    wrapped = np.pad(seeds, 256, mode="wrap")
    distance = cv2.distanceTransform(wrapped, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squared distances are whole numbers; rounding takes away what the thread count changes.
    distance = np.sqrt(np.round(distance[256:-256, 256:-256] ** 2)) / np.float32(fine * step)
    tile = cv2.resize(distance, (TILE, TILE), interpolation=cv2.INTER_AREA)
    return np.tile(tile.astype(np.float32), (REPEATS, REPEATS))


def fractal(u: Plane, v: Plane, period: float, offset: float) -> Plane:
    """Sample the noise at field coordinates.

    u, v: coordinates, float32 [H, W].
    period: field units after which the noise repeats; smaller is finer.
    offset: any number; another offset gives unrelated noise.
    """
    # The noise is smooth enough to be sampled at half resolution, which is three times as fast.
    coarse = _sample(fractal_tile(), u[::2, ::2], v[::2, ::2], TILE / period, offset)
    noise: Plane = cv2.resize(coarse, u.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return noise


def mesh(u: Plane, v: Plane, spacing: float, offset: float, sharp: float = 0.2) -> Plane:
    """Sample a mesh that is 1 on its lines and 0 in its holes.

    u, v: coordinates, float32 [H, W].
    spacing: width of one cell in field units.
    offset: any number; another offset gives another part of the pattern.
    sharp: distance over which a line fades into a hole, in cell widths.
    """
    distance = _sample(cell_tile(), u, v, TILE / CELLS / spacing, offset)
    lines: Plane = np.clip((distance - np.float32(0.46 - sharp)) / np.float32(sharp), 0, 1)
    return lines


def _sample(tile: Plane, u: Plane, v: Plane, scale: float, offset: float) -> Plane:
    middle = REPEATS // 2 * TILE
    x = u * np.float32(scale) + np.float32(middle + offset * 97 % TILE)
    y = v * np.float32(scale) + np.float32(middle + offset * 61 % TILE)
    sampled: Plane = cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return sampled
