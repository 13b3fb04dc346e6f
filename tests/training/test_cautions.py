"""What a user is told before training, of sampler, weighting and schedule together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from skinfw.training.cautions import warn_double_correction, warn_late_correction
from skinfw_losses.weightings import Cumulative

CLASSES = ("NV", "DF")
COUNTS = (900, 100)


@pytest.mark.parametrize(
    ("drawn", "weights", "told"),
    [
        ((500, 500), (0.2, 1.8), True),
        ((900, 100), (0.2, 1.8), False),
        ((500, 500), (1.0, 1.0), False),
        ((500, 500), (0.9, 1.1), False),
        ((500, 500), (1.5, 0.5), False),
    ],
)
def test_one_imbalance_corrected_twice_is_told(drawn, weights, told) -> None:
    assert bool(warn_double_correction(CLASSES, COUNTS, drawn, np.array(weights))) == told


def test_the_text_names_classes_and_factors() -> None:
    text = warn_double_correction(CLASSES, COUNTS, (500, 500), np.array((0.2, 1.8)))
    assert "DF is drawn 9.0 times as often as one of NV, and weighs 9.0 times" in text


def published() -> tuple[np.ndarray, list[float]]:
    """Return the weights and learning rates of Yao et al. on ISIC 2018."""
    counts = [1113, 6705, 514, 327, 1099, 115, 142]
    weighting = Cumulative(tuple("abcdefg"))
    weights = [weighting.weights(counts, epoch, 70) for epoch in range(1, 71)]
    falls = (30, 40, 50, 60)
    return np.array(weights), [0.1 ** sum(e >= f for f in falls) for e in range(1, 71)]


def test_weights_that_change_at_tiny_rates_are_told() -> None:
    weights, rates = published()
    assert "only 0.2% of the learning rate is left" in warn_late_correction(weights, rates)
    assert not warn_late_correction(weights, [1.0] * 70)
    assert not warn_late_correction(np.repeat(weights[-1:], 70, 0), rates)


@pytest.mark.slow
def test_a_run_tells_both(train: Callable[..., Any]) -> None:
    said: list[str] = []
    sets = (
        'sampler={use="power", q=0.0}',
        'weighting={use="drw", start=3}',
        'schedule={use="multistep", milestones=[3], factor=0.001}',
        "train.epochs=3",
    )
    train(*sets, said=said)
    notes = [line for line in said if line.startswith("note: ")]
    assert any("correct the same imbalance" in note for note in notes)
    assert any("half changed in epoch 3 of 3" in note for note in notes)
    said.clear()
    train("train.epochs=3", said=said)
    assert not any("imbalance" in line or "half changed" in line for line in said)
