"""What lies between the skin and the sensor: hair, rulers, ink, gel, glints, tubes, focus."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Interval

from skinfw import Dice, PixelFunction, Step
from skinfw_pathology.strokes import cover, curve, lighten, stain, stroke

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Rng = np.random.Generator

Probability = Annotated[float, Interval(ge=0, le=1)]
Count = Annotated[int, Ge(1)]

# Red, green and blue of hair: black, dark brown, brown, blond, grey.
_HAIR = ((22, 18, 18), (48, 32, 26), (84, 56, 38), (168, 132, 88), (150, 146, 142))
# Shares of light that surgical markers let through: violet, blue, black.
_INK = ((0.42, 0.22, 0.62), (0.2, 0.34, 0.7), (0.2, 0.2, 0.26))


@dataclass(frozen=True, kw_only=True)
class Artefact(ABC):
    """Draw something over some images.

    probability: that an image gets it.
    """

    probability: Probability

    def roll(self, dice: Dice) -> list[Step]:
        """Decide whether to draw; what is drawn depends on a seed alone."""
        if dice.rng.random() >= self.probability:
            return []
        return [PixelFunction(partial(self._apply_seed, seed=int(dice.rng.integers(2**63))))]

    @abstractmethod
    def draw(self, image: Image, rng: Rng) -> Image:
        """Return the image, uint8 [H, W, 3], with what is drawn."""

    def _apply_seed(self, image: Image, seed: int) -> Image:
        import numpy as np

        return self.draw(image, np.random.Generator(np.random.SFC64(seed)))


@dataclass(frozen=True, kw_only=True)
class Hair(Artefact):
    """Draw hairs over the image: a few or many, of one colour, more or less curved.

    Hair hides borders and imitates streaks (Lee et al. 1997, DullRazor; Attia et al. 2018).

    probability: that an image gets hair.
    most: hairs at most.
    """

    probability: Probability = 0.3
    most: Count = 40

    def draw(self, image: Image, rng: Rng) -> Image:
        """Hairs lie roughly along one direction, and some across."""
        import cv2
        import numpy as np

        height, width = image.shape[:2]
        side, mask = min(height, width), _mask(image)
        count = int(rng.integers(1, self.most + 1))
        angles = rng.uniform(0, math.pi) + rng.normal(0, 0.5, count)
        along = np.stack([np.cos(angles), np.sin(angles)], 1)
        across = np.stack([-along[:, 1], along[:, 0]], 1)
        length = rng.uniform(0.25, 1.1, (count, 1)) * side
        middle = rng.uniform((0, 0), (width, height), (count, 2))
        bend = middle + across * rng.normal(0, 0.18, (count, 1)) * length
        thick = rng.uniform(0.6, 1.6, count) * side / 224
        hairs = curve(middle - along * length / 2, bend, middle + along * length / 2)
        for points, width_of_hair in zip(hairs.transpose(1, 0, 2), thick, strict=True):
            # A hair thins out towards its tip.
            stroke(mask, points[:12], width_of_hair)
            stroke(mask, points[11:], 0.6 * width_of_hair)
        if side >= 200:
            mask = np.asarray(cv2.GaussianBlur(mask, (3, 3), 0.5), np.uint8)
        colour = np.array(_HAIR[rng.integers(len(_HAIR))], float) + rng.normal(0, 6, 3)
        return cover(image, mask, colour.clip(0, 255), rng.uniform(0.7, 0.95))


@dataclass(frozen=True, kw_only=True)
class RulerTicks(Artefact):
    """Draw the scale that some dermatoscopes show: ticks along a straight line.

    Networks take rulers for a sign of malignancy (Narla et al. 2018, Journal of Investigative
    Dermatology 138; Bissoto et al. 2020).

    probability: that an image gets a scale.
    """

    probability: Probability = 0.15

    def draw(self, image: Image, rng: Rng) -> Image:
        """Ticks stand at equal distances on one side of a line; every fifth is longer."""
        import numpy as np

        height, width = image.shape[:2]
        side, mask = min(height, width), _mask(image)
        angle = rng.uniform(0, 2 * math.pi)
        along = np.array([math.cos(angle), math.sin(angle)])
        inwards = np.array([-along[1], along[0]])
        middle = np.array([width, height]) / 2 - inwards * rng.uniform(0.3, 0.48) * side
        step, tick = rng.uniform(0.03, 0.07) * side, rng.uniform(0.02, 0.035) * side
        thick, has_line = rng.uniform(0.8, 1.6) * side / 224, rng.random() < 0.5
        reach = int(math.hypot(height, width) / step / 2) + 1
        for number in range(-reach, reach + 1):
            foot = middle + along * step * number
            long = 1.0 if number % 10 == 0 else 0.7 if number % 5 == 0 else 0.45
            stroke(mask, np.stack([foot, foot + inwards * tick * 2 * long]), thick)
        if has_line:
            ends = [middle - along * step * reach, middle + along * step * reach]
            stroke(mask, np.stack(ends), thick)
        return cover(image, mask, np.full(3, rng.uniform(10, 60)), rng.uniform(0.55, 0.9))


@dataclass(frozen=True, kw_only=True)
class InkMarks(Artefact):
    """Draw marks of a surgical pen near the border.

    Marks raise the melanoma score of networks (Winkler et al. 2019, JAMA Dermatology 155).

    probability: that an image gets marks.
    """

    probability: Probability = 0.1

    def draw(self, image: Image, rng: Rng) -> Image:
        """One to three strokes of a felt pen, off the middle, with uneven ink."""
        import cv2
        import numpy as np

        height, width = image.shape[:2]
        side, mask = min(height, width), _mask(image)
        centre = np.array([width, height]) / 2
        for _ in range(int(rng.integers(1, 4))):
            angle = rng.uniform(0, 2 * math.pi)
            radial = np.array([math.cos(angle), math.sin(angle)])
            across = np.array([-radial[1], radial[0]])
            middle = centre + radial * rng.uniform(0.36, 0.52) * side
            half = across * rng.uniform(0.06, 0.22) * side
            bend = middle + radial * rng.normal(0, 0.05) * side
            stroke(mask, curve(middle - half, bend, middle + half), rng.uniform(5, 12) * side / 224)
        coarse = rng.uniform(0.55, 1.0, (12, 12)).astype(np.float32)
        uneven = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        soft = cv2.GaussianBlur(mask, (0, 0), 1.2 * side / 224)
        ink = np.array(_INK[rng.integers(len(_INK))]) + rng.normal(0, 0.03, 3)
        return stain(
            image, (soft * uneven).astype(np.uint8), ink.clip(0, 1), rng.uniform(0.6, 0.95)
        )


@dataclass(frozen=True, kw_only=True)
class GelBubbles(Artefact):
    """Enclose bubbles of air, as in immersion gel: a bright rim and a darker inside.

    probability: that an image gets bubbles.
    most: bubbles at most.
    """

    probability: Probability = 0.15
    most: Count = 14

    def draw(self, image: Image, rng: Rng) -> Image:
        """A bubble has a dark edge, a bright rim inside it, and a glint towards the light."""
        import cv2
        import numpy as np

        height, width = image.shape[:2]
        side = min(height, width)
        dark, bright = _mask(image), _mask(image)
        cluster = rng.uniform((0, 0), (width, height))
        light = rng.uniform(0, 2 * math.pi)
        for _ in range(int(rng.integers(1, self.most + 1))):
            x, y = cluster + rng.normal(0, 0.22 * side, 2)
            radius = side * float(rng.choice([0.012, 0.02, 0.03, 0.05], p=[0.4, 0.3, 0.2, 0.1]))
            radius *= rng.uniform(0.8, 1.3)
            place, thin = (round(x * 16), round(y * 16)), max(1, round(radius / 7))
            cv2.circle(dark, place, round(radius * 16), 150, thin, cv2.LINE_AA, 4)
            cv2.circle(bright, place, round(0.82 * radius * 16), 90, thin, cv2.LINE_AA, 4)
            glint = (
                round((x + 0.5 * radius * math.cos(light)) * 16),
                round((y + 0.5 * radius * math.sin(light)) * 16),
            )
            cv2.circle(bright, glint, max(8, round(0.16 * radius * 16)), 230, -1, cv2.LINE_AA, 4)
        image = stain(image, dark, np.array([0.35, 0.3, 0.3]), 0.9)
        return lighten(image, bright, 0.75)


@dataclass(frozen=True, kw_only=True)
class SpecularGlints(Artefact):
    """Let wet skin shine: small white spots with soft edges.

    probability: that an image gets glints.
    most: glints at most.
    """

    probability: Probability = 0.15
    most: Count = 12

    def draw(self, image: Image, rng: Rng) -> Image:
        """Glints are small, bright and stretched along one direction."""
        import cv2
        import numpy as np

        height, width = image.shape[:2]
        side, mask = min(height, width), _mask(image)
        turn = rng.uniform(0, 180)
        for _ in range(int(rng.integers(1, self.most + 1))):
            x, y = rng.uniform((0, 0), (width, height))
            long = rng.uniform(0.006, 0.022) * side
            axes = (round(long * 16), round(long * rng.uniform(0.3, 0.8) * 16))
            angle = turn + rng.normal(0, 20)
            cv2.ellipse(
                mask, (round(x * 16), round(y * 16)), axes, angle, 0, 360, 255, -1, cv2.LINE_AA, 4
            )
        soft = cv2.GaussianBlur(mask, (0, 0), max(0.6, 0.9 * side / 224))
        return lighten(image, np.asarray(soft, np.uint8), rng.uniform(0.6, 0.95))


@dataclass(frozen=True, kw_only=True)
class DarkCorners(Artefact):
    """Look through the round tube of a dermatoscope: black corners with a soft edge.

    Their presence differs by source and is learnt as a shortcut (Sies et al. 2021, European
    Journal of Cancer 155).

    probability: that an image gets dark corners.
    """

    probability: Probability = 0.15

    def draw(self, image: Image, rng: Rng) -> Image:
        """What lies beyond a circle about the middle is nearly black."""
        import numpy as np

        height, width = image.shape[:2]
        side = min(height, width)
        x0, y0 = np.array([width, height]) / 2 + rng.normal(0, 0.02, 2) * side
        radius = rng.uniform(0.52, 0.64) * side
        y = np.arange(height, dtype=np.float32)[:, None] + 0.5 - y0
        x = np.arange(width, dtype=np.float32)[None] + 0.5 - x0
        edge = rng.uniform(0.008, 0.03) * side
        outside = np.clip((np.hypot(x, y) - radius) / edge + 0.5, 0, 1)
        return cover(image, (255 * outside).astype(np.uint8), rng.uniform(2, 16, 3), 1.0)


@dataclass(frozen=True, kw_only=True)
class OutOfFocus:
    """Blur the image as a lens does that is not focused.

    probability: that an image is blurred.
    radius: largest radius of the disc that a point becomes, as a share of the short side.
    """

    probability: Probability = 0.15
    radius: Annotated[float, Interval(gt=0, le=0.1)] = 0.012

    def roll(self, dice: Dice) -> list[Step]:
        """Draw the radius."""
        rng = dice.rng
        if rng.random() >= self.probability:
            return []
        radius = rng.uniform(0.25, 1.0) * self.radius * min(dice.size)
        return [PixelFunction(partial(defocus, radius=radius))]


def defocus(image: Image, radius: float) -> Image:
    """Blur by a disc with a soft edge.

    radius: in pixels.
    """
    import cv2
    import numpy as np

    half = math.ceil(radius + 0.5)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    blurred = cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.uint8)


def _mask(image: Image) -> Image:
    import numpy as np

    return np.zeros(image.shape[:2], np.uint8)
