"""What backbones, changes of networks and explainers promise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from skinfw.errors import RecipeError
from skinfw.guards.tensors import check_logits, check_maps, check_network, unchanged_network
from skinfw.interfaces.protocols import CheckingExplainer
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import BASIC, Checks, NotTried, refuse
from skinfw.testing.checks.all_kinds import quiet_dice, same_twice

CHECK = Checks("backbone", "modify")
_MANY = ("A", "B", "C", "D", "E")


def _network(
    candidate: Candidate,
    classes: tuple[str, ...] = examples.CLASSES,
    size: int = examples.SIZE,
    seed: int = 0,
) -> nn.Module:
    """Return a backbone, or a small network that is changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built = candidate.build(classes=classes, size=size)
        if candidate.kind.name == "modify":
            with candidate.component.guard(built.modify):
                return check_network(built.modify(examples.small_network(len(classes))))
        with candidate.component.guard():
            return check_network(built)


def _images(count: int = 2, size: int = examples.SIZE) -> torch.Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def _logits(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        logits = model.eval()(images)
    assert isinstance(logits, torch.Tensor)
    return logits


@CHECK("answers", "base")
def gives_logits(candidate: Candidate) -> None:
    """It gives finite logits [N, C] for several numbers of classes."""
    for classes in (_MANY[:2], _MANY):
        model = _network(candidate, classes)
        for count in (1, 3):
            with candidate.component.guard(), torch.no_grad():
                check_logits(model.eval()(_images(count)), count, len(classes))


@CHECK("several sizes", "full", "backbone")
def several_sizes(candidate: Candidate) -> None:
    """It is built for images of several sizes."""
    for size in (examples.SIZE, 96):
        model = _network(candidate, size=size)
        with candidate.component.guard(), torch.no_grad():
            check_logits(model.eval()(_images(2, size)), 2, len(examples.CLASSES))


@CHECK("names its map", "full", "backbone")
def names_its_map(candidate: Candidate) -> None:
    """Its cam_layer is the name of a module whose output can be explained."""
    model = _network(candidate)
    name = getattr(model, "cam_layer", None)
    if not isinstance(name, str) or name not in dict(model.named_modules()):
        refuse(f"has the cam_layer {name!r}", "cam_layer is the name of one of its modules")
    shapes: list[Any] = []
    layer = model.get_submodule(str(name))
    handle = layer.register_forward_hook(lambda *call: shapes.append(call[2].shape))
    _logits(model, _images())
    handle.remove()
    if not shapes or len(shapes[-1]) not in (3, 4):
        shape = list(shapes[-1]) if shapes else "never computed"
        refuse(f"has a cam_layer whose output is {shape}", "its output is a map or tokens")


@CHECK("keeps its state", "base")
def keeps_its_state(candidate: Candidate) -> None:
    """Another network with the same state gives the same logits."""
    first, second = _network(candidate, seed=1), _network(candidate, seed=2)
    for model in (first, second):
        model.train()(_images(4))  # running statistics move, too
    second.load_state_dict(first.state_dict())
    if not torch.allclose(_logits(first, _images()), _logits(second, _images()), atol=1e-5):
        refuse("answers differently with the same state", "all that it learns is in state_dict()")


@CHECK("calm in evaluation", "base")
def calm_in_evaluation(candidate: Candidate) -> None:
    """In evaluation mode its answers are always the same, whatever is beside an image."""
    model, images = _network(candidate), _images(3)
    model.train()(_images(4))
    together = _logits(model, images)
    if not torch.equal(together, _logits(model, images)):
        refuse("answers differently each time", "chance, such as dropout, is for training alone")
    alone = torch.cat([_logits(model, images[place : place + 1]) for place in range(3)])
    if not torch.allclose(together, alone, atol=1e-4, rtol=1e-3):
        refuse("answers otherwise beside other images", "a prediction is that of one image")


@CHECK("all of it learns", "full")
def all_of_it_learns(candidate: Candidate) -> None:
    """Every weight that wants a gradient gets one."""
    model = _network(candidate).train()
    logits = model(_images(4))
    torch.autograd.backward(logits.square().sum())
    if idle := [name for name, own in _trainable(model) if own.grad is None]:
        refuse(f"does not use {idle[0]} in training", "unused weights stop distributed training")


def _trainable(model: nn.Module) -> Iterable[tuple[str, nn.Parameter]]:
    return ((name, own) for name, own in model.named_parameters() if own.requires_grad)


@CHECK("same seed, same weights", "full")
def same_seed_same_weights(candidate: Candidate) -> None:
    """Under one seed of torch it begins with the same weights."""

    def equal(first: Any, second: Any) -> bool:
        return all(map(torch.equal, first, second))

    same_twice(
        lambda: list(_network(candidate, seed=3).state_dict().values()),
        equal,
        "weights begin with torch's generator, which the engine seeds",
    )


def _explain(
    candidate: Candidate,
    model: nn.Module,
    images: torch.Tensor,
    classes: torch.Tensor | None = None,
) -> Any:
    built = candidate.build()
    if isinstance(built, CheckingExplainer):
        try:
            with unchanged_network(model):
                built.check(model)
        except RecipeError as error:
            raise NotTried(f"it refuses the small network: {error.what}") from error
    classes = torch.arange(len(images)) if classes is None else classes
    with candidate.component.guard(built), unchanged_network(model):
        answer = built(model, images, classes)
        return check_maps(answer, (len(images), *images.shape[2:]))


def _explicable() -> nn.Module:
    return examples.small_network(len(examples.CLASSES)).eval()


@CHECK("answers", "base", "explainer")
def draws_maps(candidate: Candidate) -> None:
    """It returns maps [N, H, W] in [0, 1], and leaves the network as it was."""
    _explain(candidate, _explicable(), _images(3))


@CHECK("same maps again", "full", "explainer")
def same_maps_again(candidate: Candidate) -> None:
    """Asked again, it draws the same maps."""

    def close(first: Any, second: Any) -> bool:
        return bool(abs(first - second).max() < 1e-4)

    same_twice(
        lambda: _explain(candidate, _explicable(), _images(3)), close, "maps can be drawn again"
    )


@CHECK("images alone", "full", "explainer", needs=(*BASIC, "same maps again"))
def images_alone(candidate: Candidate) -> None:
    """The map of an image does not depend on what is beside it."""
    model, images = _explicable(), _images(3)
    together = _explain(candidate, model, images)
    for place, classes in enumerate(torch.arange(3)[:, None]):
        alone = _explain(candidate, model, images[place : place + 1], classes)
        if abs(together[place] - alone[0]).max() > 1e-3:
            refuse("draws another map beside other images", "a map is about one image")


@CHECK("global dice alone", "full", "explainer")
def explainer_leaves_global_dice(candidate: Candidate) -> None:
    """It draws nothing from random generators that all of the process shares."""
    with quiet_dice():
        _explain(candidate, _explicable(), _images(2))
