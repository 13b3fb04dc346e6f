"""Who made the first number that is none: the same batches once more, looked at closely.

A training that ends in NaN is repeated from its last state, which gives the same batches and the
same draws, until the first input, layer, loss, gradient or weight that is not finite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from skinfw.errors import AnswerError

HUGE = 1e6
"""Numbers beyond this are no longer those of a training that goes well, whoever made them."""

Guards = Callable[[str], AbstractContextManager[None]]


@dataclass
class Tracer:
    """Look at the numbers of every step, and raise for the kind that makes the first NaN.

    model: the network.
    guard: names the component of a kind in whatever is raised inside.
    scaled: whether gradients are scaled, so that infinite ones are no defect.
    batch: the ids of the images, for messages.
    """

    model: nn.Module
    guard: Guards
    scaled: bool
    batch: Sequence[str] = ()
    _usual: bool = True

    def input(self, before: torch.Tensor, mixed: torch.Tensor) -> None:
        """Look at a batch before and after it is mixed."""
        self._refuse(mixed, before, "mix", "mixed images to NaN or infinity")

    def loss(self, logits: torch.Tensor, loss: torch.Tensor, weights: torch.Tensor | None) -> None:
        """Look at the loss of a batch, and at its gradient when it comes.

        weights: of the images, by their classes.
        """
        if weights is not None and not _finite(loss) and not float(weights.sum()):
            expected = "a mean over no weight is no number"
            self._raise("weighting", "gives no image of a batch any weight", expected)
        self._refuse(loss, logits, "loss", "made NaN or infinity of finite logits")
        if logits.requires_grad and not self.scaled:
            logits.register_hook(  # type: ignore[no-untyped-call]
                lambda own: self._look_back(own, loss)
            )

    def gradients(self) -> None:
        """Look at all gradients, once the batch has been gone through backwards."""
        learning = [
            (name, own, own.grad)
            for name, own in self.model.named_parameters()
            if own.grad is not None
        ]
        self._usual = all(_usual(own) and _usual(gradient) for _, own, gradient in learning)
        for name, own, gradient in reversed([] if self.scaled else learning):
            if not _finite(gradient) and _usual(own):
                came = f'has a gradient of NaN or infinity at "{name}"'
                self._raise("backbone", came, "the gradient that came from the loss is finite")

    def weights(self) -> None:
        """Look at the weights after a step of the optimizer."""
        for name, own in self.model.named_parameters():
            if self._usual and not _finite(own):
                came = f'made NaN or infinity of the weight "{name}"'
                self._raise("optimizer", came, "weights and gradients were finite before its step")

    @contextmanager
    def layers(self) -> Iterator[None]:
        """Look at what every layer makes of what it gets."""
        with ExitStack() as stack:
            for name, module in self.model.named_modules():
                handle = module.register_forward_hook(self._layer(name))
                stack.callback(handle.remove)
            yield

    def _layer(self, name: str) -> Callable[..., None]:
        def look(module: nn.Module, inputs: Any, output: Any) -> None:
            given = [own for own in inputs if isinstance(own, torch.Tensor)]
            given += list(module.parameters())
            if isinstance(output, torch.Tensor) and not _finite(output) and all(map(_usual, given)):
                where = f'its layer "{name}"' if name else "the network"
                came = f"makes NaN or infinity of finite numbers, in {where}"
                self._raise("backbone", came, "layers give finite numbers for finite ones")

        return look

    def _look_back(self, gradient: torch.Tensor, loss: torch.Tensor) -> None:
        if not _finite(gradient) and _finite(loss):
            came = "has a gradient of NaN or infinity"
            self._raise("loss", came, "the gradient of a finite loss is finite")

    def _refuse(self, made: torch.Tensor, of: torch.Tensor, kind: str, came: str) -> None:
        if not _finite(made) and _usual(of):
            self._raise(kind, came, "finite numbers stay finite")

    def _raise(self, kind: str, came: str, expected: str) -> None:
        rest = f" and {len(self.batch) - 3} more" if len(self.batch) > 3 else ""
        with self.guard(kind):
            raise AnswerError(
                f"{came}, in the batch of {', '.join(self.batch[:3])}{rest}", expected
            )


def _finite(numbers: torch.Tensor) -> bool:
    return bool(numbers.detach().isfinite().all())


def _usual(numbers: torch.Tensor) -> bool:
    """Tell whether numbers are finite and of a usual size: nothing has diverged yet."""
    return numbers.numel() == 0 or bool((numbers.detach().abs() < HUGE).all())
