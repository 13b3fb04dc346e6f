"""What a split and a sampler promise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skinfw.guards.answers import check_draw, check_parts
from skinfw.interfaces.values import PARTS, Draw
from skinfw.runtime.seed import stream
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import BASIC, Checks, refuse
from skinfw.testing.checks.all_kinds import quiet_dice, same_twice

CHECK = Checks("sampler")


def _draw(candidate: Candidate, epochs: Sequence[int] = (1,), seed: int = 0) -> Draw:
    """Return the draw of the last of some epochs, by a sampler that is built anew."""
    sampler, draw = candidate.build(), None
    for epoch in epochs:
        labels = examples.labels()
        draw = candidate.call(sampler.draw, labels, examples.context(epoch, seed))
    with candidate.component.guard(sampler.draw):
        return check_draw(draw, len(examples.labels()))


def _equal(first: Draw, second: Draw) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        if getattr(first, name) is not None
        else getattr(second, name) is None
        for name in ("indices", "copies", "partners")
    )


@CHECK("answers", "base")
def answers(candidate: Candidate) -> None:
    """It returns a Draw of positions in the training part."""
    _draw(candidate)


@CHECK("leaves the labels", "base")
def leaves_the_labels(candidate: Candidate) -> None:
    """It writes into no label."""
    labels = examples.labels()
    candidate.call(candidate.build().draw, labels, examples.context())
    if not np.array_equal(labels, examples.labels()):
        refuse("wrote into the labels", "a run would train on wrong labels; sort a copy")


@CHECK("same seed, same draw", "base")
def same_seed_same_draw(candidate: Candidate) -> None:
    """An epoch's draw depends on the seed, the labels and the epoch alone."""
    same_twice(lambda: _draw(candidate), _equal, "all chance comes from context.rng")


@CHECK("an epoch stands alone", "base", needs=(*BASIC, "same seed, same draw"))
def an_epoch_stands_alone(candidate: Candidate) -> None:
    """A resumed run, which begins in a later epoch, draws what it would have drawn."""
    if not _equal(_draw(candidate, (1, 2, 3)), _draw(candidate, (3,))):
        refuse(
            "draws epoch 3 differently without the epochs before",
            "what lasts is computed by context.once, nothing is kept on the object",
        )


@CHECK("epochs differ", "full")
def epochs_differ(candidate: Candidate) -> None:
    """The order changes from epoch to epoch."""
    if np.array_equal(_draw(candidate, (1,)).indices, _draw(candidate, (2,)).indices):
        refuse("draws two epochs alike", "the order comes from context.rng, new in each epoch")


@CHECK("shows every class", "full")
def shows_every_class(candidate: Candidate) -> None:
    """Each class of the labels is shown within three epochs."""
    shown = np.concatenate([_draw(candidate, (epoch,)).shown for epoch in (1, 2, 3)])
    absent = set(range(len(examples.CLASSES))) - set(examples.labels()[shown].tolist())
    if absent:
        names = ", ".join(examples.CLASSES[label] for label in sorted(absent))
        refuse(f"never shows {names}", "a class that is never shown cannot be learned")


@CHECK("copies come second", "full")
def copies_come_second(candidate: Candidate) -> None:
    """Of the times that an epoch shows an image, one is the original and all others are copies."""
    draw = _draw(candidate)
    if draw.copies is None:
        return
    originals = draw.indices[~draw.copies]
    if len(originals) != len(set(originals.tolist())):
        refuse("shows an original twice", "each further repeat is marked in copies")
    if missing := set(draw.indices[draw.copies].tolist()) - set(originals.tolist()):
        refuse(f"calls image {min(missing)} a copy and shows no original", "one is the original")


@CHECK("global dice alone", "full")
def global_dice_alone(candidate: Candidate) -> None:
    """It draws nothing from random generators that all of the process shares."""
    with quiet_dice():
        _draw(candidate)


def _assign(candidate: Candidate, seed: int = 0) -> list[str]:
    table = examples.table()
    split = candidate.build()
    with candidate.component.guard(split.assign):
        return check_parts(split.assign(table, stream(seed, "split")), len(table))


@CHECK("answers", "base", "split")
def names_parts(candidate: Candidate) -> None:
    """It returns "train", "val" or "test" for each row."""
    _assign(candidate)


@CHECK("leaves the table", "base", "split")
def leaves_the_table(candidate: Candidate) -> None:
    """It changes nothing in the table."""
    table = examples.table()
    candidate.call(candidate.build().assign, table, stream(0, "split"))
    if not table.equals(examples.table()):
        refuse("changed the table", "a run goes on with this table; work on a copy")


@CHECK("same seed, same parts", "base", "split")
def same_seed_same_parts(candidate: Candidate) -> None:
    """The parts depend on the table and on rng alone."""
    same_twice(lambda: _assign(candidate), list.__eq__, "all chance comes from rng")


@CHECK("keeps lesions whole", "full", "split")
def keeps_lesions_whole(candidate: Candidate) -> None:
    """All images of a lesion are in one part."""
    parts = examples.table().assign(part=_assign(candidate)).groupby("lesion")["part"].nunique()
    if straddling := sorted(parts.index[parts > 1]):
        refuse(f"divides lesion {straddling[0]}", "images of a lesion belong to one part")


@CHECK("fills every part", "full", "split")
def fills_every_part(candidate: Candidate) -> None:
    """Each part gets images of every class, where there are enough lesions."""
    rows = examples.table().assign(part=_assign(candidate))
    for part in PARTS:
        if absent := set(examples.CLASSES) - set(rows.loc[rows["part"] == part, "label"]):
            refuse(f"puts no {min(absent)} into {part}", "a part lacks no class of twelve lesions")


@CHECK("global dice alone", "full", "split")
def split_leaves_global_dice(candidate: Candidate) -> None:
    """It draws nothing from random generators that all of the process shares."""
    with quiet_dice():
        _assign(candidate)
