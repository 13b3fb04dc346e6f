"""Which images are explained."""

import numpy as np

from skinfw import Predictions
from skinfw.evaluation.explain import choose_images

TRUE = np.array([1, 1, 1, 1, 0, 0, 1, 0])
CALLED = np.array([1, 1, 0, 1, 0, 1, 1, 0])
SURE = np.array([0.9, 0.8, 0.6, 0.9, 0.7, 0.95, 0.9, 0.9])
CHANCES = np.where(np.eye(2)[CALLED] == 1, SURE[:, None], 1 - SURE[:, None])
NAMES = [f"i{place}" for place in range(8)]
PART = Predictions(NAMES, NAMES, TRUE, CHANCES, ("MEL", "NV"))


def test_the_first_images_come_as_the_part_has_them_and_mistakes_behind_them() -> None:
    assert choose_images(PART, 3, 0, 0, "first") == [0, 1, 2]
    assert choose_images(PART, 3, 2, 0, "first") == [0, 1, 2, 5]
    assert choose_images(PART, 3, 1, 9, "first") == [0, 1, 2, 5], "no dice are thrown"
    assert choose_images(PART, 20, 2, 0, "first") == list(range(8))


def test_images_are_spread_over_the_classes_and_ordered_by_them() -> None:
    for seed in range(5):
        chosen = choose_images(PART, 4, 0, seed)
        assert TRUE[chosen].tolist() == [0, 0, 1, 1]
    both = choose_images(PART, 2, 2, 0)
    assert {2, 5} <= set(both) and TRUE[both].tolist() == sorted(TRUE[both])
