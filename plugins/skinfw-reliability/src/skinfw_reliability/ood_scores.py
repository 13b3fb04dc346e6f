"""Out-of-distribution scores: higher is farther from what was learned. None needs such images."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]
_BLOCK = 2**24  # distances held at once


def one_minus_max(probabilities: Floats) -> Floats:
    """Return what the most probable class lacks (Hendrycks and Gimpel 2017, arXiv 1610.02136)."""
    return np.asarray(1 - probabilities.max(1), np.float64)


def entropy(probabilities: Floats) -> Floats:
    """Return the entropy of the probabilities [N, C] in nats."""
    logs = np.log(np.where(probabilities > 0, probabilities, 1))
    return np.asarray(-(probabilities * logs).sum(1), np.float64)


def energy(logits: Floats) -> Floats:
    """Return the negative log of the summed powers (Liu et al. 2020, arXiv 2010.03759).

    logits: [N, C]; probabilities do not do, their sum is always one.
    """
    highest = logits.max(1)
    return np.asarray(-(highest + np.log(np.exp(logits - highest[:, None]).sum(1))), np.float64)


def neighbour(features: Floats, known: Floats, k: int) -> Floats:
    """Return the distance to the k-th nearest training image (Sun et al. 2022, arXiv 2204.06507).

    features: [N, D]; only their directions count.
    known: [M, D], of training images.
    k: at most M.
    """
    ours, theirs = _directions(features), _directions(known)
    rows, k = max(1, _BLOCK // len(theirs)), min(k, len(theirs))
    distances = []
    for start in range(0, len(ours), rows):
        squares = 2 - 2 * ours[start : start + rows] @ theirs.T
        distances.append(np.partition(squares, k - 1, axis=1)[:, k - 1])
    return np.sqrt(np.maximum(np.concatenate(distances), 0))


def mahalanobis(features: Floats, known: Floats, true: Integers) -> Floats:
    """Return the distance to the nearest class mean (Lee et al. 2018, arXiv 1807.03888).

    Classes share one covariance, shrunk as Ledoit and Wolf (2004) do, so that it has an inverse
    even where there are more features than images.

    features: [N, D].
    known: [M, D], of training images.
    true: int [M], their classes.
    """
    from sklearn.covariance import ledoit_wolf

    classes = np.unique(true)
    means = np.stack([known[true == label].mean(0) for label in classes])
    centred = known - means[np.searchsorted(classes, true)]
    # A feature that never varies would make the covariance singular in spite of shrinkage.
    varies = centred.std(0) > 0
    covariance, _ = ledoit_wolf(centred[:, varies], assume_centered=True)
    # In coordinates in which the covariance is one, distances are ordinary ones.
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T
    ours, centres = features[:, varies] @ whiten, means[:, varies] @ whiten
    squares = np.stack([((ours - centre) ** 2).sum(1) for centre in centres])
    return np.asarray(np.sqrt(squares.min(0)), np.float64)


def _directions(features: Floats) -> Floats:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), np.float64)
