"""Preparations, augmentations, mixes and views, right and wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import skinfw
from zoo.register import right, wrong


@right("prepare")
@dataclass(frozen=True, kw_only=True)
class Darken:
    """Halve the light."""

    def prepare(self, image: Any) -> Any:
        return image // 2


@wrong("prepare", "answers")
class ScalePrepare(Darken):
    """Scale to one."""

    def prepare(self, image: Any) -> Any:
        return image / 255


@wrong("prepare", "leaves the image")
class InPlacePrepare(Darken):
    """Write into the image."""

    def prepare(self, image: Any) -> Any:
        image //= 2
        return image.copy()


@wrong("prepare", "same image, same answer")
class RandomPrepare(Darken):
    """Throw dice."""

    def prepare(self, image: Any) -> Any:
        return np.random.default_rng().permutation(image)


@right("augment")
@dataclass(frozen=True)
class Shade:
    """Vary the light."""

    size: int

    def roll(self, dice: Any) -> Any:
        share = dice.rng.uniform(0.5, 1)
        table = (np.arange(256)[:, None] * share).astype(np.uint8).repeat(3, 1)
        return [skinfw.LookupTable(table)]


@wrong("augment", "answers")
class BareAugment(Shade):
    """Return the step alone."""

    def roll(self, dice: Any) -> Any:
        return super().roll(dice)[0]


@wrong("augment", "dice decide")
class UnseededAugment(Shade):
    """Throw other dice."""

    def roll(self, dice: Any) -> Any:
        share = np.random.default_rng().uniform(0.5, 1)
        return [skinfw.PixelFunction(lambda image: (image * share).astype(np.uint8))]


@wrong("augment", "any workers")
class RememberingAugment(Shade):
    """Go on from where the last image ended."""

    def roll(self, dice: Any) -> Any:
        turn = self.__dict__.setdefault("turn", [0])
        turn[0] += 1
        dice.rng.random(turn[0])
        return super().roll(dice)

    def __getstate__(self) -> Any:
        return {"size": self.size}


@wrong("augment", "images differ")
class DullAugment(Shade):
    """Do nothing."""

    def roll(self, dice: Any) -> Any:
        return []


@wrong("augment", "leaves the peer")
class GreedyAugment(Shade):
    """Write into the peer."""

    def roll(self, dice: Any) -> Any:
        dice.peer()[:] = 0
        return super().roll(dice)


@wrong("augment", "global dice alone")
class LoudAugment(Shade):
    """Throw everybody's dice, for nothing."""

    def roll(self, dice: Any) -> Any:
        np.random.rand()
        return super().roll(dice)


@right("mix")
@dataclass(frozen=True, kw_only=True)
class Blend:
    """Blend two images."""

    def mix(self, images: Any, rng: Any) -> Any:
        share, order = float(rng.random()), torch.as_tensor(rng.permutation(len(images)))
        return share * images + (1 - share) * images[order], order, share


@wrong("mix", "answers")
class ShareInPercent(Blend):
    """Give the share in percent."""

    def mix(self, images: Any, rng: Any) -> Any:
        mixed, order, share = super().mix(images, rng)
        return mixed, order, 2 + share


@wrong("mix", "same dice, same mix")
class UnseededMix(Blend):
    """Throw other dice."""

    def mix(self, images: Any, rng: Any) -> Any:
        return super().mix(images, np.random.default_rng())


@right("view")
@dataclass(frozen=True)
class Squeeze:
    """Show the whole image."""

    size: int

    def plan(self, size: tuple[int, int]) -> Any:
        matrix = np.diag([size[1] / self.size, size[0] / self.size, 1.0])
        return [[skinfw.Warp(matrix, (self.size, self.size))]]


@wrong("view", "answers")
class NarrowView(Squeeze):
    """Show half a square."""

    def plan(self, size: tuple[int, int]) -> Any:
        return [[skinfw.Warp(np.eye(3), (self.size, self.size // 2))]]


@wrong("view", "same views again")
class RandomView(Squeeze):
    """Look elsewhere each time."""

    def plan(self, size: tuple[int, int]) -> Any:
        matrix = np.eye(3)
        matrix[:2, 2] = np.random.default_rng().uniform(0, 20, 2)
        return [[skinfw.Warp(matrix, (self.size, self.size))]]
