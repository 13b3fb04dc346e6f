"""The number of the ISIC challenge of 2024."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import MALIGNANT, ClassName, Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]

SENSITIVITY = 0.8
CLASS = "malignant"


@dataclass(frozen=True, kw_only=True)
class Isic2024Challenge:
    """Measure what the challenge of 2024 ranks by, malignant against benign.

    `isic2024_pauc` is the area between the ROC curve of the chance of malignancy and a sensitivity
    of 80 %, from 0 to 0.2; a guess has 0.02. It equals the official program's, which takes
    scikit-learn's partial area of the exchanged classes up to a false positive rate of 20 % and
    undoes its stretching. Source: Kurtansky et al. 2024 (Scientific Data 11, 884), and the
    challenge's page of evaluation.

    malignant: the malignant classes, whose probabilities are summed; empty takes "malignant", or
        those of MEL, BCC, SCC, AK and AKIEC that the data set has.
    """

    malignant: tuple[ClassName, ...] = ()

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the number; none without a malignant class."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the number under each row of weights [R, N], as float64 [R]."""
        import numpy as np

        from skinfw.metrics import RocCurve, by_image

        known = (CLASS,) if CLASS in predictions.classes else MALIGNANT
        names = self.malignant or [name for name in known if name in predictions.classes]
        if not names:
            return {}
        places = [predictions.classes.index(name) for name in names]
        positive = np.isin(predictions.true, places)
        chances = predictions.probabilities[:, places].sum(1)
        area = RocCurve(positive, chances, by_image(weights)).partial_auc(SENSITIVITY)
        return {"isic2024_pauc": area}
