"""Samplers of imbalanced-learn: who is shown, who is a copy, and when it is decided."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from skinfw import Context, Draw, SkinfwError
from skinfw.recipe.parameters import parameters
from skinfw.runtime.seed import stream
from skinfw_bridges import imblearn_samplers

CLASSES = ("MEL", "NV", "DF")
LABELS = np.repeat([0, 1, 2], [30, 80, 7])
FEATURES = stream(9, "features").normal(size=(len(LABELS), 5)) + LABELS[:, None]


class Epochs:
    """What an engine gives a sampler in the epochs of one run."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.embeddings = 0

    def context(self, epoch: int) -> Context:
        return Context(CLASSES, epoch, stream(0, "sampler", epoch), self.once, None, self.embed)  # type: ignore[arg-type]

    def once(self, key: str, compute: Callable[[Any], Any]) -> Any:
        if key not in self.known:
            self.known[key] = compute(stream(0, "sampler", 0))
        return self.known[key]

    def embed(self, indices: Any) -> Any:
        self.embeddings += 1
        return FEATURES[indices]


def make(variant: str, **values: Any) -> imblearn_samplers.ImblearnSampler:
    build = imblearn_samplers.member(variant)
    arguments, complaints = parameters(build).read(values, CLASSES)
    assert not complaints, (variant, complaints)
    sampler: imblearn_samplers.ImblearnSampler = build(**arguments)
    return sampler


def shown(draw: Draw) -> dict[str, int]:
    counts = np.bincount(LABELS[draw.indices], minlength=3).tolist()
    return dict(zip(CLASSES, counts, strict=True))


def test_every_sampler_chooses_images_and_marks_repeats() -> None:
    for variant in imblearn_samplers.variants():
        epochs = Epochs()
        draws = [make(variant).draw(LABELS, epochs.context(epoch)) for epoch in (1, 2)]
        again = make(variant).draw(LABELS, Epochs().context(1))
        assert (draws[0].indices == again.indices).all(), variant
        assert not np.array_equal(draws[0].indices, draws[1].indices), variant
        for draw in draws:
            first = draw.indices[~draw.copies]
            assert sorted(first) == sorted(set(draw.indices)), variant
        looks = 0 if variant.startswith("Random") else 1
        assert epochs.embeddings == looks, f"{variant}: features cost, so that they are asked once"
        if looks:
            assert set(draws[0].indices) == set(draws[1].indices), variant


def test_random_samplers_choose_anew_in_every_epoch() -> None:
    under = [make("RandomUnderSampler").draw(LABELS, Epochs().context(e)) for e in (1, 2)]
    assert shown(under[0]) == {"MEL": 7, "NV": 7, "DF": 7}
    assert set(under[0].indices) != set(under[1].indices)
    over = make("RandomOverSampler").draw(LABELS, Epochs().context(1))
    assert shown(over) == {"MEL": 80, "NV": 80, "DF": 80}
    assert over.copies.sum() == 240 - len(LABELS)


@pytest.mark.parametrize("variant", ["TomekLinks", "EditedNearestNeighbours", "NearMiss"])
def test_who_is_chosen_is_what_the_library_chooses(variant: str) -> None:
    from imblearn import under_sampling

    theirs = getattr(under_sampling, variant)()
    theirs.fit_resample(FEATURES, LABELS)
    ours = make(variant).draw(LABELS, Epochs().context(1))
    assert sorted(ours.indices) == sorted(theirs.sample_indices_)


def test_counts_are_given_by_the_names_of_classes() -> None:
    wanted = {"NV": 20, "MEL": 10}
    draw = make("RandomUnderSampler", sampling_strategy=wanted).draw(LABELS, Epochs().context(1))
    assert shown(draw) == {"MEL": 10, "NV": 20, "DF": 7}
    build = imblearn_samplers.member("RandomUnderSampler")
    _, complaints = parameters(build).read({"sampling_strategy": {"NW": 3}}, CLASSES)
    assert 'did you mean "NV"?' in complaints[0].text


def test_what_cannot_be_sampled_is_an_error_that_names_the_sampler() -> None:
    sampler = make("RandomUnderSampler", sampling_strategy={"DF": 100})
    with pytest.raises(SkinfwError, match="imbalanced-learn refuses what RandomUnderSampler"):
        sampler.draw(LABELS, Epochs().context(1))


def test_samplers_that_invent_images_are_not_offered() -> None:
    assert not {"SMOTE", "ADASYN", "ClusterCentroids"} & set(imblearn_samplers.variants())
