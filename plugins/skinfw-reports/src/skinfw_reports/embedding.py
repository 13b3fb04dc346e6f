"""Embeddings of images on a plane, and what their neighbours tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw.metrics import (
    Composition,
    Mean,
    Rate,
    WeightedMetric,
    by_image,
    mean_among,
    mean_of_measured,
)

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]

PERPLEXITY = 30
COMPONENTS = 50


def project(values: Floats, seed: int) -> npt.NDArray[np.float64]:
    """Return where t-SNE puts embeddings on a plane, [N, 2].

    values: [N, D], N at least 4.
    seed: of what is left to chance; the same values and seed give the same plane.
    t-SNE (van der Maaten and Hinton 2008) sees the 50 principal components, and begins with the
    first two (Kobak and Berens 2019).
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # sums of several threads have no fixed order
        few = min(COMPONENTS, *values.shape)
        reduced = PCA(few, svd_solver="full").fit_transform(values.astype(np.float64))
        perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
        # n_jobs=1: its search for neighbours has threads of its own.
        mapper = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
        return np.asarray(mapper.fit_transform(reduced), np.float64)


def squared_distances(values: Floats) -> npt.NDArray[np.float64]:
    """Return the squared distance of all pairs, [N, N]."""
    centred = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    norms = (centred**2).sum(1)
    return np.asarray(np.maximum(norms[:, None] + norms - 2 * centred @ centred.T, 0.0))


def trust_of_images(values: Floats, plane: Floats, neighbours: int) -> npt.NDArray[np.float64]:
    """Return how far the neighbours of each image on a plane are its neighbours in truth, [N].

    values: [N, D].
    plane: [N, 2].
    neighbours: how many, fewer than N / 2.
    1 where all are; the mean is the trustworthiness of Venna and Kaski (2001).
    """
    count = len(values)
    orders = []
    for own in (values, plane):
        distances = squared_distances(own)
        np.fill_diagonal(distances, -1.0)  # each image is its own neighbour number 0
        orders.append(distances.argsort(1, kind="stable"))
    ranks = np.empty((count, count), np.int64)
    np.put_along_axis(ranks, orders[0], np.arange(count)[None], 1)
    own_ranks = np.take_along_axis(ranks, orders[1][:, 1 : neighbours + 1], 1)
    intruders = np.maximum(own_ranks - neighbours, 0).sum(1)
    return np.asarray(1 - intruders * 2 / (neighbours * (2 * count - 3 * neighbours - 1)))


def neighbour_shares(
    values: Floats, predictions: Predictions, neighbours: int
) -> npt.NDArray[np.float64]:
    """Return the share of each class among the nearest images of other lesions, [N, C].

    values: [N, D], of the images of the predictions.
    neighbours: how many. Of classes with equally many, the one whose images are nearer is ahead.
    """
    distances = squared_distances(values)
    lesions = np.unique(np.asarray(predictions.lesions, str), return_inverse=True)[1]
    distances[lesions[:, None] == lesions] = np.inf
    nearest = distances.argsort(1, kind="stable")[:, :neighbours]
    own = np.isfinite(np.take_along_axis(distances, nearest, 1))
    votes = own * (1 - 1e-6 * np.arange(nearest.shape[1]))
    classes = np.arange(len(predictions.classes))
    shares = (votes[..., None] * (predictions.true[nearest][..., None] == classes)).sum(1)
    shares += 1e-12  # where all images are of one lesion
    return np.asarray(shares / shares.sum(1, keepdims=True))


class BalancedAccuracy(WeightedMetric):
    """Measure the mean sensitivity of the classes that have images."""

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the number under each weighting."""
        right, counted = predictions.predicted == predictions.true, by_image(weights)
        places = range(len(predictions.classes))
        own = [mean_among(right, predictions.true == place, counted) for place in places]
        return {"balanced_accuracy": mean_of_measured(np.stack(own))}

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return the rates that it is the mean of."""
        places = range(len(predictions.classes))
        rates = [Rate(predictions.predicted == own, predictions.true == own) for own in places]
        return {"balanced_accuracy": Mean(rates)}


class Trustworthiness(WeightedMetric):
    """Measure how far neighbours on a plane are neighbours in truth."""

    def __init__(self, of_images: npt.NDArray[np.float64]) -> None:
        """Keep what `trust_of_images` says of the images of the predictions."""
        self._of_images = of_images

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the number under each weighting."""
        everything = np.ones(len(self._of_images), bool)
        return {"trustworthiness": mean_among(self._of_images, everything, by_image(weights))}
