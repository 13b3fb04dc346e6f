"""What single keys of [sweep] cannot tell: whether they go together, and with the recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from skinfw import RecipeError
from skinfw.toolkit import Plan
from skinfw_sweep.settings import Axis, SweepSettings

MOST_TRIALS = 10_000
Place = Callable[..., str]


def whole_problems(
    settings: SweepSettings,
    axes: Sequence[Axis],
    listed: Sequence[Mapping[str, Any]],
    plan: Plan,
    place: Place,
) -> Iterator[RecipeError]:
    """Yield what is wrong with a sweep as a whole.

    axes, listed: what is tried.
    plan: the recipe without it.
    place: says where a key of [sweep] was written.
    """
    yield from _method_problems(settings, axes, listed, place)
    yield from _key_problems(axes, listed, place)
    yield from _count_problems(settings, axes, listed, place)
    if plan.train.validation == "test":
        yield RecipeError(
            "a sweep chooses by validation",
            plan.recipe.origin("train", "validation").text,
            "the trials would be chosen by the part that is to tell how good the best is",
            'set train.validation = "val"',
        )
    sizes = [plan.train.batch_size, *_tried("train.batch_size", axes, listed)]
    if "auto" in sizes:
        yield RecipeError(
            'a sweep cannot have train.batch_size = "auto"',
            plan.recipe.origin("train", "batch_size").text if sizes[0] == "auto" else place(),
            "each trial would have what was free while it began",
            "write a number",
        )


def _tried(key: str, axes: Sequence[Axis], listed: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the values that a key is tried with, those of ranges left out."""
    own = [value for axis in axes if axis.key == key for value in axis.choices]
    return own + [one[key] for one in listed if key in one]


def _method_problems(
    settings: SweepSettings,
    axes: Sequence[Axis],
    listed: Sequence[Mapping[str, Any]],
    place: Place,
) -> Iterator[RecipeError]:
    if settings.searches:
        if listed:
            what = "a search takes no [[sweep.trial]]"
            yield RecipeError(what, place("trial"), cure='set sweep.method = "grid"')
        if not axes:
            what = "a search needs [sweep.space]"
            yield RecipeError(what, place("method"), cure="say what is searched")
        return
    if not axes and not listed:
        cure = "add [sweep.space], [[sweep.trial]], seeds or folds"
        yield RecipeError("the sweep tries nothing", place(), cure=cure)
    for axis in axes:
        if not axis.choices:
            yield RecipeError(
                f"{axis.key} is a range",
                place(axis.key),
                "a grid has the values that are listed, and a range has no end of them",
                'list its values, or set sweep.method = "random" or "tpe"',
            )


def _key_problems(
    axes: Sequence[Axis], listed: Sequence[Mapping[str, Any]], place: Place
) -> Iterator[RecipeError]:
    """Yield keys that say something about the same value."""
    names = sorted({axis.key for axis in axes} | {key for own in listed for key in own})
    for one, other in product(names, names):
        if other.startswith(f"{one}."):
            what = f"{one} and {other} are tried at once"
            yield RecipeError(what, place(other), "the first holds the second")
    for axis in axes:
        if any(axis.key in own for own in listed):
            what = f"{axis.key} is in [[sweep.trial]] and beside it"
            yield RecipeError(what, place(axis.key), cure="leave one of them out")
    for at, own in enumerate(listed):
        if own in listed[:at]:
            what = "two [[sweep.trial]] set the same"
            why = "one setting twice would count as two trainings of it"
            yield RecipeError(what, place("trial", at), why, "leave one of them out, or set seeds")


def _count_problems(
    settings: SweepSettings,
    axes: Sequence[Axis],
    listed: Sequence[Mapping[str, Any]],
    place: Place,
) -> Iterator[RecipeError]:
    """Yield that a grid has too many trials, or a search more than there are settings."""
    endless = any(not axis.choices for axis in axes)
    count = (len(listed) or 1) * math.prod(len(axis.choices) or 1 for axis in axes)
    if not settings.searches and count > MOST_TRIALS:
        what = f"the grid has {count:,} trials, and {MOST_TRIALS:,} is the most"
        yield RecipeError(what, place("space"), cure='set sweep.method = "random" or "tpe"')
    if settings.searches and axes and not endless and count < settings.trials:
        what = f"the search has {settings.trials} trials, and there are {count} combinations"
        yield RecipeError(what, place("trials"), cure='set method = "grid", or fewer trials')
