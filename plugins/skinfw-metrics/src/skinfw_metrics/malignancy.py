"""Malignant or benign, the question behind the diagnosis, and what acting on the answer brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Interval, Lt

from skinfw import MALIGNANT, ClassName, Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw.metrics import Composition

    Floats = npt.NDArray[np.floating[Any]]

Share = Annotated[float, Interval(gt=0, le=1)]
Chance = Annotated[float, Gt(0), Lt(1)]
Cost = Annotated[float, Interval(gt=0, le=1e6)]


@dataclass(frozen=True, kw_only=True)
class Malignancy:
    """Measure malignant against benign: the chance of malignancy is the sum over its classes.

    `malignant_sensitivity`, `_specificity`, `_ppv` and `_npv` hold for lesions whose chance is at
    least `threshold`. `net_benefit/0.10` is the share of true positives, less that of false ones
    times 0.10 / 0.90, for whoever acts at a chance of 10 %, and `net_benefit_of_all/0.10` that of
    acting on every lesion (Vickers and Elkin 2006). Without a malignant class there are no numbers.

    malignant: the malignant classes; empty takes those of MEL, BCC, SCC, AK and AKIEC that the data
        set has. Actinic keratoses count, as in Tschandl et al. 2019 (Lancet Oncology 20).
    threshold: the chance from which a lesion is called malignant.
    specificities: the highest sensitivity with at least each of these is measured, as
        `malignant_sensitivity_at_specificity/0.90`.
    sensitivities: the highest specificity with at least each of these is measured, as
        `malignant_specificity_at_sensitivity/0.95`.
    acted_at: the chances at which net benefit is measured.
    costs: class -> how much a mistake on one image of it costs in net benefit: leaving a malignant
        one, or acting on a benign one; 1 for classes that are not named. Who acts weighs the
        probabilities likewise (Elkan 2001): a lesion is acted on from a chance of the sum over the
        malignant classes of cost times probability, over the same sum of all classes.
    """

    malignant: tuple[ClassName, ...] = ()
    threshold: Chance = 0.5
    specificities: tuple[Share, ...] = (0.9,)
    sensitivities: tuple[Share, ...] = (0.8, 0.9, 0.95)
    acted_at: tuple[Chance, ...] = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
    costs: dict[ClassName, Cost] = field(default_factory=dict)

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the named numbers."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        from skinfw.metrics import RocCurve, by_image, ratio

        if not (places := self._places(predictions)):
            return {}
        weights, total = by_image(weights), weights.sum(1)
        positive, chances = self._question(predictions, places)
        curve = RocCurve(positive, chances, weights)
        passed, alarms, missed, hits = self._count_calls(positive, chances, self.threshold, weights)
        numbers = {
            "malignant_auc": curve.auc(),
            "malignant_sensitivity": ratio(hits, hits + missed),
            "malignant_specificity": ratio(passed, passed + alarms),
            "malignant_ppv": ratio(hits, hits + alarms),
            "malignant_npv": ratio(passed, passed + missed),
        }
        for share in self.specificities:
            name = f"malignant_sensitivity_at_specificity/{_share_text(share)}"
            numbers[name] = curve.sensitivity_at(share)
        for share in self.sensitivities:
            name = f"malignant_specificity_at_sensitivity/{_share_text(share)}"
            numbers[name] = curve.specificity_at(share)
        chances, weights = self._weigh(predictions, places, chances, weights)
        for chance in self.acted_at:
            price = chance / (1 - chance)
            passed, alarms, missed, hits = self._count_calls(positive, chances, chance, weights)
            numbers[f"net_benefit/{_share_text(chance)}"] = ratio(hits - price * alarms, total)
            of_all = hits + missed - price * (passed + alarms)
            numbers[f"net_benefit_of_all/{_share_text(chance)}"] = ratio(of_all, total)
        return numbers

    def _weigh(
        self, predictions: Predictions, places: Sequence[int], chances: Floats, weights: Floats
    ) -> tuple[Floats, Floats]:
        """Return chances of malignancy and weights of images with the costs in them.

        chances: [N], of equal costs.
        weights: [N, R].
        """
        import numpy as np

        if not self.costs:
            return chances, weights
        costs = np.array([self.costs.get(name, 1.0) for name in predictions.classes])
        weighed = predictions.probabilities * costs
        return weighed[:, places].sum(1) / weighed.sum(1), weights * costs[predictions.true][
            :, None
        ]

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what rates and the area are made of."""
        from skinfw.metrics import Area, Rate

        if not (places := self._places(predictions)):
            return {}
        positive, chances = self._question(predictions, places)
        called = chances >= self.threshold
        return {
            "malignant_auc": Area(positive, chances),
            "malignant_sensitivity": Rate(called, positive),
            "malignant_specificity": Rate(~called, ~positive),
            "malignant_ppv": Rate(positive, called),
            "malignant_npv": Rate(~positive, ~called),
        }

    def rests_on(self, predictions: Predictions) -> dict[str, int]:
        """Return how many lesions there are of malignant or of benign ones, whichever are fewer."""
        import numpy as np

        positive = np.isin(predictions.true, self._places(predictions))
        lesions = np.asarray(predictions.lesions)
        fewer = min(len(np.unique(lesions[side])) for side in (positive, ~positive))
        return dict.fromkeys(self(predictions), fewer)

    def _places(self, predictions: Predictions) -> list[int]:
        """Return the places of the malignant classes."""
        names = self.malignant or [name for name in MALIGNANT if name in predictions.classes]
        return [predictions.classes.index(name) for name in names]

    @staticmethod
    def _question(
        predictions: Predictions, places: Sequence[int]
    ) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Return whether each image is malignant, and the chance that it is, [N] each."""
        import numpy as np

        positive = np.isin(predictions.true, places)
        return positive, predictions.probabilities[:, places].sum(1)

    @staticmethod
    def _count_calls(
        positive: npt.NDArray[np.bool_], chances: Floats, threshold: float, weights: Floats
    ) -> Floats:
        """Return true negatives, false positives, false negatives and true positives, [4, R]."""
        from skinfw.metrics import weight_in_bins

        return weight_in_bins(weights, 2 * positive + (chances >= threshold), 4)


def _share_text(share: float) -> str:
    """Return a share as 0.90, and with more places where two are not enough."""
    short = f"{share:.2f}"
    return short if float(short) == share else f"{share:g}"
