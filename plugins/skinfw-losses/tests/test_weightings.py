import pytest

from skinfw import SkinfwError
from skinfw_losses.weightings import (
    ByClass,
    Cumulative,
    Deferred,
    EffectiveNumber,
    InverseFrequency,
)

ISIC2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
COUNTS_2018 = [1113, 6705, 514, 327, 1099, 115, 142]
FULL = [0.19403, 0.02249, 0.49034, 0.84372, 0.19700, 2.95677, 2.29566]


@pytest.mark.parametrize(
    ("power", "counts", "expected"),
    [
        (1.0, [19, 256, 90, 32, 16], [1.63048, 0.12101, 0.34421, 0.96810, 1.93620]),
        (1.1, [374, 254, 1372], [1.08307, 1.65767, 0.25925]),
        (1.2, COUNTS_2018, FULL),
        (
            1.2,
            [4522, 12875, 3323, 867, 2624, 239, 253, 628],
            [0.09042, 0.02576, 0.13086, 0.65617, 0.17373, 3.08009, 2.87671, 0.96625],
        ),
    ],
    ids=["Derm7PT", "ISIC 2017", "ISIC 2018", "ISIC 2019"],
)
def test_inverse_frequency_gives_the_published_weights(power, counts, expected) -> None:
    classes = tuple("abcdefgh"[: len(counts)])
    weights = InverseFrequency(classes, power=power).weights(counts, 1, 70)
    assert weights == pytest.approx(expected, abs=1e-4)


def test_difficulty_stands_inside_the_power() -> None:
    weighting = InverseFrequency(("A", "B"), power=2.0, difficulty={"B": 3.0})
    assert weighting.weights([10, 30], 1, 1) == pytest.approx([1.0, 1.0])


def test_an_absent_class_weighs_nothing() -> None:
    classes = ("A", "B", "C")
    assert InverseFrequency(classes).weights([10, 0, 10], 1, 1) == pytest.approx([1.5, 0.0, 1.5])
    assert EffectiveNumber().weights([10, 0, 10], 1, 1) == pytest.approx([1.5, 0.0, 1.5])


@pytest.mark.parametrize(("start", "epochs"), [(50, 70), (0.5, 100)])
def test_deferred_weights_begin_at_their_epoch(start: float, epochs: int) -> None:
    weighting = Deferred(ISIC2018, power=1.2, start=start)
    assert weighting.weights(COUNTS_2018, 49, epochs) == pytest.approx([1.0] * 7)
    assert weighting.weights(COUNTS_2018, 50, epochs) == pytest.approx(FULL, abs=1e-4)


@pytest.mark.parametrize(("start", "stop"), [(20, 60), (20 / 70, 60 / 70)])
def test_cumulative_power_grows_with_the_square(start: float, stop: float) -> None:
    weighting = Cumulative(ISIC2018, start=start, stop=stop)
    assert weighting.weights(COUNTS_2018, 20, 70) == pytest.approx([1.0] * 7)
    for epoch, power in ((30, 0.075), (40, 0.3), (50, 0.675), (60, 1.2), (70, 1.2)):
        plain = InverseFrequency(ISIC2018, power=power).weights(COUNTS_2018, 1, 70)
        assert weighting.weights(COUNTS_2018, epoch, 70) == pytest.approx(plain), epoch
    expected = [0.767, 0.448, 0.967, 1.108, 0.770, 1.516, 1.423]
    assert weighting.weights(COUNTS_2018, 40, 70) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("start", "stop"), [(60, 20), (20, 20), (0.8, 0.2), (5, 0.9)])
def test_a_ramp_that_runs_backwards_is_refused(start: float, stop: float) -> None:
    with pytest.raises(SkinfwError, match="before they start"):
        Cumulative(ISIC2018, start=start, stop=stop)


def test_effective_number_lies_between_even_and_inverse_frequency() -> None:
    counts = [10, 1000]
    assert EffectiveNumber(beta=0.0).weights(counts, 1, 1) == pytest.approx([1.0, 1.0])
    expected = [2 * 1000 / 1010, 2 * 10 / 1010]
    assert EffectiveNumber(beta=0.9999999).weights(counts, 1, 1) == pytest.approx(expected, 1e-3)
    raw = [(1 - 0.99) / (1 - 0.99**n) for n in counts]
    expected = [2 * value / sum(raw) for value in raw]
    assert EffectiveNumber(beta=0.99).weights(counts, 1, 1) == pytest.approx(expected)


def test_weights_of_the_recipe_are_kept_as_they_are() -> None:
    weighting = ByClass(ISIC2018, factors={"NV": 0.8, "DF": 1.8})
    assert weighting.weights(COUNTS_2018, 3, 9) == [1.0, 0.8, 1.0, 1.0, 1.0, 1.8, 1.0]
