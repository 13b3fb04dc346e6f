"""Thinning a class by K-means beside scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from benchmarks import ours, pictures
from benchmarks.harness import Bench, Row

CLUSTERS = 35
COMPONENTS = 50
SIZE = (64, 64)
Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer]


def kmeans(bench: Bench) -> list[Row]:
    """Thin 9,012 images, the nevi of ISIC 2019's training part, to 3,500; compare the clusters."""
    count, target = bench.amount(9012, 120), bench.amount(3500, 60)
    thumbnails = _thumbnails(pictures.files(bench), count)
    raw = thumbnails.reshape(count, -1).astype(np.float32)
    sides = {
        "ours": partial(ours.thin, thumbnails, target, CLUSTERS),
        "raw": partial(_scikit_learn, raw, target),
        "pca": partial(_scikit_learn_after_pca, raw, target),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    inertias: dict[str, list[float]] = {name: [] for name in sides}
    for seed in range(bench.rounds + 1):
        for name, cluster in sides.items():
            start = time.perf_counter()
            labels = cluster(seed)
            if seed:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
                inertias[name].append(_inertia(raw, labels))
    work, pca = f"{count:,} images to {target:,}", f"scikit-learn after PCA to {COMPONENTS}"
    quality = "their inertia"
    return [
        Row(work, "scikit-learn", seconds["ours"], seconds["raw"], at_least=3.0),
        Row(work, pca, seconds["ours"], seconds["pca"]),
        Row(quality, "scikit-learn", inertias["ours"], inertias["raw"], unit="", at_most=1.05),
        Row(quality, pca, inertias["pca"], inertias["raw"], unit=""),
    ]


def _thumbnails(files: Sequence[Path], count: int) -> Pixels:
    """Return grey views of the pictures, uint8 [count, 64, 64]: as many as wanted, none twice."""
    rng = np.random.default_rng(0)
    pictures = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    views = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        assert picture is not None, files[number % len(files)]
        share = rng.uniform(0.5, 1.0)
        height, width = (int(side * share) for side in picture.shape)
        top, left = rng.integers(np.subtract(picture.shape, (height, width)) + 1)
        view = picture[top : top + height, left : left + width]
        view = cv2.rotate(view, int(rng.integers(3)))
        view = cv2.convertScaleAbs(view, alpha=float(rng.uniform(0.7, 1.2)))
        views.append(cv2.resize(view, SIZE, interpolation=cv2.INTER_AREA))
    return np.stack(views)


def _scikit_learn(features: npt.NDArray[np.float32], target: int, seed: int) -> Labels:
    labels: Labels = KMeans(CLUSTERS, n_init=1, random_state=seed).fit_predict(features)
    rng = np.random.default_rng(seed)
    for cluster in range(CLUSTERS):  # each cluster gives its share, as the original does
        members = np.flatnonzero(labels == cluster)
        rng.choice(members, round(len(members) / len(labels) * target), replace=False)
    return labels


def _scikit_learn_after_pca(features: npt.NDArray[np.float32], target: int, seed: int) -> Labels:
    return _scikit_learn(PCA(COMPONENTS, random_state=seed).fit_transform(features), target, seed)


def _inertia(pixels: npt.NDArray[np.float32], labels: Labels) -> float:
    """Return the sum of squared distances to the clusters' means, in the space of the pixels."""
    return sum(
        float(((pixels[labels == label] - pixels[labels == label].mean(0)) ** 2).sum())
        for label in np.unique(labels)
    )
