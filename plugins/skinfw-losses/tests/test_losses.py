"""Each loss beside its formula, written once more in numpy and without care for large logits."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score
from torch.nn.functional import one_hot

from skinfw_losses.area import Area
from skinfw_losses.asymmetric import Asymmetric
from skinfw_losses.balanced_softmax import BalancedSoftmax
from skinfw_losses.class_balanced import ClassBalanced
from skinfw_losses.complement import ComplementCrossEntropy
from skinfw_losses.cross_entropy import CrossEntropy
from skinfw_losses.focal import Focal
from skinfw_losses.ghm import GHMC
from skinfw_losses.ldam import LDAM
from skinfw_losses.logit_adjustment import LogitAdjustment
from skinfw_losses.low import LOW
from skinfw_losses.mwnl import MultiWeightedNewLoss

CLASSES = ("MEL", "NV", "DF", "VASC")
COUNTS = (100, 900, 10, 3)
WEIGHT = np.array([2.0, 0.3, 1.0, 1.5])
K = len(CLASSES)

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "cross-entropy": CrossEntropy(CLASSES),
    "label smoothing": CrossEntropy(CLASSES, label_smoothing=0.1),
    "focal sigmoid": Focal(CLASSES),
    "focal softmax": Focal(CLASSES, over="softmax"),
    "focal softmax, gamma below one": Focal(CLASSES, over="softmax", gamma=0.5),
    "mwnl zero": MultiWeightedNewLoss(CLASSES, outliers="zero"),
    "mwnl fix": MultiWeightedNewLoss(CLASSES),
    "mwnl decrease": MultiWeightedNewLoss(CLASSES, outliers="decrease", scale="enlarge"),
    "mwnl without limit": MultiWeightedNewLoss(CLASSES, beta=0),
    "ldam": LDAM(CLASSES, COUNTS),
    "low": LOW(CLASSES),
    "ghm-c": GHMC(CLASSES),
    "cce": ComplementCrossEntropy(CLASSES),
    "class-balanced": ClassBalanced(CLASSES, COUNTS, over="focal"),
    "balanced-softmax": BalancedSoftmax(CLASSES, COUNTS),
    "logit-adjustment": LogitAdjustment(CLASSES, COUNTS, tau=2.0),
    "area": Area(CLASSES),
    "partial area": Area(CLASSES, share=1.0, max_fpr=0.3),
    "asymmetric": Asymmetric(CLASSES),
    "asymmetric without margin": Asymmetric(CLASSES, margin=0.0, gamma_no=0.5, gamma_yes=1.0),
}


def batch(seed: int = 0, images: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 2.5, (images, K)), rng.integers(0, K, images)


def value(
    loss: Callable[..., torch.Tensor], logits: Any, targets: Any, weight: Any = None
) -> float:
    weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    return float(loss(torch.tensor(logits, dtype=torch.float64), torch.tensor(targets), weight))


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def right(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the probability of each right binary answer."""
    yes = np.eye(K)[targets] == 1
    return np.where(yes, sigmoid(logits), 1 - sigmoid(logits))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(smoothing: float, weighted: bool) -> None:
    logits, targets = batch()
    weight = WEIGHT if weighted else np.ones(K)
    log_p = np.log(softmax(logits))
    hard = -weight[targets] * log_p[np.arange(len(targets)), targets]
    soft = -(weight * log_p).sum(1) / K
    expected = ((1 - smoothing) * hard + smoothing * soft).sum() / weight[targets].sum()
    loss = CrossEntropy(CLASSES, label_smoothing=smoothing)
    assert value(loss, logits, targets, weight) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal(gamma: float) -> None:
    logits, targets = batch()
    weights = WEIGHT[targets]
    p = right(logits, targets)
    expected = (weights[:, None] * -((1 - p) ** gamma) * np.log(p)).sum() / (K * weights.sum())
    result = value(Focal(CLASSES, gamma=gamma), logits, targets, WEIGHT)
    assert result == pytest.approx(expected, rel=1e-9)
    p = softmax(logits)[np.arange(len(targets)), targets]
    expected = (weights * -((1 - p) ** gamma) * np.log(p)).sum() / weights.sum()
    result = value(Focal(CLASSES, gamma=gamma, over="softmax"), logits, targets, WEIGHT)
    assert result == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("outliers", "beta", "normal", "enlarged"),
    [
        ("zero", 0.1, 0.1152167008, 4.6086680331),
        ("fix", 0.1, 0.6539492397, 26.1579695890),
        ("decrease", 0.1, 0.2890018305, 11.5600732182),
        ("fix", 0.0, 0.9453651607, 37.8146064280),
    ],
)
def test_mwnl_gives_the_published_values(
    outliers: str, beta: float, normal: float, enlarged: float
) -> None:
    logits = [[2.0, -1.0, 0.5], [-4.0, 3.0, 0.0], [0.0, 0.0, 0.0]]
    for scale, expected in (("normal", normal), ("enlarge", enlarged)):
        loss = MultiWeightedNewLoss(CLASSES[:3], beta=beta, outliers=outliers, scale=scale)
        result = value(loss, logits, [0, 0, 2], [1.5, 0.5, 1.0])
        assert result == pytest.approx(expected, rel=1e-8)


def test_mwnl_does_not_learn_from_outliers_it_zeroes() -> None:
    logits = torch.tensor([[-9.0, 9.0, 0.1, 0.2]], requires_grad=True)
    loss = MultiWeightedNewLoss(CLASSES, outliers="zero", gamma=0.0)
    loss(logits, torch.tensor([0]), None).backward()
    assert logits.grad is not None
    assert logits.grad[0, :2].tolist() == [0, 0]
    assert (logits.grad[0, 2:] > 0).all()


def test_ldam() -> None:
    logits, targets = batch()
    margins = np.array([0.47897, 0.25, 0.32467, 0.42045, 0.5])  # Derm7PT
    loss = LDAM(tuple("abcde"), (19, 256, 90, 32, 16))
    assert loss.margins == pytest.approx(margins, abs=1e-5)
    raw = np.array(COUNTS) ** -0.25
    moved = 30 * (logits - np.eye(K)[targets] * 0.5 * raw / raw.max())
    own = -np.log(softmax(moved))[np.arange(len(targets)), targets]
    expected = (WEIGHT[targets] * own).sum() / WEIGHT[targets].sum()
    assert value(LDAM(CLASSES, COUNTS), logits, targets, WEIGHT) == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [1e-3, 1e-2, 1.0])
def test_low_solves_its_programme(smoothing: float) -> None:
    logits, targets = batch(images=6)
    n = len(targets)
    gradients = (softmax(logits) - np.eye(K)[targets]) / n
    wanted = (gradients**2).sum(1) + smoothing
    solved = minimize(
        lambda v: smoothing * (v**2).sum() - (wanted * v).sum(),
        np.ones(n),
        bounds=[(0, None)] * n,
        constraints={"type": "eq", "fun": lambda v: v.sum() - n},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    own = -np.log(softmax(logits))[np.arange(n), targets]
    expected = (WEIGHT[targets] * solved.x * own).sum() / WEIGHT[targets].sum()
    result = value(LOW(CLASSES, smoothing=smoothing), logits, targets, WEIGHT)
    assert result == pytest.approx(expected, rel=1e-4)


def test_ghm_c() -> None:
    logits, targets = batch()
    p = right(logits, targets)
    edges = np.linspace(0, 1, 11)
    place = np.digitize(1 - p, edges[1:-1])
    counts = np.array([(place == bin_).sum() for bin_ in range(10)])
    harmony = p.size / counts[place] / (counts > 0).sum()
    weights = WEIGHT[targets]
    expected = (weights[:, None] * harmony * -np.log(p)).sum() / (K * weights.sum())
    assert value(GHMC(CLASSES), logits, targets, WEIGHT) == pytest.approx(expected, rel=1e-9)


def test_ghm_c_keeps_the_counts_of_earlier_batches() -> None:
    """The oracle is the moving average, bin by bin and batch by batch."""

    def learn(loss: GHMC) -> float:
        values = torch.tensor(logits, requires_grad=True)
        return float(loss(values, torch.tensor(targets), None).detach())

    loss, kept = GHMC(CLASSES, momentum=0.75), [0.0] * 10
    for seed in range(3):
        logits, targets = batch(seed)
        p = right(logits, targets)
        place = np.minimum(((1 - p) * 10).astype(int), 9)
        present = 0
        for bin_ in range(10):
            count = int((place == bin_).sum())
            present += count > 0
            if count:
                kept[bin_] = 0.75 * kept[bin_] + 0.25 * count if kept[bin_] else count
        expected = (p.size / np.array(kept)[place] / present * -np.log(p)).mean()
        assert learn(loss) == pytest.approx(expected, rel=1e-6)
    alone = value(GHMC(CLASSES), logits, targets, None)
    state = loss.state_dict()["counts"].clone()
    with torch.inference_mode():  # as in validation, which counts its own batches and keeps none
        measured = loss(torch.tensor(logits), torch.tensor(targets), None)
    assert float(measured) == pytest.approx(alone) and alone != pytest.approx(expected)
    assert torch.equal(loss.state_dict()["counts"], state)
    again = GHMC(CLASSES, momentum=0.75)
    again.load_state_dict(loss.state_dict())
    assert learn(again) == learn(loss)


def test_complement_cross_entropy() -> None:
    logits, targets = batch()
    expected, total = 0.0, 0.0
    for p, target in zip(softmax(logits), targets, strict=True):
        shares = np.delete(p, target) / (1 - p[target])
        own = -np.log(p[target]) + (shares * np.log(shares)).sum() / (K - 1)
        expected, total = expected + WEIGHT[target] * own, total + WEIGHT[target]
    result = value(ComplementCrossEntropy(CLASSES), logits, targets, WEIGHT)
    assert result == pytest.approx(expected / total, rel=1e-9)


def test_class_balanced_is_weighted_by_effective_numbers() -> None:
    logits, targets = batch()
    raw = (1 - 0.99) / (1 - 0.99 ** np.array(COUNTS))
    weight = K * raw / raw.sum()
    for over, plain in (
        ("softmax", CrossEntropy(CLASSES)),
        ("sigmoid", Focal(CLASSES, gamma=0)),
        ("focal", Focal(CLASSES, gamma=2)),
    ):
        loss = ClassBalanced(CLASSES, COUNTS, beta=0.99, over=over)
        expected = value(plain, logits, targets, weight)
        assert value(loss, logits, targets) == pytest.approx(expected, rel=1e-6)
        twice = value(plain, logits, targets, weight * WEIGHT)
        assert value(loss, logits, targets, WEIGHT) == pytest.approx(twice, rel=1e-6)


def test_balanced_softmax_and_logit_adjustment() -> None:
    logits, targets = batch()
    for tau in (0.0, 1.0, 2.0):
        raised = np.exp(logits) * np.array(COUNTS) ** tau
        own = -np.log(raised / raised.sum(1, keepdims=True))[np.arange(len(targets)), targets]
        expected = (WEIGHT[targets] * own).sum() / WEIGHT[targets].sum()
        loss = LogitAdjustment(CLASSES, COUNTS, tau=tau)
        assert value(loss, logits, targets, WEIGHT) == pytest.approx(expected, rel=1e-9)
        if tau == 1:
            result = value(BalancedSoftmax(CLASSES, COUNTS), logits, targets, WEIGHT)
            assert result == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("yes", "no", "margin"), [(0, 4, 0.05), (1, 2, 0), (0, 0, 0)])
def test_asymmetric(yes: float, no: float, margin: float) -> None:
    logits, targets = batch()
    p = sigmoid(logits)
    lowered = np.maximum(p - margin, 0)
    truth = np.eye(K)[targets]
    own = -truth * (1 - p) ** yes * np.log(p) - (1 - truth) * lowered**no * np.log(1 - lowered)
    expected = (WEIGHT[targets] * own.sum(1)).sum() / WEIGHT[targets].sum()
    loss = Asymmetric(CLASSES, gamma_yes=yes, gamma_no=no, margin=margin)
    assert value(loss, logits, targets, WEIGHT) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_losses_and_gradients_stay_finite_for_huge_logits(name: str, weighted: bool) -> None:
    sizes = [0.0, 1e-4, 1.0, 88.0, 104.0, 1e3, 1e4]
    rows = [[s * a, s * b, 0.0, -s] for s in sizes for a in (-1, 0, 1) for b in (-1, 1)]
    logits = torch.tensor(rows, requires_grad=True)
    weight = torch.tensor(WEIGHT, dtype=torch.float32) if weighted else None
    for target in range(K):
        targets = torch.full((len(rows),), target)
        loss = LOSSES[name](logits, targets, weight)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.isfinite(), target
        assert gradient.isfinite().all(), target


# The image weights of LOW and GHM are constants of the gradient by definition.
@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("low", "ghm-c")])
def test_gradients_are_those_of_the_values(name: str) -> None:
    logits, targets = batch(3, 5)
    inputs = torch.tensor(logits, requires_grad=True)
    labels, weight = torch.tensor(targets), torch.tensor(WEIGHT)
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, labels, weight), inputs, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_along_the_gradient_favours_the_true_classes(name: str) -> None:
    logits, targets = batch(1)
    inputs = torch.tensor(logits * 0.1, requires_grad=True)
    labels = torch.tensor(targets)
    LOSSES[name](inputs, labels, None).backward()
    assert inputs.grad is not None
    toward = -(inputs.grad * one_hot(labels, K)).sum(1)
    assert (toward > 0).all()


@pytest.mark.parametrize("max_fpr", [1.0, 0.4, 0.05])
@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_area(max_fpr: float, margin: float) -> None:
    logits, targets = batch(2, 30)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    odds = np.log(chances / (1 - chances))
    own, bounds = [], []
    for label in range(K):
        mine, others = odds[targets == label, label], odds[targets != label, label]
        others = np.sort(others)[-math.ceil(max_fpr * len(others)) :]
        pairs = [max(0.0, 1 - (one - other) / margin) ** 2 for one in mine for other in others]
        own.append(sum(pairs) / len(pairs))
        area = roc_auc_score([1] * len(mine) + [0] * len(others), [*mine, *others])
        bounds.append(1 - area)
    loss = Area(CLASSES, share=1.0, margin=margin, max_fpr=max_fpr)
    assert value(loss, logits, targets) == pytest.approx(np.mean(own))
    assert value(loss, logits, targets, WEIGHT) == pytest.approx(WEIGHT @ own / WEIGHT.sum())
    assert all(cost >= bound for cost, bound in zip(own, bounds, strict=True))
    half = Area(CLASSES, margin=margin, max_fpr=max_fpr)
    entropy = value(CrossEntropy(CLASSES), logits, targets)
    assert value(half, logits, targets) == pytest.approx((np.mean(own) + entropy) / 2)


def test_a_batch_of_one_class_has_no_area_and_no_gradient() -> None:
    logits = torch.randn(5, K, requires_grad=True)
    loss = Area(CLASSES, share=1.0)(logits, torch.zeros(5, dtype=torch.int64), None)
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()
