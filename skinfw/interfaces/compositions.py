"""What a number of a metric is made of, where its interval can be had without drawing again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]
    Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rate:
    """Say that a number is the share of successes among members, each image counting once.

    successes: bool [N]; what is no member is no success, whatever it says.
    members: bool [N].
    f1: whether the number is 2 p / (1 + p) of the share p. With the images that are of a class or
        called so as members, and those that are both as successes, this is the F1 of the class.
    """

    successes: Booleans
    members: Booleans
    f1: bool = False


@dataclass(frozen=True)
class Area:
    """Say that a number is the area under the ROC curve: a tie counts half.

    positive: bool [N]; all others are negative.
    scores: [N], higher for what is more likely positive.
    """

    positive: Booleans
    scores: Floats


@dataclass(frozen=True)
class Mean:
    """Say that a number is the plain mean of others, those left out that have no image.

    parts: such as the sensitivity of each class.
    """

    parts: Sequence[Rate | Area]


Composition = Rate | Area | Mean
"""What a number is made of."""
