"""Things with a place of their own in a lesion: dots, globules, vessels, nests, cysts, streaks.

Each function draws the geometry from the lesion's random numbers, in field units, and inks it
through the view, so that two views of one lesion show the same dots in the same places.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from skinfw_synthetic.camera import SHIFT, View
from skinfw_synthetic.textures import Plane

Points = NDArray[np.float64]


def discs(view: View, points: Points, radii: Points, soft: float = 0.0) -> Plane:
    """Ink filled discs, float32 [H, W] in 0..1.

    view: where the camera looks from.
    points: centres in field units, [N, 2].
    radii: in field units, [N].
    soft: blur of the rim in field units.
    """
    ink = np.zeros((view.height, view.width), np.uint8)
    sizes = np.maximum(radii * view.scale, 0.6) * 2**SHIFT
    for (x, y), size in zip(view.pixels(points).tolist(), sizes.tolist(), strict=True):
        cv2.circle(ink, (x, y), round(size), 255, -1, cv2.LINE_AA, SHIFT)
    return _finish(view, ink, soft)


def strokes(view: View, paths: Iterable[tuple[Points, float]], soft: float = 0.0) -> Plane:
    """Ink lines, float32 [H, W] in 0..1.

    view: where the camera looks from.
    paths: pairs of points in field units, [N, 2], and a width in field units.
    soft: blur in field units.
    """
    ink = np.zeros((view.height, view.width), np.uint8)
    paths = list(paths)
    # One turn of all points together is much faster than one for every path.
    ends = np.cumsum([len(points) for points, _ in paths])[:-1]
    fixed = np.split(view.pixels(np.concatenate([points for points, _ in paths])), ends)
    for points, (_, width) in zip(fixed, paths, strict=True):
        # A line thinner than a pixel is drawn one pixel wide and paler instead.
        pixels = width * view.scale
        strength = int(255 * min(1.0, 0.25 + 0.75 * pixels))
        thick = max(1, round(pixels))
        cv2.polylines(ink, [points], False, strength, thick, cv2.LINE_AA, SHIFT)
    return _finish(view, ink, soft)


def patches(view: View, outlines: Iterable[Points], soft: float) -> Plane:
    """Ink filled polygons, float32 [H, W] in 0..1; soft: blur of the rim in field units."""
    ink = np.zeros((view.height, view.width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(ink, [view.pixels(outline)], 255, cv2.LINE_AA, SHIFT)
    return _finish(view, ink, soft)


def _finish(view: View, ink: NDArray[np.uint8], soft: float) -> Plane:
    plane = ink.astype(np.float32) * np.float32(1 / 255)
    sigma = soft * view.scale
    return cv2.GaussianBlur(plane, (0, 0), sigma) if sigma > 0.3 else plane


def ovals(rng: np.random.Generator, points: Points, radius: float) -> list[Points]:
    """Draw lumpy ovals around points, of about the given radius in field units."""
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    shapes = []
    for point in points:
        lumps = 1 + 0.16 * np.cos(2 * turn + rng.uniform(0, 6)) + 0.1 * np.cos(3 * turn)
        size = radius * rng.uniform(0.5, 1.35) * lumps
        long, angle = rng.uniform(0.6, 1.0), rng.uniform(0, np.pi)
        x, y = size * np.cos(turn), long * size * np.sin(turn)
        cos, sin = np.cos(angle), np.sin(angle)
        shapes.append(point + np.stack([cos * x - sin * y, sin * x + cos * y], axis=1))
    return shapes


def tree(
    rng: np.random.Generator, start: Points, heading: float, length: float, width: float
) -> list[tuple[Points, float]]:
    """Grow one branching vessel as paths with widths, all in field units.

    rng: source of the bends and branches.
    start: where it enters, [2].
    heading: first direction in radians.
    length: of the trunk.
    width: of the trunk; branches get thinner.
    """
    steps = max(5, int(length / 0.035))
    angles = heading + np.cumsum(rng.normal(0, 0.28, steps))
    path = start + np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * length / steps, 0)
    paths = [(path, width)]
    if width > 0.008:
        for fork in rng.integers(1, steps, int(rng.integers(2, 4))):
            side = angles[fork] + rng.choice([-1, 1]) * rng.uniform(0.5, 1.1)
            paths += tree(rng, path[fork], side, length * rng.uniform(0.4, 0.7), width * 0.62)
    return paths


def coils(rng: np.random.Generator, points: Points, radius: float) -> list[tuple[Points, float]]:
    """Curl one glomerular vessel around each point, as paths with widths in field units."""
    turn = np.linspace(0, 3.4 * np.pi, 18)
    paths = []
    for point in points:
        angle = turn + rng.uniform(0, 2 * np.pi)
        size = radius * rng.uniform(0.7, 1.3) * (0.35 + 0.65 * turn / turn[-1])
        wave = np.stack([np.cos(angle) * size, np.sin(angle) * size], axis=1)
        paths.append((point + wave, radius * 0.5))
    return paths


def rings(rng: np.random.Generator, points: Points, radius: float) -> list[tuple[Points, float]]:
    """Draw a rim around each point, as around a follicle, as paths with widths in field units."""
    turn = np.linspace(0, 2 * np.pi, 16)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    sizes = radius * rng.uniform(0.6, 1.3, len(points))
    return [(point + size * circle, 0.4 * size) for point, size in zip(points, sizes, strict=True)]


def twigs(
    rng: np.random.Generator, points: Points, headings: Points, length: float, width: float
) -> list[tuple[Points, float]]:
    """Lay short, slightly bent lines from points along headings, in field units and radians."""
    along = np.linspace(0, 1, 6)[:, None]
    paths = []
    for point, heading in zip(points, headings, strict=True):
        reach = length * rng.uniform(0.5, 1.4)
        prefetch = np.array([np.cos(heading), np.sin(heading)]) * reach
        aside = np.array([-prefetch[1], prefetch[0]]) * rng.normal(0, 0.25)
        paths.append((point + along * prefetch + along**2 * aside, width * rng.uniform(0.7, 1.3)))
    return paths
