"""RandAugment as Yao et al. modified it, the plain one, and the random crop after both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Interval

from skinfw import Dice, Step, Warp
from skinfw_augment.geometry import resize_short_side, translation
from skinfw_augment.randaugment_ops import COLOUR, OPS, SHAPE

if TYPE_CHECKING:
    import numpy as np

Probability = Annotated[float, Interval(ge=0, le=1)]
Magnitude = Annotated[float, Interval(ge=0, le=20)]
Policy = Literal["v0_0", "v1_0", "v1_1", "v2_0", "v2_1", "v2_2", "v3_0", "v3_1"]
OpName = Literal[
    "mixup", "vignetting", "gaussian-noise", "saturation", "contrast", "brightness", "sharpness",
    "color-casting", "equalize-yuv", "posterize", "auto-contrast", "solarize", "equalize",
    "rotate", "lens-distortion", "flip", "cutout", "shear-x", "shear-y", "scale", "scale-xy-diff",
]  # fmt: skip

_ALL, _COLOUR, _SHAPE = tuple(OPS), tuple(COLOUR), tuple(SHAPE)
_POLICIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "v0_0": (_ALL,),
    "v1_0": (_ALL, _ALL),
    "v1_1": (_COLOUR, _SHAPE),
    "v2_0": (_ALL, _ALL, _ALL),
    "v2_1": (_COLOUR, _SHAPE, _SHAPE),
    "v2_2": (_COLOUR, _COLOUR, _SHAPE),
    "v3_0": (_ALL, _ALL, _ALL, _ALL),
    "v3_1": (_COLOUR, _COLOUR, _SHAPE, _SHAPE),
}
_PLAIN = (
    "saturation", "contrast", "brightness", "sharpness", "posterize", "auto-contrast", "solarize",
    "equalize", "rotate", "shear-x", "shear-y",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ModifiedRandAugment:
    """Apply a few ops of random strength, drawn from colour and shape ops.

    Yao et al. 2022 (arXiv 2102.01284): 13 colour and 8 shape ops; each drawn op is applied with a
    probability, and comes once per image at most. The classes of mixed-in images are ignored, as
    they are there.

    policy: which sets are drawn from, in order. v1_1 takes one of colour, then one of shape;
        v0_0, v1_0, v2_0 and v3_0 take one to four of all; v2_1 one of colour and two of shape, v2_2
        two and one, v3_1 two and two.
    probability: that a drawn op is applied.
    magnitude: strongest effect, of which a uniform share is taken; 10 is the table's value.
    """

    policy: Policy = "v1_1"
    probability: Probability = 0.7
    magnitude: Magnitude = 10.0

    def roll(self, dice: Dice) -> list[Step]:
        """Draw the ops and their strengths."""
        return _roll_ops(_POLICIES[self.policy], self.probability, self.magnitude, dice)


@dataclass(frozen=True, kw_only=True)
class RandAugment:
    """Apply a few ops of random strength, without dermoscopy in mind: the baseline of Yao et al.

    After Cubuk et al. 2020 (arXiv 1909.13719); 11 ops, no translation, since a random crop follows.

    layers: draws per image.
    probability: that a drawn op is applied.
    magnitude: strongest effect, of which a uniform share is taken.
    """

    layers: Annotated[int, Interval(ge=1, le=11)] = 2
    probability: Probability = 0.5
    magnitude: Magnitude = 10.0

    def roll(self, dice: Dice) -> list[Step]:
        """Draw the ops and their strengths."""
        return _roll_ops((_PLAIN,) * self.layers, self.probability, self.magnitude, dice)


@dataclass(frozen=True, kw_only=True)
class RandAugmentOp:
    """Apply one op of the modified RandAugment.

    op: its name.
    probability: that it is applied.
    magnitude: strongest effect, of which a uniform share is taken.
    """

    op: OpName
    probability: Probability = 1.0
    magnitude: Magnitude = 10.0

    def roll(self, dice: Dice) -> list[Step]:
        """Draw whether, and how strongly."""
        return _roll_ops(((self.op,),), self.probability, self.magnitude, dice)


@dataclass(frozen=True)
class RandomCrop:
    """Take a square of `image.size` from anywhere.

    short: the image is first resized to this short side; 0 leaves it as it is. Where it is
        smaller than the square, it is enlarged as far as needed.
    """

    size: int
    _: KW_ONLY
    short: Annotated[int, Ge(0)] = 0

    def roll(self, dice: Dice) -> list[Warp]:
        """Draw the place."""
        short = max(self.size, self.short or min(dice.size))
        first = [resize_short_side(dice.size, short)] if short != min(dice.size) else []
        height, width = first[0].size if first else dice.size
        x = int(dice.rng.integers(width - self.size + 1))
        y = int(dice.rng.integers(height - self.size + 1))
        return [*first, Warp(translation(x, y), (self.size, self.size))]


def _roll_ops(
    draws: Sequence[Sequence[str]], probability: float, magnitude: float, dice: Dice
) -> list[Step]:
    """Draw from one set of ops after the other; an applied op is not drawn again."""
    rng: np.random.Generator = dice.rng
    steps: list[Step] = []
    applied: set[str] = set()
    size = dice.size
    for names in draws:
        left = [name for name in names if name not in applied]
        name = left[rng.integers(len(left))]
        if rng.random() >= probability:
            continue
        applied.add(name)
        rolled = OPS[name](rng, size, magnitude / 10, dice.peer)
        size = next((step.size for step in reversed(rolled) if isinstance(step, Warp)), size)
        steps += rolled
    return steps
