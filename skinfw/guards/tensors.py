"""Check what components make of tensors and networks, and that they leave alone what they get."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skinfw.errors import AnswerError
from skinfw.guards.answers import describe
from skinfw.interfaces.protocols import StatefulLoss


def check_loss_function(loss: object) -> None:
    """Refuse what cannot be called as a loss is."""
    expected = "a loss is called with logits [N, C], targets [N] and the class weights [C] or None"
    if not callable(loss):
        raise AnswerError(f"built {describe(loss)}, which cannot be called", expected)
    try:
        inspect.signature(loss).bind(None, None, None)
    except TypeError as error:
        raise AnswerError(f"cannot be called: {error}", expected) from error
    except ValueError:  # some callables of C have no signature
        return


def check_loss(answer: object, logits: torch.Tensor) -> torch.Tensor:
    """Return a loss that gradients can flow back from.

    logits: what it was made of.
    """
    expected = "a loss is one number, a tensor of shape [] that depends on the logits"
    if not isinstance(answer, torch.Tensor):
        raise AnswerError(f"returned {describe(answer)}", expected)
    if answer.ndim:
        raise AnswerError(f"returned {describe(answer)}", f"{expected}: take the mean")
    if not answer.is_floating_point():
        raise AnswerError(f"returned {describe(answer)}", expected)
    if logits.requires_grad and not answer.requires_grad:
        raise AnswerError("returned a loss without gradient", f"{expected}: leave out detach")
    return answer


@contextmanager
def unchanged(tensors: Mapping[str, torch.Tensor | None]) -> Iterator[None]:
    """Refuse whoever writes into tensors that belong to others; nothing is copied.

    tensors: by the name that messages give them.
    """
    # Tensors of inference mode count no versions; nothing is learned from them either.
    own = {name: one for name, one in tensors.items() if one is not None and not one.is_inference()}
    versions = {name: one._version for name, one in own.items()}
    yield
    for name, one in own.items():
        if one._version != versions[name]:
            raise AnswerError(f"wrote into the {name}", "what it is given belongs to others")


@contextmanager
def unchanged_network(model: nn.Module) -> Iterator[None]:
    """Refuse whoever leaves a network other than it was: its weights, its mode, its hooks.

    All but the weights is put back, whatever is raised.
    """
    before = NetworkState(model, sums=True)
    try:
        yield
    except BaseException:
        before.restore()
        raise
    if what := before.restore():
        raise AnswerError(f"left {what} of the network changed", "it may look, and no more")


class NetworkState:
    """Remember the state of a network, to compare and restore it after somebody looked at it."""

    def __init__(self, model: nn.Module, sums: bool = False) -> None:
        """Remember it.

        sums: whether to tell writes through `.data`, too, which needs to read all weights.
        """
        self._model, self._sums = model, sums
        self._modules = list(model.modules())
        self._modes = [module.training for module in self._modules]
        self._wants = [own.requires_grad for own in model.parameters()]
        self._forwards = [vars(module).get("forward") for module in self._modules]
        self._hooks = [[list(own) for own in _hooks(module)] for module in self._modules]
        self._layer = str(getattr(model, "cam_layer", ""))
        self._weights = _versions(model, sums)

    def restore(self) -> str:
        """Put back what can be; return what was changed first of all, "" where nothing was."""
        changed = []
        if _versions(self._model, self._sums) != self._weights:
            changed.append("weights")
        if list(self._model.modules()) != self._modules:
            changed.append("the modules")
        if str(getattr(self._model, "cam_layer", "")) != self._layer:
            changed.append("cam_layer")
        own = zip(self._modules, self._modes, self._forwards, self._hooks, strict=True)
        for module, training, forward, hooks in own:
            if module.training != training:
                module.training = training
                changed.append("the training mode")
            if vars(module).get("forward") is not forward:
                vars(module).pop("forward", None)
                if forward is not None:
                    vars(module)["forward"] = forward
                changed.append("forward")
            for now, before in zip(_hooks(module), hooks, strict=True):
                if list(now) != before:
                    for key in set(now) - set(before):
                        del now[key]
                    changed.append("hooks")
        for tensor, wanted in zip(self._model.parameters(), self._wants, strict=False):
            if tensor.requires_grad != wanted:
                tensor.requires_grad_(wanted)
                changed.append("the gradients that are wanted")
        return changed[0] if changed else ""


def _hooks(module: nn.Module) -> tuple[dict[int, Any], ...]:
    return (
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
    )


def _versions(model: nn.Module, sums: bool) -> list[tuple[Any, ...]]:
    """Return what tells of writes: versions of most, sums of those through `.data`."""
    tensors = [*model.parameters(), *model.buffers()]
    return [
        (id(own), own._version, repr(float(own.detach().double().sum())) if sums else "")
        for own in tensors
    ]


def check_mix(answer: object, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Return the mixed images, the order of those mixed in, and the share of the first ones."""
    expected = "mix returns images, order and share"
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise AnswerError(f"returned {describe(answer)}", expected)
    mixed, order, share = answer
    if not isinstance(mixed, torch.Tensor) or mixed.shape != images.shape:
        raise AnswerError(
            f"mixed {describe(images)} to {describe(mixed)}", "images keep their shape"
        )
    whole = isinstance(order, torch.Tensor) and not order.is_floating_point()
    if not whole or order.shape != images.shape[:1]:
        raise AnswerError(f"gave the order as {describe(order)}", "order is int64 [N]")
    share = float(share)
    if not 0 <= share <= 1:
        raise AnswerError(f"gave the share {share}", "the share of the first images is in [0, 1]")
    return mixed, order, share


def check_network(answer: object) -> nn.Module:
    """Return a network."""
    if not isinstance(answer, nn.Module):
        raise AnswerError(f"returned {describe(answer)}", "it returns the network, an nn.Module")
    return answer


def check_logits(answer: object, images: int, width: int) -> None:
    """Refuse what is not one finite number for each image and output.

    width: the outputs that are wanted.
    """
    expected = f"logits are [{images}, {width}], one for each class"
    if not isinstance(answer, torch.Tensor) or tuple(answer.shape) != (images, width):
        raise AnswerError(f"returns {describe(answer)} for {images} images", expected)
    if not bool(answer.isfinite().all()):
        raise AnswerError("returns logits that are not finite, before any training", expected)


def check_evaluation_mode(model: nn.Module) -> None:
    """Refuse a network with a module that stays in training mode, called after `eval`."""
    if training := [name for name, module in model.named_modules() if module.training]:
        came = f'stays in training mode after eval(), in "{training[0]}"'
        raise AnswerError(came, "train(False) reaches every module, and eval() is train(False)")


def check_repeats(first: torch.Tensor, second: torch.Tensor) -> None:
    """Refuse other logits for the same images in evaluation mode."""
    if not torch.allclose(first.float(), second.float(), rtol=1e-2, atol=1e-3):
        came = "answers the same image in two ways after eval()"
        raise AnswerError(came, "dice are for training: torch's dropout asks self.training")


def check_layer(model: nn.Module) -> None:
    """Refuse a network without the layer that explainers look at."""
    name = str(getattr(model, "cam_layer", ""))
    if not name or name not in {own for own, _ in model.named_modules()}:
        came = f'has no layer "{name}"' if name else "names no cam_layer"
        raise AnswerError(came, "cam_layer is the name of one of its modules, for explainers")


def check_training_logits(answer: object, images: int, width: int) -> torch.Tensor:
    """Return the logits of a training batch as float32; networks with two branches give more rows.

    width: the outputs that are wanted.
    """
    if not isinstance(answer, torch.Tensor) or answer.ndim != 2 or answer.shape[1] != width:
        expected = f"logits are [{images}, {width}] in training, too"
        raise AnswerError(f"returns {describe(answer)} for {images} images", expected)
    return answer.float()


def check_maps(answer: object, size: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return the maps of an explainer.

    size: number, height and width of the images.
    """
    expected = f"maps are a tensor {list(size)} of numbers in [0, 1]"
    if not isinstance(answer, torch.Tensor):
        raise AnswerError(f"returned {describe(answer)}", expected)
    if tuple(answer.shape) != size:
        raise AnswerError(f"returned {describe(answer)}", expected)
    maps = np.asarray(answer.detach().float().cpu().numpy(), np.float32)
    if not ((maps >= 0) & (maps <= 1)).all():  # NaN is in no range
        raise AnswerError(f"returned maps from {maps.min():.3g} to {maps.max():.3g}", expected)
    return maps


def check_optimizer(built: Any, model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer of all weights of a network that learn, and of no others."""
    if not isinstance(built, torch.optim.Optimizer):
        raise AnswerError(f"built {describe(built)}", "an optimizer is a torch.optim.Optimizer")
    expected = "it gets all parameters of the model that want gradients, and no others"
    held = {id(own) for group in built.param_groups for own in group["params"]}
    if held - {id(own) for own in model.parameters()}:
        raise AnswerError("holds parameters that are none of the network's", expected)
    learning = [(name, own) for name, own in model.named_parameters() if own.requires_grad]
    if absent := [name for name, own in learning if id(own) not in held]:
        raise AnswerError(f"leaves out {len(absent)} parameters, such as {absent[0]}", expected)
    return built


def check_rates(optimizer: torch.optim.Optimizer) -> None:
    """Refuse a learning rate that is negative or no number."""
    for group in optimizer.param_groups:
        rate = float(group["lr"])
        if not (math.isfinite(rate) and rate >= 0):
            raise AnswerError(f"set the learning rate {rate}", "a rate is at least 0")


def check_schedule(built: Any, optimizer: torch.optim.Optimizer) -> Any:
    """Return a schedule of an optimizer, which has what those of torch have."""
    if getattr(built, "optimizer", optimizer) is not optimizer:
        raise AnswerError("steers another optimizer", "it gets the optimizer that trains")
    names = ("last_epoch", "step", "state_dict", "load_state_dict")
    if absent := [name for name in names if not hasattr(built, name)]:
        expected = f"a schedule has {', '.join(names)}, as those of torch"
        raise AnswerError(f"built {describe(built)} without {absent[0]}", expected)
    return built


class GuardedLoss:
    """Call a loss, check its answers, and see that it leaves alone what it is given."""

    def __init__(self, loss: Any, guard: Callable[[], AbstractContextManager[None]]) -> None:
        """Keep the loss.

        guard: of its component.
        """
        self._loss, self._guard = loss, guard
        self._broken: torch.Tensor | None = None
        with guard():
            check_loss_function(loss)

    def __call__(
        self, logits: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the loss of a batch."""
        # Copies, which are small: what is written through numpy or `.data` counts no version.
        targets, weight = targets.clone(), None if weight is None else weight.clone()
        given = {"logits": logits, "targets": targets, "class weights": weight}
        with self._guard(), unchanged(given):
            answer = check_loss(self._loss(logits, targets, weight), logits)
        # Reading it would make the device wait, so that it is only remembered here.
        broken = logits.detach().isfinite().all() & ~answer.detach().isfinite()
        self._broken = broken if self._broken is None else self._broken | broken
        return answer

    @property
    def memory(self) -> StatefulLoss | None:
        """The loss, where it remembers earlier batches."""
        return self._loss if isinstance(self._loss, StatefulLoss) else None

    def check_finite(self) -> None:
        """Raise SkinfwError where the loss has not been finite though the logits were."""
        with self._guard():
            if self._broken is not None and bool(self._broken):
                raise AnswerError("made NaN or infinity of finite logits", "a loss is finite")
