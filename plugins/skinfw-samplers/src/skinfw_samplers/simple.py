"""Samplers that look at nothing but the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Interval

from skinfw import Context, Draw

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class Shuffle:
    """Show every training image once per epoch, in a new order."""

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return all positions, shuffled."""
        return Draw(context.rng.permutation(len(labels)))


@dataclass(frozen=True, kw_only=True)
class Power:
    """Draw with replacement so that class c comes with P(c) ~ n_c^q.

    Kang et al. 2020 (arXiv 1910.09217) name the cases: q = 1 instance, 1/2 square-root, 0 class
    balanced; q = -1 is the reverse sampler of BBN (Zhou et al. 2020, arXiv 1912.02413).

    q: the power; smaller favours rare classes more.
    images: images per epoch; 0 takes as many as the training part has.
    """

    q: Annotated[float, Interval(ge=-2, le=1)] = 0.5
    images: Annotated[int, Ge(0)] = 0

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Draw images one by one; a repeat within the epoch is a copy."""
        size = self.images or len(labels)
        chances = favouring(labels, len(context.classes), self.q)
        indices = context.rng.choice(len(labels), size=size, p=chances)
        return Draw(indices, repeats(indices))


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Show every training image once per epoch, each with a partner of a rarer class.

    The dual sampler of BBN (Zhou et al. 2020, arXiv 1912.02413), for networks with two branches.

    q: partners of class c come with P(c) ~ n_c^q; -1 is the reverse sampler of the paper, 0 draws
        all classes alike.
    """

    q: Annotated[float, Interval(ge=-2, le=1)] = -1.0

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return all positions, shuffled, and their partners."""
        order = context.rng.permutation(len(labels))
        chances = favouring(labels, len(context.classes), self.q)
        return Draw(order, partners=context.rng.choice(len(labels), size=len(labels), p=chances))


@dataclass(frozen=True, kw_only=True)
class Oversample:
    """Show every image, and repeat those of smaller classes until all classes are equal."""

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return all images and the repeats, shuffled."""
        import numpy as np

        counts = np.bincount(labels, minlength=len(context.classes))
        grown = [
            grow(np.flatnonzero(labels == label), int(counts.max()), context.rng)
            for label in np.flatnonzero(counts)
        ]
        return shuffled(np.concatenate(grown), context.rng)


def favouring(labels: Integers, classes: int, q: float) -> npt.NDArray[np.float64]:
    """Return the chance of each image when class c comes with P(c) ~ n_c^q.

    labels: int [N].
    """
    import numpy as np

    counts = np.bincount(labels, minlength=classes).astype(float)
    # An image's chance: its class's, shared by the images of the class.
    share = np.power(counts, q - 1, where=counts > 0, out=np.zeros_like(counts))
    chances = share[labels]
    normalised: npt.NDArray[np.float64] = chances / chances.sum()
    return normalised


def grow(members: Integers, target: int, rng: np.random.Generator) -> Integers:
    """Return exactly `target` positions: each member equally often, the remainder at random.

    members: positions of a class.
    target: at least their number.
    """
    import numpy as np

    whole, rest = divmod(target, len(members))
    extra = rng.choice(members, size=rest, replace=False)
    return np.concatenate([np.tile(members, whole), extra])


def shuffled(indices: Integers, rng: np.random.Generator) -> Draw:
    """Return a draw of these positions in random order, repeats marked as copies."""
    order = rng.permutation(len(indices))
    return Draw(indices[order], repeats(indices)[order])


def repeats(indices: Integers) -> npt.NDArray[np.bool_]:
    """Tell for each position whether it came before."""
    import numpy as np

    copies = np.ones(len(indices), bool)
    copies[np.unique(indices, return_index=True)[1]] = False
    return copies
