"""A thousand replicates of all metrics beside a loop over scikit-learn."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from benchmarks import ours
from benchmarks.harness import Bench, Row

IMAGES = 8238
IMAGES_PER_LESION = 2
CLASSES = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")
SHARES = (0.18, 0.51, 0.13, 0.034, 0.1, 0.011, 0.01, 0.025)
MALIGNANT = [0, 2, 3, 7]
REPLICATES = 1000
LOOPED = 20
LIMIT = 10.0
BINS = 15
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer[Any]]


def bootstrap(bench: Bench) -> list[Row]:
    """Make the intervals of all metrics; the loop does some replicates, and its time is scaled."""
    images = bench.amount(IMAGES, 300)
    replicates, looped = bench.amount(REPLICATES, 40), bench.amount(LOOPED, 2)
    true, chances, lesions = _predictions(images)
    mine: list[float] = []
    theirs: list[float] = []
    for seed in range(bench.rounds + 1):
        start = time.perf_counter()
        measured = ours.intervals(true, chances, lesions, CLASSES, replicates, seed)
        middle = time.perf_counter()
        _loop(true, chances, lesions, looped, seed)
        seconds = (time.perf_counter() - middle) * replicates / looped
        if seed:  # the first round warms up
            mine.append(middle - start)
            theirs.append(seconds)
    work = f"intervals of {len(measured)} numbers, {images:,} images, {replicates:,} replicates"
    peer = f"a loop over scikit-learn, {looped} replicates, scaled"
    limit = [LIMIT] * bench.rounds
    return [
        Row(work, peer, mine, theirs, at_least=20.0),
        Row(work, "a limit", mine, limit, at_most=1.0),
    ]


def _predictions(images: int) -> tuple[Labels, Floats, Labels]:
    """Return labels, probabilities and lesions like those of a network on ISIC 2019."""
    rng = np.random.default_rng(0)
    lesions = np.sort(rng.integers(0, images // IMAGES_PER_LESION, images))
    true = rng.choice(len(CLASSES), images, p=np.array(SHARES) / sum(SHARES))[lesions]
    logits = rng.normal(size=(images, len(CLASSES)))
    logits[np.arange(images), true] += 2
    chances = np.exp(logits)
    return true, chances / chances.sum(1, keepdims=True), lesions


def _loop(true: Labels, chances: Floats, lesions: Labels, replicates: int, seed: int) -> None:
    """Draw lesions again and measure everything anew, as one does it with scikit-learn."""
    rng = np.random.default_rng(seed)
    order = np.argsort(lesions, kind="stable")
    of_lesion = np.split(order, np.flatnonzero(np.diff(lesions[order])) + 1)
    for _ in range(replicates):
        drawn = rng.integers(len(of_lesion), size=len(of_lesion))
        places = np.concatenate([of_lesion[lesion] for lesion in drawn])
        _measure(true[places], chances[places])


def _measure(true: Labels, chances: Floats) -> None:
    """Compute what our five metrics compute, as far as scikit-learn has it."""
    called = chances.argmax(1)
    names = range(len(CLASSES))
    metrics.confusion_matrix(true, called, labels=names)
    metrics.balanced_accuracy_score(true, called)
    metrics.accuracy_score(true, called)
    metrics.precision_recall_fscore_support(true, called, labels=names, zero_division=np.nan)
    metrics.cohen_kappa_score(true, called)
    metrics.matthews_corrcoef(true, called)
    ((chances - np.eye(len(CLASSES))[true]) ** 2).sum(1).mean()
    for label in names:
        _one_against_rest(true == label, chances[:, label])
    _one_against_rest(np.isin(true, MALIGNANT), chances[:, MALIGNANT].sum(1))
    sure, right = chances.max(1), called == true
    for places in (
        np.minimum((sure * BINS).astype(int), BINS - 1),
        np.argsort(np.argsort(sure)) * BINS // len(sure),
    ):
        np.abs(np.bincount(places, right - sure)).sum()


def _one_against_rest(positive: npt.NDArray[np.bool_], scores: Floats) -> None:
    if positive.all() or not positive.any():  # a few images may lack a rare class
        return
    metrics.confusion_matrix(positive, scores > 0.5)
    metrics.roc_auc_score(positive, scores)
    false, hits, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    metrics.auc(false[hits >= 0.8], hits[hits >= 0.8])
    metrics.average_precision_score(positive, scores)
