"""A network with two branches learns from pairs, from the recipe to the test part."""

from typing import Any

import numpy as np
import pytest

from skinfw.errors import RecipeError

NETWORK = 'backbone={use="timm/resnet10t", pretrained=false}'
BRANCHES = 'modify=[{use="two-branch"}]'
PAIRS = 'sampler={use="pairs"}'


@pytest.mark.slow
def test_two_branches_learn_from_pairs(train: Any) -> None:
    said: list[str] = []
    sets = (NETWORK, BRANCHES, PAIRS, "image.size=64", "train.accumulate=2")
    result, folder = train(*sets, said=said)
    shares = [row["first_branch"] for row in result.history]
    assert 1 > shares[0] > shares[1] == pytest.approx(0.0), "the second branch leads in the end"
    assert all(np.isfinite(row["train_loss"]) for row in result.history)
    record = folder.record["xray"]
    drawn, images = (sum(entry[key] for entry in record) for key in ("drawn", "images"))
    assert drawn == 2 * images, "every image comes with a partner"
    assert result.predictions["test"].probabilities.shape[1] == len(result.classes)
    assert len(result.explanations[0].maps) >= 4


@pytest.mark.parametrize(
    ("sets", "what"),
    [
        ((NETWORK, BRANCHES), "draws no pairs"),
        ((NETWORK, PAIRS), "has one branch"),
        ((NETWORK, BRANCHES, PAIRS, 'mix={use="mixup"}'), "have no partners"),
    ],
)
def test_half_of_a_pair_is_refused_before_training(
    train: Any, sets: tuple[str, ...], what: str
) -> None:
    with pytest.raises(RecipeError) as error:
        train(*sets, "image.size=64")
    assert what in error.value.what
