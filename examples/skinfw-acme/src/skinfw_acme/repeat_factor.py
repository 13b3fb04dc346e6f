"""Repeat-factor sampling by lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Le

from skinfw import Context, Draw

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class RepeatFactor:
    """Repeat the images of class c max(1, sqrt(threshold / f_c)) times, f_c its share of lesions.

    Gupta et al. 2019 (arXiv 1908.03195), who count images; photographs of one lesion tell little
    more than one of them, so that here lesions count. What a factor has behind the point is rounded
    up or down by chance, for each image and epoch anew, so that the factor is right on average.

    threshold: the share below which classes are repeated. The 0.001 of the paper is for 1,203
        classes; with the few of skin lesions it repeats nothing.
    """

    threshold: Annotated[float, Gt(0), Le(1)] = 0.1

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return all positions and the repeats, shuffled; every repeat is a copy."""
        import numpy as np

        factors = repeat_factors(labels, context.lesions, self.threshold)
        rounds_up = context.rng.random(len(labels)) < factors % 1
        times = factors.astype(np.int64) + rounds_up
        indices = np.repeat(np.arange(len(labels)), times)
        copies = np.ones(len(indices), bool)
        copies[np.cumsum(times) - times] = False
        order = context.rng.permutation(len(indices))
        return Draw(indices[order], copies[order])


def repeat_factors(
    labels: Integers, lesions: Sequence[str], threshold: float
) -> npt.NDArray[np.float64]:
    """Return how often each image is shown on average, [N], at least 1.

    labels: int [N].
    lesions: the lesion of each image, [N].
    """
    import numpy as np

    _, lesion, images = np.unique(
        np.asarray(lesions, dtype=str), return_inverse=True, return_counts=True
    )
    # The images of a lesion count as much as one.
    shares = np.bincount(labels, 1 / images[lesion]) / len(images)
    return np.maximum(1.0, np.sqrt(threshold / shares[labels]))
