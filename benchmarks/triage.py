"""Whether the bounds of triage hold: lesions divided again and again, at two prevalences."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from benchmarks.harness import Bench, Row
from skinfw import Predictions
from skinfw_triage.bounds import bound_on_average, bound_with_confidence
from skinfw_triage.lesions import Lesions, lesions_of

DIVISIONS = 200
LESIONS = 10_000
CALIBRATION = 0.1
PREVALENCE, LOWER = 0.2, 0.03
MISS_RATE, CONFIDENCE = 0.05, 0.9
TOLERANCE = 0.01
LIMIT = 60.0
CLASSES = ("MEL", "NV")
Floats = npt.NDArray[np.float64]


def triage(bench: Bench) -> list[Row]:
    """Fit the bounds on a tenth of the lesions, and count what they miss among all others."""
    seconds: list[float] = []
    risks: dict[float, list[Floats]] = {PREVALENCE: [], LOWER: []}
    for seed in range(bench.rounds):
        lesions = bench.amount(LESIONS, 5000)
        rng = np.random.default_rng([seed, 1])
        for prevalence, own in risks.items():
            start = time.perf_counter()
            everyone = lesions_of(_predictions(lesions, seed), ["MEL"])
            divided = [_risk(everyone, prevalence, rng) for _ in range(DIVISIONS)]
            seconds.append(time.perf_counter() - start)
            own.append(np.array(divided))
    work = f"{DIVISIONS} divisions of {lesions:,} lesions, both bounds"
    rows = [Row(work, "a limit", seconds, [LIMIT] * len(seconds), at_most=1.0)]
    # What as many tosses as there are divisions may exceed, three standard deviations.
    noise = 3 * (CONFIDENCE * (1 - CONFIDENCE) / DIVISIONS) ** 0.5
    for prevalence, own in risks.items():
        at = f"bound of {MISS_RATE:.0%}, prevalence {prevalence:.0%}"
        means = [float(one[:, 0].mean()) for one in own]
        over = [float((one[:, 1] > MISS_RATE).mean()) for one in own]
        rows.append(Row(f"{at}: missed on average", f"nominal and {TOLERANCE}", means,
                        [MISS_RATE + TOLERANCE] * len(means), unit="", at_most=1.0))  # fmt: skip
        rows.append(Row(f"{at}: divisions above it, at a confidence of {CONFIDENCE:.0%}",
                        "nominal and three standard deviations", over,
                        [1 - CONFIDENCE + noise] * len(over), unit="", at_most=1.0))  # fmt: skip
    return rows


def _predictions(lesions: int, seed: int) -> Predictions:
    """Return predictions of one to three images of each lesion, whose scores are normal."""
    rng = np.random.default_rng([seed, 0])
    of = np.repeat(np.arange(lesions), rng.integers(1, 4, lesions))
    malignant = rng.random(lesions) < PREVALENCE
    score = rng.normal(2.0 * malignant, 1)[of] + rng.normal(0, 0.5, len(of))
    chance = expit(2 * score - 3)
    return Predictions(
        [f"I{place}" for place in range(len(of))],
        [f"L{place}" for place in of],
        np.where(malignant[of], 0, 1),
        np.column_stack([chance, 1 - chance]),
        CLASSES,
    )


def _risk(everyone: Lesions, prevalence: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return the share of malignant lesions below the limit of each bound in one division.

    So few malignant lesions are kept to be measured that these have the prevalence.
    """
    chance, malignant = everyone.chance, everyone.malignant
    val = rng.random(len(chance)) < CALIBRATION
    misses = chance[val & malignant]
    bounds = (
        bound_on_average(misses, MISS_RATE),
        bound_with_confidence(misses, MISS_RATE, CONFIDENCE),
    )
    odds = prevalence / (1 - prevalence) * (1 - PREVALENCE) / PREVALENCE
    kept = chance[~val & malignant & (rng.random(len(chance)) < odds)]
    return float(np.mean(kept < bounds[0].limit)), float(np.mean(kept < bounds[1].limit))
