"""Probabilities of a network as those of other classes: of groups, and of malignancy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from skinfw import UNKNOWN, ClassGroup, Predictions, select
from skinfw.toolkit import diagnoses

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.integer]

MALIGNANCY = ("benign", "malignant")


def class_groups(
    answers: Mapping[str, Sequence[str]], classes: Sequence[str]
) -> tuple[ClassGroup, ...]:
    """Return labels and classes in groups that mean the same, in the order of the classes.

    answers: for each label the classes that answer it.
    classes: of the network.
    Two labels that one class answers are in one group, and so are all classes of one label.
    """
    homes = {name: {name} for name in classes}
    for answering in answers.values():
        known = [name for name in answering if name in homes]
        joined = set[str]().union(*(homes[name] for name in known))
        homes |= dict.fromkeys(joined, joined)
    groups = []
    for first in classes:
        own = tuple(name for name in classes if name in homes[first])
        labels = tuple(name for name, answering in answers.items() if {*answering} & {*own})
        if labels and first == own[0]:
            groups.append(ClassGroup("+".join(own), labels, own))
    return tuple(groups)


def roll_up(
    predictions: Predictions, labels: Sequence[str], groups: Sequence[ClassGroup]
) -> Predictions | None:
    """Return what a network says of the images of some groups, by group; None without an image.

    predictions: in the network's classes.
    labels: of each image, [N], as the groups have them.
    The probability of a group is the sum over its classes. A class of no group stays as it is,
    without images: who is called so is called wrongly.
    """
    import numpy as np

    group_of = {label: place for place, own in enumerate(groups) for label in own.labels}
    true = np.array([group_of.get(label, -1) for label in labels], np.int64)
    if not (true >= 0).any():
        return None
    grouped = {name for own in groups for name in own.classes}
    columns = {own.name: list(own.classes) for own in groups}
    columns |= {name: [name] for name in predictions.classes if name not in grouped}
    places = [[predictions.classes.index(name) for name in own] for own in columns.values()]
    summed = np.stack([predictions.probabilities[:, own].sum(1) for own in places], 1)
    return _replaced(predictions, true, summed, tuple(columns))


def malignancy(predictions: Predictions, labels: Sequence[str]) -> Predictions | None:
    """Return what a network says of malignancy, None where it or the labels tell nothing of it.

    predictions: in the network's classes; the chance is the sum over the malignant ones.
    labels: of each image, [N]. An image whose label is indeterminate or unknown is left out.
    """
    import numpy as np

    table = diagnoses()
    kinds = [table.malignancy_of(name) for name in predictions.classes]
    known = {name: table.malignancy_of(name) for name in set(labels) - {UNKNOWN}}
    true = np.array(
        [MALIGNANCY.index(kind) if (kind := known.get(label)) in MALIGNANCY else -1
         for label in labels], np.int64,
    )  # fmt: skip
    if not {*MALIGNANCY} <= {*kinds} or not (true >= 0).any():
        return None
    chance = predictions.probabilities[:, [kind == "malignant" for kind in kinds]].sum(1)
    return _replaced(predictions, true, np.stack([1 - chance, chance], 1), MALIGNANCY)


def _replaced(
    predictions: Predictions,
    true: Integers,
    probabilities: npt.NDArray[np.float64],
    classes: tuple[str, ...],
) -> Predictions:
    """Return predictions in other classes, without the images that are of none of these."""
    import numpy as np

    known = np.flatnonzero(true >= 0)
    shown = select(predictions, known)
    return replace(
        shown, true=true[known], probabilities=probabilities[known], classes=classes, auxiliary={}
    )
