"""Which class each label of several data sets is, by the table of diagnoses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw import UNKNOWN, RecipeError
from skinfw.toolkit import diagnoses

if TYPE_CHECKING:
    from skinfw import Dataset
    from skinfw.toolkit import PlannedComponent


@dataclass(frozen=True)
class Labels:
    """Hold the classes of several data sets together.

    classes: their names.
    by_set: for each data set the class of each label; blank for what is left out.
    """

    classes: tuple[str, ...]
    by_set: Sequence[Mapping[str, str]]


def align_sets(sets: Sequence[tuple[PlannedComponent[Dataset], Dataset]]) -> Labels:
    """Return the class of each label: of the first data set its own, of the others by diagnosis.

    sets: the data sets, with their keys `labels`, which win over the table of diagnoses.
    Raises RecipeError for labels of which the table does not say which class they are.
    """
    classes: list[str] = []
    by_set = []
    for component, dataset in sets:
        own = _classes_of(component, tuple(dataset.classes), tuple(classes))
        classes += [name for name in own.values() if name and name not in classes]
        by_set.append(own)
    return Labels(tuple(dict.fromkeys(classes)), by_set)


def _classes_of(
    component: PlannedComponent[Dataset], labels: Sequence[str], classes: Sequence[str]
) -> dict[str, str]:
    """Return the class of each label of one data set.

    classes: of the data sets before it; none for the first.
    """
    names: Mapping[str, str] = component.host["labels"]
    where = component.origin.text
    if unused := [label for label in names if label not in labels]:
        raise RecipeError(
            f"{', '.join(unused)} is no label of {component.host['source']}",
            where,
            f"its labels are {', '.join(labels)}",
            "mend the key labels",
        )
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    for label in labels:
        if label in names or label in classes or not classes:
            found[label] = names.get(label, label)
            continue
        near = _sharing(label, classes)
        if near is None:
            problems[label] = f"the table of diagnoses does not know {label}"
        elif len(near) > 1 or (near and not _held(label) <= _held(near[0])):
            problems[label] = f"{label} shares diagnoses with {', '.join(near)}, but not all"
        else:
            found[label] = near[0] if near else label
    if problems:
        example = ", ".join(f'"{label}" = "..."' for label in problems)
        raise RecipeError(
            f"nobody knows which class {', '.join(problems)} of {component.host['source']} is",
            where,
            f"{'; '.join(problems.values())}; the classes are {', '.join(classes)}",
            f'say it: labels = {{ {example} }}, where a new name makes a class and "" leaves the '
            "images out; or name the data set with the wider classes first",
        )
    return found


def _sharing(label: str, classes: Sequence[str]) -> list[str] | None:
    """Return the classes that share a diagnosis with a label; None for one that nobody knows."""
    own = _held(label)
    return [name for name in classes if own & _held(name)] if own else None


def _held(name: str) -> frozenset[str]:
    """Return the diagnoses that images of a label or class may show."""
    return frozenset({UNKNOWN}) if name == UNKNOWN else diagnoses().may_show(name)
