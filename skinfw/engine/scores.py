"""From logits to probabilities, and from the views of an image to one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float64]


def probabilities(logits: Tensor, scores: str) -> Tensor:
    """Return the probabilities of the classes, which sum to one.

    logits: float [..., C].
    scores: "softmax", or "sigmoid" for the shares of the independent sigmoids.
    """
    if scores == "sigmoid":
        from torch.nn.functional import softplus

        # The softmax of log-sigmoids is each sigmoid over the sum of all.
        logits = -softplus(-logits)
    return logits.softmax(-1)


def combined(views: Floats, combine: str) -> Floats:
    """Return one answer per image, [N, C], whose rows sum to one.

    views: probabilities of each view, [N, V, C].
    combine: "average", or "vote" for the share of the views that each class wins.
    """
    if combine == "vote":
        views = np.eye(views.shape[2])[views.argmax(2)]
    answers = views.mean(1)
    return np.asarray(answers / answers.sum(1, keepdims=True))
