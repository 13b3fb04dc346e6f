import numpy as np
import pytest

from skinfw import Context
from skinfw_acme.repeat_factor import RepeatFactor

CLASSES = ("NV", "MEL", "DF")
LABELS = np.repeat(np.arange(3), (800, 150, 50))
LESIONS = [f"L{number}" for number in range(1000)]


def unasked(*_: object) -> None:
    raise AssertionError("the sampler looks at labels and lesions alone")


def context(epoch: int, lesions: list[str] = LESIONS) -> Context:
    rng = np.random.default_rng((0, epoch))
    return Context(CLASSES, epoch, rng, unasked, unasked, unasked, lesions)


def shown(threshold: float, epoch: int = 1) -> np.ndarray:
    """Return how often an epoch shows each image."""
    draw = RepeatFactor(threshold=threshold).draw(LABELS, context(epoch))
    return np.bincount(draw.indices, minlength=len(LABELS))


def test_a_whole_factor_repeats_exactly() -> None:
    times = shown(0.2)  # sqrt(0.2 / 0.05) is 2
    assert set(times[LABELS == 0]) == {1} and set(times[LABELS == 2]) == {2}


def test_a_fraction_is_right_on_average_and_falls_on_other_images_each_epoch() -> None:
    factor = np.sqrt(0.2 / 0.15)
    epochs = np.array([shown(0.2, epoch)[LABELS == 1] for epoch in range(1, 201)])
    assert set(epochs.flat) == {1, 2}
    assert epochs.mean() == pytest.approx(factor, abs=0.01)  # five standard errors
    assert epochs.mean(0).max() < 1.5 and (epochs[0] != epochs[1]).any()


def test_every_repeat_is_a_copy() -> None:
    draw = RepeatFactor(threshold=0.8).draw(LABELS, context(1))
    assert draw.copies is not None
    assert sorted(draw.indices[~draw.copies]) == list(range(len(LABELS)))
    assert (np.bincount(draw.indices[draw.copies], minlength=1000) == shown(0.8) - 1).all()


def test_the_paper_s_threshold_repeats_nothing_here() -> None:
    assert (shown(0.001) == 1).all()


def test_originals_and_copies_are_mixed() -> None:
    draw = RepeatFactor(threshold=0.8).draw(LABELS, context(1))
    assert draw.copies is not None
    halves = np.array_split(draw.copies, 2)
    assert halves[0].mean() == pytest.approx(halves[1].mean(), abs=0.1)


def test_photographs_of_one_lesion_count_as_one() -> None:
    # Of 975 lesions, 25 are dermatofibromas with two photographs each.
    lesions = [f"L{number}" for number in range(950)] + [f"D{n // 2}" for n in range(50)]
    times = np.array(
        [
            np.bincount(
                RepeatFactor(threshold=0.4).draw(LABELS, context(epoch, lesions)).indices,
                minlength=1000,
            )
            for epoch in range(1, 101)
        ]
    )
    share = 25 / 975
    assert times[:, LABELS == 2].mean() == pytest.approx(np.sqrt(0.4 / share), abs=0.05)
