"""One look at a lesion through a dermatoscope: viewpoint, light, hair, lens and sensor."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from skinfw_synthetic.textures import Plane

Picture = NDArray[np.float32]

SHIFT = 4  # binary places of the sub-pixel coordinates that OpenCV draws with


@dataclass(frozen=True)
class View:
    """Hold a viewpoint in field units, half an image height each, with the lesion at the origin.

    angle: rotation in radians.
    zoom: magnification.
    shift: where the lesion's centre lies, right and down, in field units.
    height, width: image size in pixels.
    """

    angle: float
    zoom: float
    shift: tuple[float, float]
    height: int
    width: int

    @property
    def scale(self) -> float:
        """Return the pixels of one field unit."""
        return self.height / 2 * self.zoom

    def grid(self) -> tuple[Plane, Plane]:
        """Return the field coordinates of every pixel, two float32 [H, W]."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.height * 2
        y = (np.arange(self.height, dtype=np.float32)[:, None] + 0.5) / self.height * 2 - 1
        x, y = (x - self.shift[0]) / self.zoom, (y - self.shift[1]) / self.zoom
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        return (
            (cos * x + sin * y).astype(np.float32),
            (cos * y - sin * x).astype(np.float32),
        )

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.int32]:
        """Turn field points [N, 2] into OpenCV's fixed-point pixel coordinates, int32 [N, 2]."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = points @ np.array([[cos, sin], [-sin, cos]])
        centre = np.array([self.width, self.height]) / 2 + np.array(self.shift) * self.height / 2
        fixed = np.round((turned * self.scale + centre - 0.5) * 2**SHIFT)
        return np.asarray(fixed, np.int32)


def look(rng: np.random.Generator, height: int) -> View:
    """Choose a viewpoint.

    rng: source of the choice.
    height: image height in pixels; the width is 4/3 of it.
    """
    x, y = rng.normal(0, 0.09, 2)
    return View(
        angle=float(rng.uniform(0, 2 * np.pi)),
        zoom=float(rng.uniform(0.82, 1.22)),
        shift=(float(x), float(y)),
        height=height,
        width=round(height * 4 / 3),
    )


def expose(scene: Picture, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Photograph a painted scene as uint8 [H, W, 3] RGB.

    scene: reflectance in 0..1, float32 [3, H, W] RGB; changed in place.
    rng: source of hair, light, focus and noise.
    """
    unit = scene.shape[1] / 192
    if rng.random() < 0.4:
        _hair(scene, rng, unit)
    if rng.random() < 0.1:
        _ruler(scene, rng, unit)
    _light(scene, rng)
    blur = rng.uniform(0.3, 0.7) if rng.random() < 0.8 else rng.uniform(0.9, 1.6)
    # Uniform noise is fast to draw and looks the same as normal noise once it is on a picture.
    noise = np.float32(rng.uniform(0.005, 0.02))
    grain = (rng.random(scene.shape[1:], dtype=np.float32) - np.float32(0.5)) * noise
    planes = []
    for plane in scene:
        # Colour noise is coarser than brightness noise once a camera has filled in its mosaic.
        colour = rng.random((scene.shape[1] // 4, scene.shape[2] // 4), dtype=np.float32)
        colour = (colour - np.float32(0.5)) * noise
        colour = cv2.resize(colour, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
        sharp = cv2.GaussianBlur(plane, (0, 0), blur * unit)
        planes.append(np.maximum(sharp + grain + colour, 0))
    photograph: NDArray[np.uint8] = cv2.convertScaleAbs(cv2.merge(planes), alpha=255)
    return photograph


def cover(scene: Picture, amount: Plane, colour: tuple[float, float, float]) -> None:
    """Lay an opaque colour over a scene, in place.

    scene: float32 [3, H, W] RGB in 0..1.
    amount: opacity in 0..1, float32 [H, W].
    colour: RGB in 0..1.
    """
    for plane, level in zip(scene, colour, strict=True):
        plane += amount * (np.float32(level) - plane)


def _hair(scene: Picture, rng: np.random.Generator, unit: float) -> None:
    height, width = scene.shape[1:]
    stubble = rng.random() < 0.25
    count = int(rng.integers(6, 30)) if stubble else 1 + int(rng.exponential(5))
    comb = rng.uniform(0, 2 * np.pi)
    ink = np.zeros((height, width), np.uint8)
    along = np.linspace(-0.5, 0.5, 14)[:, None]
    for _ in range(min(count, 30)):
        prefetch, aside = _directions(comb + rng.normal(0, 0.5))
        length = rng.uniform(5, 15) * unit if stubble else rng.uniform(0.5, 1.3) * height
        bend = rng.normal(0, 0.12) * length
        middle = rng.uniform(0, 1, 2) * (width, height)
        path = middle + along * length * prefetch + (along**2 * 4 - 1) * bend * aside
        strength = int(rng.uniform(90, 235))
        thick = max(1, round(unit * rng.choice([0.8, 1.2, 1.7], p=[0.5, 0.4, 0.1])))
        _line(ink, path, strength, thick)
    pale = rng.uniform(0, 1) ** 2
    colour = (0.12 + 0.36 * pale, 0.08 + 0.25 * pale, 0.07 + 0.14 * pale)
    cover(scene, ink * np.float32(1 / 255), colour)


def _ruler(scene: Picture, rng: np.random.Generator, unit: float) -> None:
    height, width = scene.shape[1:]
    ink = np.zeros((height, width), np.uint8)
    start = rng.uniform(0, 1, 2) * (width, height)
    prefetch, aside = _directions(rng.uniform(0, 2 * np.pi))
    for tick in range(int(rng.integers(5, 14))):
        foot = start + prefetch * tick * 9 * unit
        tip = foot + aside * (11 if tick % 5 == 0 else 6) * unit
        _line(ink, np.array([foot, tip]), 220, max(1, round(unit)))
    cover(scene, ink * np.float32(1 / 255), (0.1, 0.1, 0.12))


def _directions(angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    prefetch = np.array([np.cos(angle), np.sin(angle)])
    return prefetch, np.array([-prefetch[1], prefetch[0]])


def _line(ink: NDArray[np.uint8], path: NDArray[np.float64], strength: int, thick: int) -> None:
    fixed = np.round(path * 2**SHIFT).astype(np.int32)
    cv2.polylines(ink, [fixed], False, strength, thick, cv2.LINE_AA, SHIFT)


def _light(scene: Picture, rng: np.random.Generator) -> None:
    height, width = scene.shape[1:]
    x = np.linspace(-4 / 3, 4 / 3, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    tilt_x, tilt_y = rng.normal(0, 0.035, 2).astype(np.float32)
    centre_x, centre_y = rng.normal(0, 0.06, 2).astype(np.float32)
    squared = (x - centre_x) ** 2 + (y - centre_y) ** 2
    light = 1 + tilt_x * x + tilt_y * y - np.float32(rng.uniform(0, 0.12)) * squared
    if rng.random() < 0.15:  # the round rim of the dermatoscope's contact plate
        rim, soft = rng.uniform(1.25, 1.7), rng.uniform(0.04, 0.3)
        light *= np.clip((np.float32(rim) - np.sqrt(squared)) / np.float32(soft) + 0.5, 0.04, 1)
    gains = rng.uniform(0.92, 1.08) * (1 + rng.normal(0, 0.02, 3))
    for plane, gain in zip(scene, gains, strict=True):
        plane *= light * np.float32(gain)
