"""A lesion in its skin, painted with what colours real skin: melanin, blood and scattered white.

Pigment amounts add up as optical density and light is their negative exponential, so that
brown over red over any skin tone looks right without a list of colours.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from skinfw_synthetic import structures as ink
from skinfw_synthetic.anatomy import Lesion
from skinfw_synthetic.camera import Picture, View, cover
from skinfw_synthetic.textures import Plane, fractal, mesh

# Optical density in red, green and blue of one unit of brown melanin, blood and deep melanin:
# melanin deep in the skin looks blue-grey because the light above it scatters.
ABSORPTION = np.array([[0.0, 1.0, 1.32], [0.13, 1.0, 0.76], [1.15, 0.98, 0.65]], np.float32)
BARE_SKIN = np.array([0.93, 0.84, 0.82])
GLOW = np.float32(0.04)  # light that even the darkest pigment scatters back
WHITE = (0.95, 0.93, 0.93)
ROSY_WHITE = (0.95, 0.84, 0.82)
BLUE_WHITE = (0.60, 0.66, 0.78)
KERATIN = (0.93, 0.83, 0.62)
CRUST = (0.52, 0.28, 0.14)


class Canvas:
    """Collect pigment and white over one view of a lesion."""

    def __init__(self, lesion: Lesion, view: View) -> None:
        """Find every pixel's place in the lesion; lesion: what to paint, view: from where."""
        self.lesion, self.view = lesion, view
        self.u, self.v = view.grid()
        self.rng = lesion.rng(1)
        self.offset = float(self.rng.uniform(0, 1000))
        self.tilt = float(self.rng.uniform(0, np.pi))
        self.profile = _profile(lesion, self.rng)
        self.depth = self._depth()
        self.inside = rise(self.depth / np.float32(lesion["edge"]) + np.float32(0.5))
        shape = (view.height, view.width)
        self.melanin = np.full(shape, lesion["skin_melanin"], np.float32)
        self.blood = np.full(shape, lesion["skin_blood"], np.float32)
        self.deep = np.zeros(shape, np.float32)
        self.whites: list[tuple[Plane, tuple[float, float, float]]] = []

    def noise(self, period: float, number: int) -> Plane:
        """Return the lesion's own noise of a period in field units; number tells them apart."""
        return fractal(self.u, self.v, period, self.offset + 7.3 * number)

    def mesh(self, spacing: float, number: int, sharp: float = 0.2, wild: float = 0.0) -> Plane:
        """Return the lesion's own mesh, bent by noise as far as it is wild."""
        u, v = self.u, self.v
        if wild:
            bend = self.noise(2.0, number) * np.float32(0.5 * wild * spacing)
            u, v = u + bend, v - bend
        return mesh(u, v, spacing, self.offset + 7.3 * number, sharp)

    def scatter(self, count: float, low: float = 0.0, high: float = 0.88) -> NDArray[np.float64]:
        """Place points in the lesion, field units [N, 2]; low and high: ring in lesion radii."""
        turn = self.rng.uniform(0, 2 * np.pi, int(count))
        reach = np.sqrt(self.rng.uniform(low**2, high**2, int(count)))
        return self.place(turn, reach)

    def place(self, turn: NDArray[np.float64], reach: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn an angle and a share of the outline's radius into field points [N, 2]."""
        index = (turn * len(self.profile) / (2 * np.pi)).astype(int) % len(self.profile)
        radius = self.lesion["radius"] * reach * self.profile[index]
        stretch = np.sqrt(self.lesion["elongation"])
        x, y = radius * np.cos(turn) * stretch, radius * np.sin(turn) / stretch
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)

    def _depth(self) -> Plane:
        lesion, cos, sin = self.lesion, np.float32(np.cos(self.tilt)), np.float32(np.sin(self.tilt))
        stretch = np.sqrt(lesion["elongation"])
        x = (cos * self.u + sin * self.v) * np.float32(1 / lesion["radius"] / stretch)
        y = (cos * self.v - sin * self.u) * np.float32(stretch / lesion["radius"])
        self.reach, turn = cv2.cartToPolar(x, y)
        index = (turn * np.float32(len(self.profile) / (2 * np.pi))).astype(np.int32)
        rough = self.noise(4.2 * lesion["radius"], 0) * np.float32(lesion["ragged"])
        radius: Plane = self.profile.astype(np.float32)[index % len(self.profile)]
        depth: Plane = radius - self.reach + rough
        return depth

    def render(self) -> Picture:
        """Turn pigment into reflected light, float32 [3, H, W] RGB in 0..1."""
        cast = np.array([self.lesion["cast_red"], 0.0, self.lesion["cast_blue"]])
        bare = np.log(BARE_SKIN) + cast
        absorption = ABSORPTION.copy()
        absorption[0, 0] = self.lesion["ash"]
        planes = [
            bare[band].astype(np.float32)
            - self.melanin * absorption[0, band]
            - self.blood * absorption[1, band]
            - self.deep * absorption[2, band]
            for band in range(3)
        ]
        scene = GLOW + (1 - GLOW) * np.stack([cv2.exp(plane) for plane in planes])
        for amount, (red, green, blue) in self.whites:
            lit = 1 - 0.35 * self.lesion["skin_melanin"]
            cover(scene, amount, (red * lit, green * lit, blue * lit))
        return scene


def rise(plane: Plane) -> Plane:
    """Ease from 0 to 1 as the plane does, float32 [H, W], without corners at either end."""
    clipped = np.clip(plane, 0, 1)
    return clipped * clipped * (3 - 2 * clipped)


def _profile(lesion: Lesion, rng: np.random.Generator) -> NDArray[np.float64]:
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    profile = np.ones_like(turn)
    for order in range(1, 7):
        size = lesion["asymmetry"] * rng.normal() / order**1.2
        profile += size * np.cos(order * turn + rng.uniform(0, 2 * np.pi))
    return np.clip(profile, 0.5, 1.5)


def outline(lesion: Lesion, view: View) -> NDArray[np.bool_]:
    """Return the exact area of the lesion as seen from a viewpoint, bool [H, W]."""
    return Canvas(lesion, view).depth > 0


def paint(lesion: Lesion, view: View) -> Picture:
    """Paint a lesion in its skin, float32 [3, H, W] RGB reflectance in 0..1."""
    canvas = Canvas(lesion, view)
    _skin(canvas)
    _pigment(canvas)
    _red(canvas)
    _pale(canvas)
    return canvas.render()


def _skin(c: Canvas) -> None:
    sun = c.lesion["sun"]
    blotch, flush = c.noise(4, 1), c.noise(5, 2)
    c.melanin *= 1 + np.float32(0.08) * blotch
    if c.lesion["freckles"]:
        spots = rise(np.float32(0.6) * c.noise(2.2, 19) - np.float32(0.4))
        c.melanin += np.float32(0.3 * c.lesion["freckles"] * (0.3 + sun)) * spots
    c.blood *= 1 + np.float32(0.1 + 0.35 * sun) * flush
    furrows = c.mesh(0.05, 3, 0.16, wild=0.8)
    c.melanin += np.float32(c.lesion["furrows"]) * (np.float32(0.6) - furrows)
    if c.lesion["follicles"]:
        pores = 1 - c.mesh(0.17, 4, 0.34, wild=0.5)
        c.melanin -= np.float32(0.1 * c.lesion["follicles"]) * (pores - np.float32(0.5))


def _pigment(c: Canvas) -> None:
    look, tone = c.lesion, c.noise(6 * c.lesion["radius"], 5)
    brown = np.exp(np.float32(look["mottle"]) * tone) * c.inside * np.float32(look["melanin"])
    if look["network"]:
        wild = look["atypical"]
        lines = c.mesh(0.062 + 0.03 * wild, 6, 0.26, wild=0.2 + 1.4 * wild)
        shown = np.clip(np.float32(0.75) + np.float32(0.3 + 0.5 * wild) * c.noise(3, 7), 0, 1)
        brown *= 1 + np.float32(1.5 * look["network"]) * shown * (lines - np.float32(0.42))
    if look["dark_centre"]:
        brown *= 1 + np.float32(look["dark_centre"]) * (1 - np.clip(c.reach * 1.6, 0, 1))
    if look["scar"]:
        brown *= 1 - np.float32(0.9 * look["scar"]) * _core(c, 0.55)
    if look["dots"]:
        spots = c.scatter(look["dots"], 0.0, 0.95)
        brown += np.float32(0.9) * ink.discs(c.view, spots, c.rng.uniform(0.008, 0.018, len(spots)))
    if look["globules"]:
        spots = c.scatter(look["globules"], 0.1, 0.95)
        sizes = c.rng.uniform(0.018, 0.036, len(spots))
        brown += np.float32(0.6 * look["melanin"]) * ink.discs(c.view, spots, sizes, 0.006)
    if look["streaks"]:
        turn = np.sort(c.rng.uniform(0, 1, int(look["streaks"]))) * c.rng.uniform(2, 2 * np.pi)
        feet = c.place(turn, np.full(len(turn), 0.86))
        rays = ink.twigs(c.rng, feet, turn + c.tilt, 0.13, 0.013)
        brown += np.float32(0.8 * look["melanin"]) * ink.strokes(c.view, rays, 0.008)
    if look["comedones"]:
        holes = ink.ovals(c.rng, c.scatter(look["comedones"]), 0.032)
        brown += np.float32(0.7) * ink.patches(c.view, holes, 0.012)
    if look["fissures"]:
        spots = c.scatter(look["fissures"], 0.1, 0.8)
        cracks = ink.twigs(c.rng, spots, c.rng.uniform(0, 6.3, len(spots)), 0.22, 0.02)
        brown += np.float32(0.5) * ink.strokes(c.view, cracks, 0.008)
    # Very dark areas saturate rather than turning into holes.
    c.melanin += np.float32(2.2) * (1 - cv2.exp(brown * np.float32(-1 / 2.2)))
    c.deep += np.float32(look["dullness"] * 0.45) * c.inside
    if look["nests"]:
        nests = ink.ovals(c.rng, c.scatter(look["nests"], 0.2, 0.95), 0.085)
        shade = np.clip(np.float32(0.55) + np.float32(0.2) * c.noise(0.8, 18), 0.15, 1)
        c.deep += shade * ink.patches(c.view, nests, 0.018)
        c.melanin += np.float32(0.35) * shade * ink.patches(c.view, nests, 0.03)


def _red(c: Canvas) -> None:
    look, flush = c.lesion, c.noise(3 * c.lesion["radius"], 8)
    c.blood += np.float32(look["blood"]) * c.inside * np.exp(np.float32(0.3) * flush)
    if look["strawberry"]:
        lines = c.mesh(0.11, 4, 0.34, wild=0.25)
        c.blood += np.float32(0.45 * look["strawberry"]) * c.inside * (lines - np.float32(0.2))
    if look["lacunae"]:
        gaps = c.mesh(0.15, 9, 0.34, wild=0.3)
        c.blood += np.float32(look["lacunae"]) * c.inside * (1 - gaps)
        c.deep += np.float32(look["dusk"]) * c.inside * (1 - gaps)
    if look["clot"]:
        clot = rise(c.noise(4 * look["radius"], 10) * np.float32(0.6)) * c.inside
        c.deep += np.float32(1.6 * look["clot"]) * clot
        c.melanin += np.float32(0.8 * look["clot"]) * clot
    red = np.zeros_like(c.blood)
    if look["arborising"]:
        paths = []
        for turn in c.rng.uniform(0, 2 * np.pi, int(look["arborising"])):
            start = c.place(np.array([turn]), np.array([1.0]))[0]
            inward = turn + c.tilt + np.pi + c.rng.normal(0, 0.4)
            paths += ink.tree(c.rng, start, inward, look["radius"] * 1.1, 0.02)
        focus = np.clip(np.float32(0.55) + np.float32(0.2) * flush, 0.1, 1)
        red += focus * ink.strokes(c.view, paths, 0.004)
    if look["dotted_vessels"]:
        spots = c.scatter(look["dotted_vessels"])
        red += np.float32(0.8) * ink.discs(c.view, spots, np.full(len(spots), 0.013), 0.004)
    if look["coiled_vessels"]:
        coils = ink.coils(c.rng, c.scatter(look["coiled_vessels"], 0.5, 0.98), 0.024)
        red += np.float32(0.75) * ink.strokes(c.view, coils, 0.004)
    if look["rim_vessels"]:
        turn = c.rng.uniform(0, 2 * np.pi, int(look["rim_vessels"]))
        foot = c.place(turn, c.rng.uniform(0.75, 1.0, len(turn)))
        hairpins = ink.twigs(c.rng, foot, turn + c.tilt + np.pi, 0.14, 0.014)
        red += np.float32(0.7) * ink.strokes(c.view, hairpins, 0.004)
    c.blood += red


def _pale(c: Canvas) -> None:
    look = c.lesion
    if look["veil"]:
        area = rise(c.noise(5 * look["radius"], 11) * np.float32(0.8) + np.float32(0.25))
        area *= rise(c.depth * 2)
        c.deep += np.float32(0.7 * look["veil"]) * area
        c.whites.append((np.float32(0.45 * look["veil"]) * area, BLUE_WHITE))
    if look["regression"]:
        area = rise(np.float32(0.5) * c.noise(5 * look["radius"], 12)) * c.inside
        c.whites.append((np.float32(0.6 * look["regression"]) * area, ROSY_WHITE))
    if look["pallor"]:
        area = rise(np.float32(0.35) * c.noise(5 * look["radius"], 13) + np.float32(0.5)) * c.inside
        c.whites.append((np.float32(look["pallor"]) * area, ROSY_WHITE))
    if look["scar"]:
        c.whites.append((np.float32(0.6 * look["scar"]) * _core(c, 0.4), ROSY_WHITE))
    if look["strawberry"]:
        pores = (1 - c.mesh(0.11, 4, 0.34, wild=0.25)) * c.inside
        c.whites.append((np.float32(0.22 * look["strawberry"]) * pores, KERATIN))
    if look["ulcer"]:
        area = rise(c.noise(3 * look["radius"], 14) - np.float32(0.9)) * c.inside
        c.whites.append((np.float32(look["ulcer"]) * area, CRUST))
    if look["keratin"]:
        rough = rise(np.float32(0.55) + np.float32(0.35) * c.noise(1.6, 15))
        c.whites.append((np.float32(look["keratin"]) * _core(c, 0.5) * rough, KERATIN))
    if look["white_circles"]:
        rings = ink.rings(c.rng, c.scatter(look["white_circles"]), 0.042)
        c.whites.append((np.float32(0.55) * ink.strokes(c.view, rings, 0.012), WHITE))
    if look["cysts"]:
        spots = c.scatter(look["cysts"])
        pearls = ink.discs(c.view, spots, c.rng.uniform(0.014, 0.034, len(spots)), 0.011)
        shade = np.clip(np.float32(0.5) + np.float32(0.15) * c.noise(2, 21), 0.2, 0.8)
        c.whites.append((shade * pearls, WHITE))
    if look["shiny"]:
        spots = c.scatter(look["shiny"])
        lines = ink.twigs(c.rng, spots, np.full(len(spots), c.tilt), 0.14, 0.016)
        c.whites.append((np.float32(0.5) * ink.strokes(c.view, lines, 0.006), WHITE))
    if look["scale"]:
        # Scale lies in thin curling ridges, thickest where the slower noise is high.
        ridges = rise(1 - np.abs(c.noise(1.5, 16)) * np.float32(1.7))
        flakes = (
            ridges * np.clip(c.noise(3, 20) * np.float32(0.6) + np.float32(0.4), 0, 1) * c.inside
        )
        c.whites.append((np.float32(0.8 * look["scale"]) * flakes, WHITE))


def _core(c: Canvas, size: float) -> Plane:
    """Return a soft patch in the middle of the lesion; size: its radius in lesion radii."""
    ragged = np.float32(0.12) * c.noise(4 * c.lesion["radius"], 17)
    return rise((np.float32(size) - c.reach + ragged) / np.float32(0.6) + np.float32(0.5))
