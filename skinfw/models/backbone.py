"""Build the network of a recipe: the backbone, and what the recipe changes in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from skinfw.errors import RecipeError
from skinfw.guards.tensors import (
    check_evaluation_mode,
    check_layer,
    check_logits,
    check_network,
    check_repeats,
)
from skinfw.interfaces.protocols import Modification, MultimodalNetwork, ProgressListener
from skinfw.interfaces.values import Modalities
from skinfw.recipe.component import PlannedComponent
from skinfw.runtime.device import Hardware

if TYPE_CHECKING:
    from hashlib import _Hash

ALONE = Modalities()


def build_network(
    backbone: PlannedComponent[nn.Module],
    changes: Sequence[PlannedComponent[Modification]],
    classes: tuple[str, ...],
    size: int,
    modalities: Modalities = ALONE,
) -> nn.Module:
    """Return the network.

    changes: the recipe's [[modify]] tables, in order.
    size: side of the square that it will see.
    modalities: what it gets and answers beside.
    """
    with backbone.guard():
        made = backbone.make(variant=backbone.entry.variant, classes=classes, size=size)
        model = check_network(made)
    for change in changes:
        modify = change.make(classes=classes, modalities=modalities).modify
        with change.guard(modify):
            model = check_network(modify(model))
    if modalities != ALONE and not (
        isinstance(model, MultimodalNetwork) and model.modalities == modalities
    ):
        raise RecipeError(
            "no component of the recipe makes use of [modalities]",
            "[modalities]",
            "the backbone sees one picture and answers the class",
            "add a [[modify]] component that does: skinfw show modify",
        )
    return model


def black_images(
    count: int, size: int, modalities: Modalities, hardware: Hardware
) -> tuple[torch.Tensor, ...]:
    """Return what a network gets: black images, and where it gets metadata, none that are known.

    count: images.
    size: side of an image.
    """
    black = torch.zeros(count, 3 * modalities.pictures, size, size, device=hardware.device)
    black = black.contiguous(memory_format=hardware.memory_format)
    unknown = torch.full((count, len(modalities.metadata)), torch.nan, device=hardware.device)
    return (black, unknown) if modalities.metadata else (black,)


def try_network(
    component: PlannedComponent[Any],
    model: nn.Module,
    shape: tuple[int, int],
    modalities: Modalities,
    hardware: Hardware,
    explained: bool = False,
) -> None:
    """Move a network to its device, and try it on one black image.

    component: who made it what it is.
    shape: the number of classes, and the side of an image.
    explained: whether its `cam_layer` will be asked for.
    Raises SkinfwError where its answer is of another shape, or another one for the same image.
    """
    classes, size = shape
    wanted = classes + sum(map(len, modalities.auxiliary.values()))
    with component.guard(), torch.no_grad():
        model.to(hardware.device).to(memory_format=hardware.memory_format)
        check_evaluation_mode(model.eval())
        black = black_images(1, size, modalities, hardware)
        logits = model(*black)
        check_logits(logits, 1, wanted)
        check_repeats(logits, model(*black))
        if explained:
            check_layer(model)
        model.train()


def report_progress(model: nn.Module, done: float) -> dict[str, float]:
    """Tell all modules that want to know how much of the training is done.

    done: share of the optimizer's steps, from 0 to 1.
    Returns the named numbers that they answer with, for the history.
    """
    numbers: dict[str, float] = {}
    for module in model.modules():
        if isinstance(module, ProgressListener):
            numbers |= module.set_progress(done)
    return numbers


def listens_to_progress(model: nn.Module) -> bool:
    """Return whether a module of the network wants to know."""
    return any(isinstance(module, ProgressListener) for module in model.modules())


def digest_weights(digest: _Hash, model: nn.Module, leave_out: str = "") -> _Hash:
    """Add the weights of a network to a checksum, and return it.

    leave_out: what the names of weights begin with that do not count; "" leaves out none.
    """
    for name, tensor in model.state_dict().items():
        if not leave_out or not name.startswith(leave_out):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest
