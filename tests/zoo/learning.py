"""Losses, weightings, optimizers and schedules, right and wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import skinfw
from zoo.register import right, wrong


@right("loss")
@dataclass(frozen=True)
class Plain:
    """Measure cross-entropy."""

    classes: tuple[str, ...]

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        return cross_entropy(logits, targets, class_weight)


@wrong("loss", "answers")
class VectorLoss(Plain):
    """Return a loss per image."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        return cross_entropy(logits, targets, class_weight, reduction="none")


@wrong("loss", "leaves the batch")
class WritingLoss(Plain):
    """Write into the targets."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        targets.add_(0)
        return super().__call__(logits, targets, class_weight)


@wrong("loss", "finite at the extremes")
class LogLoss(Plain):
    """Take the logarithm of a softmax."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        chances = logits.softmax(1)[torch.arange(len(targets)), targets]
        weight = torch.ones(len(targets)) if class_weight is None else class_weight[targets]
        return -(weight * chances.log()).sum() / weight.sum()


@wrong("loss", "right gradient")
class DetachedLoss(Plain):
    """Hide a part of its value from the gradient."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        value = super().__call__(logits, targets, class_weight)
        return value * (1 + logits.detach().square().mean())


@wrong("loss", "honours weights")
class DeafLoss(Plain):
    """Ignore the weights."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        return cross_entropy(logits, targets)


@wrong("loss", "order is nothing")
class FirstLoss(Plain):
    """Count the first image more."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        value = super().__call__(logits, targets, class_weight)
        return value + cross_entropy(logits[:1], targets[:1])


@wrong("loss", "learns the target")
class BackwardLoss(Plain):
    """Reward mistakes."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        return super().__call__(-logits, targets, class_weight)


@wrong("loss", "same again")
class NoisyLoss(Plain):
    """Smooth by chance."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        noise = 0.1 * float(np.random.default_rng().random())
        return super().__call__(logits, targets, class_weight) * (1 + noise)


@right("weighting")
@dataclass(frozen=True)
class Inverse:
    """Weigh by one over the count."""

    classes: tuple[str, ...]

    def weights(self, counts: Any, epoch: int, epochs: int) -> Any:
        values = 1 / np.array(counts)
        return values / values.mean()


@wrong("weighting", "answers")
class NegativeWeights(Inverse):
    """Punish a class."""

    def weights(self, counts: Any, epoch: int, epochs: int) -> Any:
        return [5.0, -1.0, -1.0]


@wrong("weighting", "average one")
class LargeWeights(Inverse):
    """Weigh everything a hundredfold."""

    def weights(self, counts: Any, epoch: int, epochs: int) -> Any:
        return 100 * super().weights(counts, epoch, epochs)


@wrong("weighting", "an epoch stands alone")
class GrowingWeights(Inverse):
    """Grow with every call."""

    def weights(self, counts: Any, epoch: int, epochs: int) -> Any:
        turn = self.__dict__.setdefault("turn", [0.0])
        turn[0] += 1
        values = super().weights(counts, epoch, epochs) ** turn[0]
        return values / values.mean()


@right("optimizer")
def descent(model: nn.Module, *, lr: float = 0.1) -> Any:
    """Build gradient descent with momentum.

    lr: the learning rate.
    """
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


@wrong("optimizer", "answers")
def no_optimizer(model: nn.Module, *, lr: float = 0.1) -> Any:
    """Return the parameters.

    lr: the learning rate.
    """
    return list(model.parameters())


@wrong("optimizer", "moves every weight")
def headless(model: nn.Module, *, lr: float = 0.1) -> Any:
    """Leave the last layer where it is.

    lr: the learning rate.
    """
    *body, weight, bias = model.parameters()
    head = {"params": [weight, bias], "lr": 0.0}
    return torch.optim.SGD([{"params": body}, head], lr=lr, momentum=0.9)


class _Amnesiac(torch.optim.SGD):
    def load_state_dict(self, state_dict: Any) -> None:
        pass


@wrong("optimizer", "resumes")
def amnesiac(model: nn.Module, *, lr: float = 0.1) -> Any:
    """Forget what was kept.

    lr: the learning rate.
    """
    return _Amnesiac(model.parameters(), lr=lr, momentum=0.9)


@right("schedule")
def linear(optimizer: Any, steps: int) -> Any:
    """Fall in a line."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))


@wrong("schedule", "answers")
def plateau(optimizer: Any, steps: int) -> Any:
    """Want to know a number in each step."""
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)


@wrong("schedule", "positive to the end")
def below(optimizer: Any, steps: int) -> Any:
    """Fall to nothing and beyond."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 2 * step / steps)


class _Fresh(torch.optim.lr_scheduler.LambdaLR):
    def load_state_dict(self, state_dict: Any) -> None:
        pass


@wrong("schedule", "resumes")
def restarting(optimizer: Any, steps: int) -> Any:
    """Begin anew after a stop."""
    return _Fresh(optimizer, lambda step: 1 - step / (steps + 1))


@right("loss")
class Unweighted(Plain):
    """Refuse what it cannot honour."""

    def __call__(self, logits: Any, targets: Any, class_weight: Any) -> Any:
        if class_weight is not None:
            raise skinfw.SkinfwError("it takes no class weights", cure="leave [weighting] out")
        return cross_entropy(logits, targets)
