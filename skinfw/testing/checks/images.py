"""What preparations, augmentations, mixes and views promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from skinfw.data.warping import apply_steps, fold_steps
from skinfw.guards.answers import check_image, check_steps, check_views
from skinfw.guards.tensors import check_mix, unchanged
from skinfw.interfaces.transforms import Dice
from skinfw.runtime.seed import stream
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import BASIC, Checks, refuse
from skinfw.testing.checks.all_kinds import quiet_dice, same_twice

CHECK = Checks("augment")
_THROWS = 100
_SHAPES = ((60, 80), (80, 60), (64, 64), (40, 160), (300, 200))


def _prepare(candidate: Candidate) -> Any:
    built = candidate.build()
    with candidate.component.guard(built.prepare):
        return check_image(built.prepare(examples.image()))


@CHECK("answers", "base", "prepare")
def prepares_images(candidate: Candidate) -> None:
    """It returns an image, uint8 [H, W, 3]."""
    _prepare(candidate)


@CHECK("leaves the image", "full", "prepare")
def leaves_the_image(candidate: Candidate) -> None:
    """It does not write into the image that it is given."""
    given = examples.image()
    candidate.call(candidate.build().prepare, given)
    if not np.array_equal(given, examples.image()):
        refuse("wrote into the image", "others may hold this image, too; work on a copy")


@CHECK("same image, same answer", "base", "prepare")
def prepares_alike(candidate: Candidate) -> None:
    """What it makes of an image depends on the image alone."""
    expected = "a cache keeps what it returns, so that nothing else may decide it"
    same_twice(lambda: _prepare(candidate), np.array_equal, expected)


def _augment(candidate: Candidate, built: Any, seed: int, shape: tuple[int, int] = (60, 80)) -> Any:
    """Return what becomes of an image under some dice."""
    with candidate.component.guard(built.roll):
        steps = check_steps(built.roll(examples.dice(seed, shape)))
        return check_image(apply_steps(examples.image(*shape), fold_steps(steps)))


@CHECK("answers", "base")
def rolls_steps(candidate: Candidate) -> None:
    """It returns steps that make an image, uint8 [H, W, 3], of images of any shape."""
    built = candidate.build()
    for shape in _SHAPES:
        for seed in range(4):
            _augment(candidate, built, seed, shape)


@CHECK("dice decide", "base")
def dice_decide(candidate: Candidate) -> None:
    """What happens to an image depends on its dice alone."""

    def several() -> Any:
        built = candidate.build()
        return [_augment(candidate, built, seed) for seed in range(6)]

    same_twice(several, _all_equal, "all chance comes from dice.rng")


def _all_equal(first: list[Any], second: list[Any]) -> bool:
    return all(map(np.array_equal, first, second))


@CHECK("any workers", "full", needs=(*BASIC, "dice decide"))
def any_workers(candidate: Candidate) -> None:
    """Images come out alike whoever computes them, beside whom and in what order."""
    built = candidate.build()
    seeds = range(24)
    alone = [_augment(candidate, candidate.build(), seed) for seed in seeds]
    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(lambda seed: _augment(candidate, built, seed), reversed(seeds)))
    if not _all_equal(alone, beside[::-1]):
        refuse("answers differently beside other threads", "it keeps nothing on the object")


@CHECK("images differ", "full")
def images_differ(candidate: Candidate) -> None:
    """Other dice give another image, so that epochs differ."""
    built = candidate.build()
    first = _augment(candidate, built, 0)
    for seed in range(_THROWS):
        made = apply_steps(examples.image(), fold_steps(built.roll(examples.dice(seed))))
        if not np.array_equal(first, made):
            return
    refuse(f"makes the same of {_THROWS} throws", "an augmentation varies what it shows")


@CHECK("leaves the peer", "base")
def leaves_the_peer(candidate: Candidate) -> None:
    """It does not write into the other image that dice.peer gives."""
    peer, own = examples.image(seed=7), examples.image()
    built = candidate.build()
    for seed in range(8):
        dice = Dice(stream(seed, "augment"), own.shape[:2], True, lambda: peer)
        with candidate.component.guard(built.roll):
            apply_steps(own.copy(), fold_steps(check_steps(built.roll(dice))))
    if not np.array_equal(peer, examples.image(seed=7)):
        refuse("wrote into another training image", "what dice.peer returns belongs to others")


@CHECK("global dice alone", "full")
def augment_leaves_global_dice(candidate: Candidate) -> None:
    """It draws nothing from random generators that all of the process shares."""
    built = candidate.build()
    with quiet_dice():
        for seed in range(6):
            _augment(candidate, built, seed)


def _batch() -> torch.Tensor:
    return torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def _mix(candidate: Candidate, seed: int = 0) -> tuple[Any, Any, float]:
    built, batch = candidate.build(), _batch()
    with candidate.component.guard(built.mix), unchanged({"images": batch}):
        images, order, share = check_mix(built.mix(batch, stream(seed, "mix")), batch)
    if order.min() < 0 or order.max() >= len(batch):
        refuse(f"mixes in image {int(order.max())} of {len(batch)}", "order holds positions")
    return images, order, share


@CHECK("answers", "base", "mix")
def mixes(candidate: Candidate) -> None:
    """It returns images of the same shape, whom each one got, and the share of its own."""
    for seed in range(8):
        _mix(candidate, seed)


@CHECK("same dice, same mix", "base", "mix")
def mixes_alike(candidate: Candidate) -> None:
    """The mix depends on the images and on rng alone."""

    def equal(first: Any, second: Any) -> bool:
        return first[2] == second[2] and all(map(torch.equal, first[:2], second[:2]))

    same_twice(lambda: _mix(candidate), equal, "all chance comes from rng")


@CHECK("answers", "base", "view")
def plans_views(candidate: Candidate) -> None:
    """Every view of an image of any shape is a square of the network's size."""
    built = candidate.build()
    for shape in _SHAPES:
        with candidate.component.guard(built.plan):
            views = check_views(built.plan(shape))
        for steps in views:
            size = apply_steps(examples.image(*shape), fold_steps(steps)).shape[:2]
            if size != (examples.SIZE, examples.SIZE):
                refuse(f"shows {list(size)} of {list(shape)}", f"a view is {examples.SIZE} square")


@CHECK("same views again", "base", "view")
def same_views_again(candidate: Candidate) -> None:
    """The views of an image depend on its size alone."""

    def views() -> list[Any]:
        plans = candidate.call(candidate.build().plan, (60, 80))
        return [apply_steps(examples.image(), fold_steps(steps)) for steps in plans]

    same_twice(views, _all_equal, "predictions of an image are always the same")
