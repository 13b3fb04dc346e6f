"""What the ISIC challenges of classification take, and how answers of a network become it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from skinfw import UNKNOWN, RecipeError
from skinfw.metrics import Floats

IMAGE = "image"
"""The first column of a submission."""


@dataclass(frozen=True)
class Challenge:
    """Hold the columns of a submission.

    name: of its data set.
    columns: the class of each column behind `IMAGE`, in the official order.
    others: classes that networks for it have and no column asks for.
    """

    name: str
    columns: Mapping[str, str]
    others: tuple[str, ...] = ()

    @property
    def header(self) -> list[str]:
        """The names of all columns."""
        return [IMAGE, *self.columns]

    def confidences(
        self, chances: Floats, classes: Sequence[str], limit: float
    ) -> npt.NDArray[np.float64]:
        """Return the values of an image's row, [columns].

        They are what the network says, and need not sum to one. Where the challenge has UNK and the
        network has not, it is u (1 - L) / (u (1 - L) + L²), with u what the highest probability
        lacks of one, and L the limit: it grows with u, and exceeds all classes where u exceeds L.
        Without a limit it is 0.

        chances: [C], as the network gives them.
        classes: [C].
        limit: of the unknown; NaN where none was fitted.
        """
        own: dict[str, float] = dict(zip(classes, map(float, chances), strict=True))
        if UNKNOWN in self.columns.values() and UNKNOWN not in own:
            share = (1 - max(own.values())) * (1 - limit)
            own[UNKNOWN] = share / (share + limit**2) if share > 0 else 0.0  # NaN is not above 0
        return np.array([own[name] for name in self.columns.values()])


def _named_so(*classes: str) -> Mapping[str, str]:
    """Return the columns of a challenge that calls them as the classes are called."""
    return MappingProxyType({name: name for name in classes})


CHALLENGES = (
    Challenge(
        "isic2017",
        MappingProxyType({"melanoma": "MEL", "seborrheic_keratosis": "SK"}),
        others=("NV",),
    ),
    Challenge("isic2018", _named_so("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")),
    Challenge("isic2019", _named_so("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", UNKNOWN)),
)


def challenge_of_classes(classes: Sequence[str], where: str) -> Challenge:
    """Return the challenge whose classes a network answers, with or without UNK.

    where: the network, for the message.
    Raises RecipeError where there is none.
    """
    for challenge in CHALLENGES:
        asked = {*challenge.columns.values(), *challenge.others}
        if {*classes} in (asked, asked - {UNKNOWN}):
            return challenge
    raise RecipeError(
        "the network's classes are those of no ISIC challenge",
        where,
        f"they are {', '.join(classes)}; "
        + "; ".join(f"{one.name} has {', '.join(one.columns.values())}" for one in CHALLENGES),
        "leave --submission out, and every class has its column",
    )
