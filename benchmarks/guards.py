"""What the guards cost: an epoch as it is, beside the same epoch with the guards taken out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

from benchmarks import ours
from benchmarks.harness import Bench, Row
from benchmarks.training import BATCH, IMAGES, SIZE, TRAIN
from skinfw.guards.writes import watch_writes

MOST = 1.01


def epoch(bench: Bench) -> list[Row]:
    """Measure pairs of epochs, in an order that turns with every pair."""
    count, size = bench.amount(IMAGES, 16), bench.amount(SIZE, 64)
    text = ours.recipe(ours.noise(count, size), size, TRAIN + ours.STRONG)
    components = ours.components(text, bench.scratch)
    work = ours.training(components, bench.scratch)
    work()
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(bench.rounds):
        for guards in (True, False) if number % 2 else (False, True):
            own = watch_writes(bench.scratch, (), ()) if guards else _without(components)
            with own:
                times[guards].append(work())
    name = f"an epoch of {count:,} images in batches of {BATCH}, augmented"
    return [Row(name, "the same without guards", times[True], times[False], at_most=MOST)]


@contextmanager
def _without(components: Any) -> Iterator[None]:
    """Take all guards out that an epoch meets."""

    def as_it_is(value: Any) -> Any:
        return value

    def own(component: Any, step: Any) -> Any:
        return step

    with ExitStack() as stack:
        for target, new in (
            ("skinfw.data.loader.check_steps", as_it_is),
            ("skinfw.data.loader._own", own),
            ("skinfw.recipe.component.PlannedComponent.guard", lambda *_: nullcontext()),
            ("skinfw.training.components.Guard", lambda *_, **__: nullcontext()),
        ):
            stack.enter_context(patch(target, new))
        stack.enter_context(patch.object(components, "loss", _Plain(components.loss)))
        yield


class _Plain:
    """Call a loss without its guard."""

    def __init__(self, guarded: Any) -> None:
        self._loss = guarded._loss
        self.memory = guarded.memory

    def __call__(self, *values: Any) -> Any:
        return self._loss(*values)

    def check_finite(self) -> None:
        """Say nothing."""
