"""What losses, weightings, optimizers and schedules promise."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import nn

from skinfw.errors import SkinfwError
from skinfw.guards.answers import check_class_weights
from skinfw.guards.tensors import (
    check_loss,
    check_loss_function,
    check_optimizer,
    check_schedule,
    unchanged,
)
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate, some_optimizer
from skinfw.testing.check import BASIC, Checks, refuse
from skinfw.testing.checks.all_kinds import same_twice

CHECK = Checks("loss")
_TARGETS = torch.tensor([0, 1, 2, 0, 1, 1, 2, 1])


def _logits(scale: float = 1.0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(len(_TARGETS), len(examples.CLASSES), generator=generator, dtype=dtype)
    return (logits * scale).requires_grad_()


def _loss(
    candidate: Candidate,
    logits: torch.Tensor,
    weight: torch.Tensor | None = None,
    targets: torch.Tensor = _TARGETS,
) -> torch.Tensor:
    """Return the loss of a batch, by a loss that is built anew."""
    built = candidate.build()
    with candidate.component.guard(built):
        check_loss_function(built)
        return check_loss(built(logits, targets.clone(), weight), logits)


def _takes_weights(candidate: Candidate) -> bool:
    """Tell whether a loss takes class weights; one that cannot honour them says so itself."""
    try:
        _loss(candidate, _logits(), torch.ones(len(examples.CLASSES)))
    except SkinfwError as error:
        if error.__cause__ is None:
            return False
        raise
    return True


@CHECK("answers", "base")
def gives_one_number(candidate: Candidate) -> None:
    """It returns one number that gradients flow back from."""
    _loss(candidate, _logits())


@CHECK("leaves the batch", "base")
def leaves_the_batch(candidate: Candidate) -> None:
    """It writes into no logits, targets or class weights."""
    built, logits, targets = candidate.build(), _logits().detach().clone(), _TARGETS.clone()
    weight = torch.tensor([1.0, 0.5, 3.0]) if _takes_weights(candidate) else None
    given = {"logits": logits, "targets": targets, "class weights": weight}
    with candidate.component.guard(built), unchanged(given):
        built(logits, targets, weight)


@CHECK("finite at the extremes", "base")
def finite_at_the_extremes(candidate: Candidate) -> None:
    """Loss and gradient are finite for logits up to ten thousand, right and wrong."""
    weights = [torch.tensor([1.0, 0.2, 3.0])] if _takes_weights(candidate) else []
    for scale in (0.0, 1.0, 1e4):
        for weight in (None, *weights):
            logits = _logits(scale)
            value = _loss(candidate, logits, weight)
            (gradient,) = torch.autograd.grad(value, logits)
            if not value.isfinite() or not gradient.isfinite().all():
                refuse(f"is not finite for logits of about {scale:g}", "use log_softmax, not log")


@CHECK("right gradient", "full", needs=(*BASIC, "same again"))
def right_gradient(candidate: Candidate) -> None:
    """Its gradient is that of its value, by finite differences."""
    logits = _logits(dtype=torch.float64)
    try:
        with candidate.component.guard():
            torch.autograd.gradcheck(lambda own: _loss(candidate, own), (logits,))
    except Exception as error:
        if "Jacobian mismatch" not in str(error):
            raise
        refuse("has another gradient than its value", "detach only what the paper detaches")


@CHECK("honours weights", "full")
def honours_weights(candidate: Candidate) -> None:
    """Class weights change it, or it refuses them."""
    weight = torch.tensor([4.0, 0.5, 1.0])
    if not _takes_weights(candidate):
        return
    if torch.isclose(_loss(candidate, _logits()), _loss(candidate, _logits(), weight)):
        refuse("ignores class weights", "a weighting of the recipe would change nothing")


@CHECK("order is nothing", "full", needs=(*BASIC, "same again"))
def order_is_nothing(candidate: Candidate) -> None:
    """The order of a batch does not matter."""
    order = torch.tensor([5, 2, 7, 0, 3, 1, 6, 4])
    logits = _logits()
    first = _loss(candidate, logits)
    second = _loss(candidate, logits[order], targets=_TARGETS[order])
    if not torch.isclose(first, second, rtol=1e-4, atol=1e-6):
        refuse(f"is {second:.4f} where it was {first:.4f} in another order", "images are a set")


@CHECK("learns the target", "full")
def learns_the_target(candidate: Candidate) -> None:
    """It is smaller where the network is right than where it is wrong."""
    right = 4.0 * torch.eye(len(examples.CLASSES))[_TARGETS]
    good, bad = (_loss(candidate, own.clone().requires_grad_()) for own in (right, -right))
    if not good < bad:
        refuse(f"is {good:.3f} for right answers and {bad:.3f} for wrong ones", "smaller is better")


def _weights(candidate: Candidate, epoch: int = 1) -> list[float]:
    built, counts = candidate.build(), list(examples.COUNTS)
    with candidate.component.guard(built.weights):
        return check_class_weights(built.weights(counts, epoch, 10), len(counts))


@CHECK("answers", "base", "weighting")
def weighs_classes(candidate: Candidate) -> None:
    """It returns a weight of at least 0 for each class, in every epoch."""
    for epoch in (1, 2, 5, 10):
        _weights(candidate, epoch)


@CHECK("average one", "full", "weighting")
def average_one(candidate: Candidate) -> None:
    """The weights of an epoch average one, so that the learning rate means the same."""
    for epoch in (1, 5, 10):
        mean = sum(_weights(candidate, epoch)) / len(examples.COUNTS)
        if abs(mean - 1) > 1e-3:
            refuse(f"averages {mean:.3f} in epoch {epoch}", "divide by the mean")


@CHECK("an epoch stands alone", "base", "weighting", needs=(*BASIC, "same again"))
def weighs_alike(candidate: Candidate) -> None:
    """The weights of an epoch depend on the counts and the epoch alone."""
    built = candidate.build()
    for epoch in (1, 2):
        candidate.call(built.weights, list(examples.COUNTS), epoch, 10)
    late = candidate.call(built.weights, list(examples.COUNTS), 3, 10)
    if [float(value) for value in late] != _weights(candidate, 3):
        refuse("weighs epoch 3 differently without the epochs before", "it keeps nothing")


def _train(
    candidate: Candidate, steps: int, state: dict[str, Any] | None = None
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a network after some steps, and what trained it."""
    model = examples.small_network(len(examples.CLASSES))
    with candidate.component.guard():
        optimizer = check_optimizer(candidate.build(model=model), model)
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(deepcopy(state["optimizer"]))  # which may keep what it gets
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        images = torch.randn(len(_TARGETS), 3, 16, 16, generator=generator)
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(model(images), _TARGETS))
        with candidate.component.guard():
            optimizer.step()
    return model, optimizer


@CHECK("answers", "base", "optimizer")
def is_an_optimizer(candidate: Candidate) -> None:
    """It builds an optimizer of torch that takes steps."""
    _train(candidate, 1)


@CHECK("moves every weight", "base", "optimizer")
def moves_every_weight(candidate: Candidate) -> None:
    """Every weight of the network is in it, and moves."""
    before = examples.small_network(len(examples.CLASSES))
    after, _ = _train(candidate, 3)
    for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True):
        if torch.equal(old, new):
            refuse(f"leaves {name} where it was", "it gets all parameters of the model")


@CHECK("resumes", "full", "optimizer")
def resumes(candidate: Candidate) -> None:
    """With the state of another one it goes on as that one would have."""
    model, optimizer = _train(candidate, 3)
    state = deepcopy({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    twins = [_train(candidate, 2, state)[0] for _ in range(2)]
    fresh, _ = _train(candidate, 2, {**state, "optimizer": _train(candidate, 0)[1].state_dict()})
    first, second, third = (list(own.parameters()) for own in (*twins, fresh))
    if not all(map(torch.equal, first, second)):
        refuse("goes on differently from one state", "all that it remembers is in state_dict()")
    has_memory = bool(optimizer.state_dict()["state"])
    if has_memory and all(map(torch.equal, first, third)):
        refuse("goes on as if it had no state", "load_state_dict() restores what it remembers")


def _rates(candidate: Candidate, steps: int, stop: int = 0) -> list[float]:
    """Return the learning rate of each step, of a training that stops once and goes on."""
    optimizer = some_optimizer()
    gives = {"steps": steps, "epochs": min(steps, 5)}
    with candidate.component.guard():
        schedule = check_schedule(candidate.build(optimizer=optimizer, **gives), optimizer)
    rates = []
    for step in range(steps):
        if stop and step == stop:
            kept, state = schedule.state_dict(), optimizer.state_dict()
            optimizer = some_optimizer()
            schedule = candidate.build(optimizer=optimizer, **gives)
            optimizer.load_state_dict(state)
            schedule.load_state_dict(kept)
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step < steps - 1:
            with candidate.component.guard():
                schedule.step()
    return rates


@CHECK("answers", "base", "schedule")
def is_a_schedule(candidate: Candidate) -> None:
    """It is stepped as torch's schedulers are, for trainings of any length."""
    for steps in (1, 2, 10):
        _rates(candidate, steps)


@CHECK("positive to the end", "full", "schedule")
def positive_to_the_end(candidate: Candidate) -> None:
    """The rate is above zero in every step and never above the optimizer's."""
    for steps in (1, 2, 10, 200):
        rates = _rates(candidate, steps)
        if min(rates) <= 0 or max(rates) > 0.1 + 1e-9:
            refuse(f"goes from {min(rates):g} to {max(rates):g} of 0.1", "rates lie between")


@CHECK("resumes", "base", "schedule")
def schedule_resumes(candidate: Candidate) -> None:
    """With the state of another one it goes on as that one would have."""
    if _rates(candidate, 20) != _rates(candidate, 20, stop=9):
        refuse("goes on differently after a stop", "all that it remembers is in state_dict()")


@CHECK("same again", "base", "loss", "weighting")
def same_again(candidate: Candidate) -> None:
    """Asked again, it answers the same."""
    if candidate.kind.name == "weighting":
        same_twice(lambda: _weights(candidate), list.__eq__, "it depends on counts and epoch")
    else:
        expected = "a loss depends on logits, targets and weights"
        same_twice(lambda: _loss(candidate, _logits()), torch.equal, expected)
