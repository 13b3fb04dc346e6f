"""Predictions to test on."""

from typing import Any

import numpy as np
import pandas as pd

from skinfw import Predictions

CLASSES = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")


def make(true: Any, chances: Any, classes: tuple[str, ...] = CLASSES) -> Predictions:
    """Return predictions with a lesion for each image."""
    chances = np.asarray(chances, float)
    names = [f"I{place:05d}" for place in range(len(chances))]
    return Predictions(names, names, np.asarray(true), chances, classes[: chances.shape[1]])


def of_a_network(seed: int, count: int = 300, classes: int = 4) -> Predictions:
    """Return predictions that are often right, of classes that are not equally frequent."""
    rng = np.random.default_rng(seed)
    shares = np.array([0.2, 0.6, 0.15, 0.05, 0.1, 0.02, 0.02, 0.03, 0.03])[:classes]
    true = rng.choice(classes, count, p=shares / shares.sum())
    logits = rng.normal(0, 1, (count, classes))
    logits[np.arange(count), true] += rng.choice([0.3, 2.0])
    chances = np.exp(logits)
    return make(true, chances / chances.sum(1, keepdims=True))


def repeat(predictions: Predictions, times: Any) -> Predictions:
    """Return predictions in which each image stands as often as told."""
    places = np.repeat(np.arange(len(predictions.ids)), times)
    result = make(predictions.true[places], predictions.probabilities[places])
    return Predictions(result.ids, result.lesions, result.true, result.probabilities,
                       predictions.classes)  # fmt: skip


def tables(predictions: Predictions) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return truth and predictions as the official scoring wants them."""
    index, columns = pd.Index(predictions.ids), list(predictions.classes)
    truth = np.eye(len(columns))[predictions.true]
    return (
        pd.DataFrame(truth, index, columns),
        pd.DataFrame(predictions.probabilities, index, columns),
    )
