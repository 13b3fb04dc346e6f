"""What the losses share: one weight per image, and the mean under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def image_weights(values: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
    """Return the weight of each image, that of its class, [N].

    values: of whose device and type the weights are, [N, ...].
    """
    import torch

    if class_weight is None:
        return torch.ones(len(targets), dtype=values.dtype, device=values.device)
    return class_weight.to(values)[targets]


def weighted_mean(values: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
    """Return the mean of values [N], each image weighted by its class."""
    weights = image_weights(values, targets, class_weight)
    return (weights * values).sum() / weights.sum()


def signed_logits(logits: Tensor, targets: Tensor) -> Tensor:
    """Return logits with their sign turned wherever the right answer is no, [N, C].

    The sigmoid of the result is the probability that was given to the right binary answer.
    """
    from torch.nn.functional import one_hot

    return logits * (2 * one_hot(targets, logits.shape[1]) - 1)


def log_others(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the log of the sum of the exponentials of all logits but the true class's, [N]."""
    hidden = logits.scatter(1, targets[:, None], -float("inf"))
    return hidden.logsumexp(1)
