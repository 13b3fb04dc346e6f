from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinfw import Context, SkinfwError
from skinfw.recipe.plan import load_plan
from skinfw_samplers.kmeans import KMeansHybrid, cluster, pick, quotas
from skinfw_samplers.simple import Oversample, Power, Shuffle

RECIPES = Path(__file__).parents[3] / "recipes"
CLASSES = ("MEL", "NV", "DF")
COUNTS = (60, 400, 9)
LABELS = np.random.default_rng(5).permutation(np.repeat([0, 1, 2], COUNTS))


class Engine:
    """Stand in for the engine: remembers, and counts what is asked."""

    def __init__(self, groups: int = 5) -> None:
        self.known: dict[str, Any] = {}
        self.asked: list[int] = []
        self.groups = groups

    def context(self, epoch: int = 1) -> Context:
        return Context(
            CLASSES, epoch, np.random.default_rng([1, epoch]), self._once,
            self._thumbnails, self._embeddings,
        )  # fmt: skip

    def _once(self, key: str, compute: Any) -> Any:
        if key not in self.known:
            self.known[key] = compute(np.random.default_rng(0))
        return self.known[key]

    def group(self, indices: Any) -> np.ndarray:
        return np.asarray(indices) % self.groups

    def _thumbnails(self, indices: Any, size: int, grey: bool) -> Any:
        self.asked.append(len(indices))
        shape = (len(indices), size, size) if grey else (len(indices), size, size, 3)
        noise = np.random.default_rng(2).integers(0, 9, shape)
        level = self.group(indices).reshape(-1, *[1] * (len(shape) - 1))
        return (noise + 40 * level).astype(np.uint8)

    def _embeddings(self, indices: Any) -> Any:
        return np.eye(self.groups, dtype=np.float32)[self.group(indices)]


def drawn(draw: Any) -> list[int]:
    return np.bincount(LABELS[draw.indices], minlength=3).tolist()


def test_shuffle_shows_every_image_once() -> None:
    draw = Shuffle().draw(LABELS, Engine().context())
    assert sorted(draw.indices) == list(range(len(LABELS)))
    assert not np.array_equal(draw.indices, np.arange(len(LABELS)))


@pytest.mark.parametrize("q", [1, 0.5, 0, -1])
def test_power_draws_classes_with_n_to_the_q(q: float) -> None:
    draw = Power(q=q, images=60_000).draw(LABELS, Engine().context())
    expected = np.array(COUNTS, float) ** q
    expected /= expected.sum()
    assert np.array(drawn(draw)) / 60_000 == pytest.approx(expected, abs=0.01)


def test_power_marks_repeats_as_copies() -> None:
    draw = Power(q=0).draw(LABELS, Engine().context())
    assert len(draw.indices) == len(LABELS)
    seen: set[int] = set()
    for index, copy in zip(draw.indices, draw.copies, strict=True):
        assert copy == (index in seen)
        seen.add(index)


def test_power_leaves_an_absent_class_out() -> None:
    only = np.zeros(50, int)
    assert set(Power(q=-1).draw(only, Engine().context()).indices) <= set(range(50))


def test_oversample_fills_every_class_up() -> None:
    draw = Oversample().draw(LABELS, Engine().context())
    assert drawn(draw) == [400, 400, 400]
    assert set(draw.indices) == set(range(len(LABELS))), "no original is lost"
    repeats = np.bincount(draw.indices[LABELS[draw.indices] == 2])
    repeats = repeats[repeats > 0]
    assert repeats.max() - repeats.min() <= 1, "images of a class are repeated equally often"
    assert draw.copies.sum() == 1200 - len(LABELS)


@pytest.mark.parametrize("features", ["grey", "colour", "backbone"])
@pytest.mark.parametrize("redraw", [True, False])
def test_kmeans_hybrid_hits_its_targets_exactly(features: Any, redraw: bool) -> None:
    sampler = KMeansHybrid(
        exactly={"DF": 50}, at_most={"NV": 137, "MEL": 137}, clusters=5, features=features,
        redraw=redraw,
    )  # fmt: skip
    engine = Engine()
    for epoch in (1, 2, 3):
        draw = sampler.draw(LABELS, engine.context(epoch))
        assert drawn(draw) == [60, 137, 50]
        assert draw.copies.sum() == 41
        thinned = draw.indices[LABELS[draw.indices] == 1]
        assert len(set(thinned)) == 137


def test_clusters_are_found_once_and_only_for_thinned_classes() -> None:
    engine = Engine()
    sampler = KMeansHybrid(at_most={"NV": 100, "MEL": 500})
    for epoch in range(1, 5):
        sampler.draw(LABELS, engine.context(epoch))
    assert engine.asked == [400]


def test_redraw_changes_the_members_but_not_their_spread() -> None:
    engine = Engine(groups=5)
    sampler = KMeansHybrid(at_most={"NV": 100}, clusters=5, features="backbone")
    kept = []
    for epoch in (1, 2):
        draw = sampler.draw(LABELS, engine.context(epoch))
        kept.append(set(draw.indices[LABELS[draw.indices] == 1]))
        groups = np.bincount(engine.group(list(kept[-1])), minlength=5)
        whole = np.bincount(engine.group(np.flatnonzero(LABELS == 1)), minlength=5)
        assert np.abs(groups - whole / 4).max() <= 1, "each cluster keeps its share"
    assert kept[0] != kept[1]
    fixed = KMeansHybrid(at_most={"NV": 100}, clusters=5, features="backbone", redraw=False)
    engine = Engine()
    first, second = (set(fixed.draw(LABELS, engine.context(e)).indices) for e in (1, 2))
    assert first == second


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [  # what its code makes, but for 15 to 20 images of NV, and what its README says
        ("isic2019_densenet_asis", [3165, 3500, 2326, 1500, 1837, 1500, 1500, 1500]),
        ("isic2019_densenet", [3500, 3500, 1500, 1500, 1500, 1500, 1500, 1500]),
    ],
)
def test_the_counts_of_e2e_densenetskin_are_exact(recipe: str, expected: list[int]) -> None:
    counts = (3165, 9012, 2326, 607, 1837, 167, 177, 440)
    labels = np.repeat(range(8), counts)
    names = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")
    engine = Engine()
    context = engine.context()
    table = load_plan(RECIPES / f"{recipe}.toml").components.sampler.arguments
    sampler = KMeansHybrid(**{**table, "features": "backbone"})
    given = Context(names, 1, context.rng, engine._once, engine._thumbnails, engine._embeddings)
    with pytest.warns(Warning, match="distinct clusters"):  # five distinct points, 35 clusters
        draw = sampler.draw(labels, given)
    result = np.bincount(labels[draw.indices])
    assert result.tolist() == expected


def test_targets_of_an_absent_class_are_refused() -> None:
    sampler = KMeansHybrid(exactly={"DF": 10})
    with pytest.raises(SkinfwError, match="there is none to repeat"):
        sampler.draw(LABELS[LABELS != 2], Engine().context())
    with pytest.raises(SkinfwError, match="both name NV"):
        KMeansHybrid(exactly={"NV": 10}, at_most={"NV": 10})


@pytest.mark.parametrize("seed", range(50))
def test_quotas_are_exact_at_least_one_and_never_too_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 60, rng.integers(1, 12))
    target = int(rng.integers(len(sizes), sizes.sum() + 1))
    shares = quotas(sizes, target)
    assert shares.sum() == target
    assert (shares >= 1).all() and (shares <= sizes).all()
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    members = rng.permutation(len(clusters)) + 1000
    kept = pick(members, clusters, target, rng)
    assert len(set(kept)) == target and set(kept) <= set(members)


def test_clusters_of_pixels_are_as_compact_as_those_of_whole_k_means() -> None:
    """Inertia in pixel space, against scikit-learn on all pixels."""
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(4)
    smooth = np.cumsum(np.cumsum(rng.normal(0, 1, (500, 16, 16)), axis=1), axis=2)
    features = smooth.reshape(500, -1).astype(np.float32)

    def inertia(labels: np.ndarray) -> float:
        members = [features[labels == label] for label in np.unique(labels)]
        return float(sum(((part - part.mean(0)) ** 2).sum() for part in members))

    whole = KMeans(20, n_init=1, random_state=0).fit_predict(features)
    ours = cluster(features, 20, 0)
    assert len(np.unique(ours)) == 20
    assert inertia(ours) < 1.05 * inertia(whole)
