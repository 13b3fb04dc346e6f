"""Class weights from class counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval


@dataclass(frozen=True, kw_only=True)
class InverseFrequency:
    """Weigh class c by (1 / n_c)^power, scaled so that the weights average one.

    power: 0 weighs all alike, 1 evens the classes out. Yao et al. 2022 (arXiv 2102.01284) use
        1.0 to 1.2.
    """

    power: Annotated[float, Interval(ge=0, le=3)] = 1.0

    def weights(self, counts: Sequence[int], epoch: int, epochs: int) -> list[float]:
        """Return the weights [C], the same in every epoch.

        counts: training images per class; a class without images weighs nothing.
        """
        raw = [count**-self.power if count else 0.0 for count in counts]
        return [len(raw) * value / sum(raw) for value in raw]
