"""All of virtual pathology as one op."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from skinfw import Dice, Step
from skinfw_pathology.artefacts import (
    DarkCorners,
    GelBubbles,
    Hair,
    InkMarks,
    OutOfFocus,
    RulerTicks,
    SpecularGlints,
)
from skinfw_pathology.pigment import IlluminantShift, PigmentJitter


@dataclass(frozen=True, kw_only=True)
class VirtualPathology:
    """Vary an image as lesions and dermatoscopes vary, in their order.

    Pigments first, then what lies on the skin (ink, bubbles, glints, hair), then the optics (focus,
    tube, scale) and the light. E2E-DenseNetSkin's README names such an engine; its code has none.

    strength: of everything; 0 changes nothing, 1 takes each op's defaults, 2 doubles their
        probabilities and the changes of colour.
    """

    strength: Annotated[float, Interval(ge=0, le=2)] = 1.0

    def roll(self, dice: Dice) -> list[Step]:
        """Let each op roll its dice."""
        s = self.strength
        ops = (
            PigmentJitter(contrast=min(1.0, 0.25 * s), amount=min(1.0, 0.15 * s)),
            InkMarks(probability=0.05 * s),
            GelBubbles(probability=0.1 * s),
            SpecularGlints(probability=0.1 * s),
            Hair(probability=0.25 * s),
            OutOfFocus(probability=0.1 * s),
            DarkCorners(probability=0.1 * s),
            RulerTicks(probability=0.08 * s),
            IlluminantShift(strength=min(1.0, 0.12 * s)),
        )
        return [step for op in ops for step in op.roll(dice)]
