"""Every number that skinfw measures has a definition in docs/numbers.md."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import make

from skinfw import Auxiliary, add_unknown_class
from skinfw.files.pages import number_definitions, page
from skinfw_datasets.points import POINTS
from skinfw_datasets.seven_point import SevenPoint
from skinfw_explain.scorecard.measures import BY_NAME as SCORES
from skinfw_explain.scorecard.numbers import GAUSSIAN, Scores
from skinfw_metrics.agreement import Agreement
from skinfw_metrics.classification import Classification
from skinfw_metrics.isic import Isic2017Challenge, IsicChallenge
from skinfw_metrics.isic2024 import Isic2024Challenge
from skinfw_metrics.malignancy import Malignancy
from skinfw_metrics.probability import Probability
from skinfw_reliability.calibration_errors import CalibrationErrors
from skinfw_reliability.conformal import PredictionSets
from skinfw_reliability.group_numbers import GroupNumbers
from skinfw_reliability.nine_classes import ChallengeAccuracy, Detection
from skinfw_reliability.thresholds import OperatingPoints


def measures() -> Iterator[Any]:
    """Yield every metric, and what reports measure, for twelve images of four classes."""
    yield from (Classification(), IsicChallenge(), Isic2017Challenge(keratosis="BCC"))
    yield Isic2024Challenge()
    yield from (Agreement(), Probability(), Malignancy(), SevenPoint(), CalibrationErrors())
    yield from (GroupNumbers(["MEL"]), ChallengeAccuracy(), PredictionSets(np.ones(5), "lac"))
    yield OperatingPoints({name: 0.5 for name in ("MEL", "NV", "BCC", "AK", "UNK")})
    yield Detection(np.linspace(0, 1, 12), np.linspace(0, 1, 12))
    each = {own: np.linspace(0, 1, 12) for own in SCORES}
    yield Scores({"grad-cam": each, GAUSSIAN: each})


@pytest.mark.parametrize("measure", list(measures()), ids=lambda own: type(own).__name__)
def test_every_number_is_defined(measure: Any) -> None:
    chances = np.random.default_rng(0).dirichlet(np.ones(4), 12)
    some = np.zeros(12, int)
    predictions = replace(
        make(np.arange(12) % 4, chances),
        auxiliary={
            name: Auxiliary((value, "absent"), some, np.full((12, 2), 0.5))
            for name, (value, _) in POINTS.items()
        },
    )
    names = measure(add_unknown_class(predictions))
    assert names and {name.partition("/")[0] for name in names} <= number_definitions().keys()


def test_words_of_tables_lead_to_the_number_that_they_mean() -> None:
    known = number_definitions()
    assert known["Brier score"].name == "brier" and known["classes in the set"].name == "set_size"
    assert "TP / (TP + FN)" in known["sensitivity"].text
    text = page("numbers.md").read_text()
    assert all(text.count(f'<a id="{own.name}"></a>') == 1 for own in known.values())
