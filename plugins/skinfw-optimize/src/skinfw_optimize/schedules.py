"""Learning rate schedules, stepped once per optimizer step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Interval, Lt

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

Share = Annotated[float, Ge(0), Lt(1)]


def constant(optimizer: Optimizer, steps: int, epochs: int, *, warmup: Share = 0.0) -> LRScheduler:
    """Keep the learning rate, after a linear warm-up.

    warmup: share of the training during which it rises.
    """
    return _scale(optimizer, steps, warmup, lambda _: 1.0)


def cosine(
    optimizer: Optimizer, steps: int, epochs: int, *, warmup: Share = 0.05, final: Share = 0.0
) -> LRScheduler:
    """Rise linearly, then fall along half a cosine (Loshchilov and Hutter 2017).

    warmup: share of the training during which the rate rises.
    final: last rate over the highest.
    """
    return _scale(optimizer, steps, warmup, lambda done: _between(1.0, final, done))


def multistep(
    optimizer: Optimizer,
    steps: int,
    epochs: int,
    *,
    milestones: tuple[Annotated[int, Ge(1)], ...] = (30, 40, 50, 60),
    factor: Annotated[float, Gt(0), Lt(1)] = 0.1,
) -> LRScheduler:
    """Multiply the rate by a factor when certain epochs begin.

    milestones: epochs, from 1, that begin with a lower rate.
    factor: by which.
    """
    from torch.optim.lr_scheduler import LambdaLR

    per_epoch = max(1, steps // epochs)

    def scale(step: int) -> float:
        epoch = step // per_epoch + 1
        return factor ** sum(epoch >= milestone for milestone in milestones)

    return LambdaLR(optimizer, scale)


def one_cycle(
    optimizer: Optimizer,
    steps: int,
    epochs: int,
    *,
    rise: Annotated[float, Interval(gt=0, lt=1)] = 0.3,
    start: Annotated[float, Interval(gt=0, le=1)] = 0.04,
    final: Annotated[float, Interval(gt=0, le=1)] = 4e-6,
) -> LRScheduler:
    """Go up to the optimizer's rate and far down again along cosines (Smith 2018).

    rise: share of the training spent going up.
    start: first rate over the highest.
    final: last rate over the highest.
    """
    from torch.optim.lr_scheduler import LambdaLR

    top = max(1, round(rise * steps)) if steps > 1 else 0
    left = max(1, steps - 1 - top)

    def scale(step: int) -> float:
        if step < top:
            return _between(start, 1.0, step / top)
        return _between(1.0, final, min(1.0, (step - top) / left))

    return LambdaLR(optimizer, scale)


def _between(first: float, last: float, done: float) -> float:
    """Go from one value to another along half a cosine; `done` from 0 to 1."""
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2


def _scale(
    optimizer: Optimizer, steps: int, warmup: float, shape: Callable[[float], float]
) -> LRScheduler:
    """Return a schedule that warms up, then follows a shape over the rest, from 0 to 1."""
    from torch.optim.lr_scheduler import LambdaLR

    rising = round(warmup * steps)

    def scale(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        return shape(min(1.0, (step - rising) / max(1, steps - rising)))

    return LambdaLR(optimizer, scale)
