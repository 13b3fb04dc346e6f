"""From logits to probabilities, and from the views of an image to one answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ViewAveraging:
    """Make one answer of what a network says of the views of an image.

    counts: training images of each class; needed where logits are adjusted.
    scores, combine, logit_adjustment: the host's keys of the view, see `ViewKeys`.
    """

    counts: Sequence[int] = ()
    _: KW_ONLY
    scores: str = "softmax"
    combine: str = "average"
    logit_adjustment: float = 0.0

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the probabilities of the classes, which sum to one.

        logits: float [..., C].
        """
        return self.adjusted(logits).softmax(-1)

    def adjusted(self, logits: Tensor) -> Tensor:
        """Return the logits whose softmax is the answer.

        logits: float [..., C].
        """
        if self.scores == "sigmoid":
            from torch.nn.functional import softplus

            # The softmax of log-sigmoids is each sigmoid over the sum of all.
            logits = -softplus(-logits)
        if self.logit_adjustment:
            # A class without images counts as one image, as in the loss of this name.
            counts = [max(1, count) for count in self.counts]
            log_shares = [math.log(count / sum(counts)) for count in counts]
            logits = logits - self.logit_adjustment * logits.new_tensor(log_shares)
        return logits

    def average(self, views: Floats) -> Floats:
        """Return one answer per image, [N, C], whose rows sum to one.

        views: probabilities of each view, [N, V, C].
        """
        if self.combine == "vote":
            views = np.eye(views.shape[2])[views.argmax(2)]
        answers = views.mean(1)
        return np.asarray(answers / answers.sum(1, keepdims=True))
