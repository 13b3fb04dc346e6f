"""What is measured of answers, and what becomes of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skinfw import Estimate, Predictions, confidence_intervals, select
from skinfw_shortcuts.numbers import Answers, Changes, Discrimination
from skinfw_shortcuts.verdicts import DECIDING, SURROUNDINGS, mark_verdicts, surroundings_verdict
from skinfw_shortcuts.versions import ONLY, REMOVED, SAME, control, on_skin

CLASSES = ("MEL", "NV", "BCC")
OUTCOMES = ("malignant", *CLASSES)
NAMES = [SAME, REMOVED, ONLY, "ruler", on_skin("ruler"), control("ruler")]


def answers(seed: int = 0, images: int = 40) -> tuple[Answers, Predictions]:
    """Return answers at random to six versions of images, of which four could not be divided."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(3), (images, len(NAMES)))
    told = np.arange(images) >= 4
    ids = [str(number) for number in range(images)]
    true = np.arange(images) % 3
    own = Predictions(ids, ids, true, chances[:, 0], CLASSES)
    return Answers(chances, NAMES, ("ruler",), told, [0, 2]), own


def test_areas_are_those_of_the_images_that_could_be_divided() -> None:
    metric, own = answers()
    told = metric.told
    numbers = Discrimination(metric)(select(own, np.flatnonzero(told)))
    for version, place in ((SAME, 0), (REMOVED, 1), (ONLY, 2)):
        malignant = metric.chances[told, place][:, [0, 2]].sum(1)
        truth = own.true[told] != 1
        assert numbers[f"malignant_auc/{version}"] == pytest.approx(roc_auc_score(truth, malignant))
        macro = roc_auc_score(own.true[told], metric.chances[told, place], multi_class="ovr")
        assert numbers[f"macro_auc/{version}"] == pytest.approx(macro)


def test_flips_and_changes_are_those_counted_by_hand() -> None:
    metric, own = answers()
    numbers = Changes(metric)(own)
    before, after = (metric.chances[:, place][:, [0, 2]].sum(1) for place in (0, 3))
    nevi = own.true == 1
    to = (before < 0.5) & (after >= 0.5)
    assert numbers["to_malignant/ruler/NV"] == pytest.approx(to[nevi].mean())
    away = (before >= 0.5) & (after < 0.5)
    assert numbers["from_malignant/ruler/all"] == pytest.approx(away.mean())
    assert numbers["malignant_change/ruler/all"] == pytest.approx((after - before).mean())
    removed = metric.chances[:, 1][:, [0, 2]].sum(1)
    gone = ((before >= 0.5) & (removed < 0.5))[metric.told]
    assert numbers[f"from_malignant/{REMOVED}/all"] == pytest.approx(gone.mean())


def test_rises_are_measured_on_images_of_other_classes() -> None:
    metric, own = answers()
    numbers = Changes(metric)(own)
    skin, marked, scattered = (metric.chances[:, place, 0] for place in (1, 4, 5))
    others = metric.told & (own.true != 0)
    assert numbers["rise_on_skin/ruler/to MEL"] == pytest.approx((marked - skin)[others].mean())
    expected = (marked - scattered)[others].mean()
    assert numbers["rise_beyond_scattered/ruler/to MEL"] == pytest.approx(expected)
    before, after = (metric.chances[:, place, 0] for place in (0, 3))
    assert numbers["rise/ruler/to MEL"] == pytest.approx((after - before)[own.true != 0].mean())


def test_weights_mean_images_that_are_repeated() -> None:
    metric, own = answers()
    told = np.ones(len(own.ids), bool)
    times = np.random.default_rng(1).integers(1, 4, len(own.ids))
    places = np.repeat(np.arange(len(times)), times)
    repeated = Answers(
        metric.chances[places], NAMES, ("ruler",), metric.told[places], metric.malignant
    )
    ids = [str(number) for number in range(len(places))]
    twice = Predictions(ids, ids, own.true[places], own.probabilities[places], CLASSES)
    for kind in (Changes, Discrimination):
        whole, again = kind(replace(metric, told=told)), kind(replace(repeated, told=told[places]))
        weighted = whole.resample(own, times[None].astype(float))
        ours = {name: values[0] for name, values in weighted.items()}
        assert ours == pytest.approx(again(twice))


def test_the_lower_end_decides_and_the_surest_class_is_told() -> None:
    metric, _ = answers()
    nothing = Estimate(0.0, -0.1, 0.1)
    numbers = {f"{kind}/ruler/to {name}": nothing for kind in DECIDING for name in OUTCOMES}
    for kind in ("rise", "rise_on_skin"):
        # Its paint alone does the same.
        numbers[f"{kind}/ruler/to NV"] = Estimate(0.7, 0.5, 0.9)
        numbers[f"{kind}/ruler/to MEL"] = Estimate(0.5, 0.3, 0.7)
    numbers["rise_beyond_scattered/ruler/to MEL"] = Estimate(0.4, 0.12, 0.6)
    (found,) = mark_verdicts(numbers, metric, CLASSES, 0.1)
    assert (found.word, found.towards, found.shortcut) == ("found", "MEL", "ruler")
    assert found.number == "rise_beyond_scattered/ruler/to MEL"
    (strict,) = mark_verdicts(numbers, metric, CLASSES, 0.12)
    assert strict.word == "not found"
    (blind,) = mark_verdicts({**numbers, "rise/ruler/to NV": Estimate(0.9)}, metric, CLASSES, 0.1)
    assert (blind.word, blind.towards) == ("found", "MEL"), "what has no interval decides nothing"
    numbers["rise_beyond_scattered/ruler/to MEL"] = Estimate(0.4)
    (unsure,) = mark_verdicts(numbers, metric, CLASSES, 0.1)
    assert unsure.word != "found", "all three must have a lower end"
    without = {name: Estimate(0.9) for name in numbers}
    (unknown,) = mark_verdicts(without, metric, CLASSES, 0.1)
    assert unknown.word == "not measured"


def test_surroundings_are_asked_for_malignancy_first() -> None:
    numbers = {f"macro_auc/{REMOVED}": Estimate(0.9, 0.8, 1.0)}
    (found,) = surroundings_verdict(numbers, 0.6)
    assert (found.word, found.towards, found.shortcut) == ("found", "classes", SURROUNDINGS)
    numbers[f"malignant_auc/{REMOVED}"] = Estimate(0.55, 0.5, 0.6)
    (not_found,) = surroundings_verdict(numbers, 0.6)
    assert (not_found.word, not_found.towards) == ("not found", "malignant")


def test_without_malignant_classes_there_are_no_flips() -> None:
    metric, own = answers()
    benign = Answers(metric.chances, NAMES, ("ruler",), metric.told, [])
    numbers = Changes(benign)(own)
    numbers |= Discrimination(benign)(select(own, np.flatnonzero(metric.told)))
    assert not [name for name in numbers if "malignant" in name]
    assert not math.isnan(numbers[f"macro_auc/{REMOVED}"])


def test_a_change_of_a_chance_over_few_lesions_has_no_interval() -> None:
    metric, own = answers()
    few = replace(metric, told=np.arange(len(metric.told)) < 5)
    name = "rise_on_skin/ruler/to MEL"
    assert Changes(few).rests_on(own)[name] < 10
    assert confidence_intervals(Changes(few), own, 50)[name].reason
    assert not confidence_intervals(Changes(metric), own, 50)[name].reason
