"""What every bundled component must be, whoever wrote it."""

import json
import pickle
from typing import Any

import numpy as np
import pytest

from skinfw.data.warping import apply_steps, fold_steps
from skinfw.interfaces.kinds import KINDS
from skinfw.interfaces.transforms import Dice
from skinfw.interfaces.values import Auxiliary, Context, Predictions
from skinfw.recipe.component import import_target, variants
from skinfw.registry.catalog import Catalog, CatalogEntry
from skinfw.registry.known_packages import known_packages
from skinfw.runtime.seed import stream
from skinfw_datasets.seven_point import POINTS

CATALOG = Catalog()
ALL = [entry for kind in KINDS for entry in CATALOG.offers(kind)]
CLASSES = ("MEL", "NV", "DF")
LABELS = np.repeat([0, 1, 2], [30, 80, 7])
EXAMPLES: dict[str, dict[str, Any]] = {
    name: {"root": "somewhere"}
    for name in ("isic2017", "isic2018", "isic2019", "derm7pt", "folder")
} | {
    "csv": {"file": "list.csv"},
    "annotations": {"train": "train.json", "names": ["A", "B"]},
    "randaugment-op": {"op": "rotate"},
    "isic2017-challenge": {"keratosis": "NV"},
}


def ids(entry: CatalogEntry) -> str:
    return f"{entry.component.kind}:{entry.component.name}"


def of(kind: str) -> Any:
    return pytest.mark.parametrize("entry", list(CATALOG.offers(kind)), ids=ids)


def make(entry: CatalogEntry, **gives: Any) -> Any:
    target, signature = import_target(entry, "")
    arguments, complaints = signature.read(EXAMPLES.get(entry.component.name, {}))
    assert not complaints
    return target(**{name: gives[name] for name in signature.engine}, **arguments)


@pytest.mark.parametrize("entry", ALL, ids=ids)
def test_every_parameter_is_explained_and_can_be_written_in_toml(entry: CatalogEntry) -> None:
    _, signature = import_target(entry, "")
    assert signature.summary.endswith("."), "the first line is one whole sentence"
    for name, node in signature.schema().get("properties", {}).items():
        assert node.get("description"), f"{name} has no line in the docstring"
    text = json.dumps(signature.defaults())
    assert "null" not in text, "a default must be something that TOML can say"
    assert entry.component.summary.endswith(".")


@pytest.mark.parametrize("entry", ALL, ids=ids)
def test_defaults_pass_the_component_s_own_checks(entry: CatalogEntry) -> None:
    _, signature = import_target(entry, "")
    values = {**signature.defaults(), **EXAMPLES.get(entry.component.name, {})}
    _, complaints = signature.read(values)
    assert not complaints


@pytest.mark.parametrize("entry", ALL, ids=ids)
def test_the_registry_knows_it(entry: CatalogEntry) -> None:
    (known,) = [one for one in known_packages() if one.plugin == entry.plugin.name]
    assert entry.component.name in known.provides[entry.component.kind]


def test_the_registry_lists_only_what_exists() -> None:
    listed = {
        (entry.plugin, kind, name)
        for entry in known_packages()
        for kind, names in entry.provides.items()
        for name in names
    }
    real = {(f.plugin.name, f.component.kind, f.component.name) for f in ALL}
    real |= {(p.name, "command", c.name) for p in CATALOG.plugins for c in p.commands}
    assert listed == real


def context(epoch: int = 1, seed: int = 0) -> Context:
    known: dict[str, Any] = {}

    def once(key: str, compute: Any) -> Any:
        return known.setdefault(key, compute(stream(seed, "sampler", 0)))

    def thumbnails(indices: Any, size: int, grey: bool) -> Any:
        shape = (size, size) if grey else (size, size, 3)
        return np.stack([stream(9, "pixels", int(i)).integers(0, 256, shape, np.uint8)
                         for i in indices])  # fmt: skip

    def embeddings(indices: Any) -> Any:
        return np.stack([stream(9, "features", int(i)).normal(size=5) for i in indices])

    return Context(CLASSES, epoch, stream(seed, "sampler", epoch), once, thumbnails, embeddings)


@of("sampler")
def test_samplers_are_deterministic_and_stay_in_range(entry: CatalogEntry) -> None:
    sampler = make(entry)
    draws = [sampler.draw(LABELS, context()) for _ in range(2)]
    assert (draws[0].indices == draws[1].indices).all()
    other = sampler.draw(LABELS, context(epoch=2)).indices
    assert len(other) and not np.array_equal(draws[0].indices, other), "epochs must differ"
    assert draws[0].indices.min() >= 0 and draws[0].indices.max() < len(LABELS)
    if draws[0].copies is not None:
        assert draws[0].copies.shape == draws[0].indices.shape
        fresh = draws[0].indices[~draws[0].copies]
        assert len(fresh) == len(set(fresh)), "the first sight of an image is no copy"


@of("augment")
def test_ops_depend_on_their_dice_alone(entry: CatalogEntry) -> None:
    op = make(entry, size=48)
    image = stream(1, "image").integers(0, 256, (60, 80, 3), np.uint8)

    def once(seed: int) -> np.ndarray:
        dice = Dice(stream(seed, "augment"), (60, 80), True, lambda: image)
        return apply_steps(image.copy(), fold_steps(op.roll(dice)))

    for seed in range(5):
        result = once(seed)
        assert (result == once(seed)).all()
        assert result.dtype == np.uint8 and result.ndim == 3 and result.shape[2] == 3


@of("view")
def test_views_have_the_asked_size(entry: CatalogEntry) -> None:
    view = make(entry, size=48)
    for size in ((60, 80), (80, 60), (48, 48), (30, 200), (1000, 700)):
        image = np.zeros((*size, 3), np.uint8)
        plans = view.plan(size)
        assert plans
        for steps in plans:
            assert apply_steps(image, fold_steps(steps)).shape == (48, 48, 3)


@of("metric")
def test_metrics_name_numbers(entry: CatalogEntry) -> None:
    rng = stream(0, "metric")
    probabilities = rng.dirichlet(np.ones(3), 50)
    names = [str(i) for i in range(50)]
    # Outputs as a metric of the seven-point checklist asks for; others need none.
    beside = {
        name: Auxiliary(("absent", value), rng.integers(0, 2, 50), rng.dirichlet(np.ones(2), 50))
        for name, (value, _) in POINTS.items()
    }
    true = rng.integers(0, 3, 50)
    numbers = make(entry)(Predictions(names, names, true, probabilities, CLASSES, auxiliary=beside))
    assert all(isinstance(name, str) for name in numbers)
    assert np.isfinite(list(numbers.values())).all()


@of("loss")
def test_losses_are_finite_with_finite_gradients(entry: CatalogEntry) -> None:
    import torch

    loss = make(entry, classes=CLASSES, counts=[30, 80, 7])
    for scale in (0.0, 1.0, 1e4):
        logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)) * scale
        logits.requires_grad_()
        targets = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
        for weight in (None, torch.tensor([1.0, 0.2, 3.0])):
            value = loss(logits, targets, weight)
            assert value.ndim == 0 and torch.isfinite(value)
            (gradient,) = torch.autograd.grad(value, logits)
            assert torch.isfinite(gradient).all()


@of("weighting")
def test_weightings_average_one(entry: CatalogEntry) -> None:
    weights = make(entry, classes=tuple("ABC")).weights([30, 80, 7], 1, 10)
    assert np.mean(weights) == pytest.approx(1.0)


@of("optimizer")
def test_optimizers_move_every_weight(entry: CatalogEntry) -> None:
    import torch

    torch.manual_seed(0)
    # No bias before the norm: it would have no gradient.
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4))
    before = [weights.clone() for weights in model.parameters()]
    optimizer = make(entry, model=model)
    for _ in range(3):
        (model(torch.randn(2, 3, 8, 8)) * torch.randn(4, 1, 1)).sum().backward()
        optimizer.step()
    for old, new in zip(before, model.parameters(), strict=True):
        assert not torch.equal(old, new)


@of("schedule")
@pytest.mark.parametrize("steps", [1, 2, 10, 500])
def test_schedules_stay_positive_to_the_end(entry: CatalogEntry, steps: int) -> None:
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = make(entry, optimizer=optimizer, steps=steps, epochs=min(steps, 5))
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if schedule.last_epoch < steps - 1:
            schedule.step()
    assert len(rates) == steps and min(rates) > 0 and max(rates) <= 0.1 + 1e-12


@pytest.mark.parametrize(
    "entry",
    [f for f in ALL if f.component.kind in ("dataset", "split", "sampler", "augment", "view")],
    ids=ids,
)
def test_what_workers_need_can_be_pickled(entry: CatalogEntry) -> None:
    built = make(entry, size=48)
    assert pickle.loads(pickle.dumps(built)) == built or type(built).__eq__ is object.__eq__


@pytest.mark.parametrize("entry", [f for f in ALL if f.component.variants], ids=ids)
def test_families_list_their_members(entry: CatalogEntry) -> None:
    members = variants(entry, "")
    assert members and len(members) == len(set(members))
