"""The network of a run: built under its own seed, tried, frozen, and what it computes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from skinfw.errors import SkinfwError
from skinfw.interfaces.protocols import PairedNetwork
from skinfw.interfaces.values import Modalities
from skinfw.models.autotune import autotune
from skinfw.models.backbone import ALONE, build_network, try_network
from skinfw.models.depthwise import keep_depthwise_gradients_fast
from skinfw.models.freezing import FrozenLayers, freeze
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.guard import Guard
from skinfw.recipe.plan import Plan
from skinfw.runtime.device import Hardware
from skinfw.runtime.seed import torch_seed
from skinfw.training.batch_size import choose_batch_size


@dataclass(frozen=True)
class Network:
    """Hold the network of a run.

    model: on its device.
    frozen: what of it does not learn, or not from the start.
    modalities: what it gets beside one picture.
    hardware: what it is computed on; nothing of it is "auto" any more.
    batch_size: images per batch of all processes, likewise.
    """

    model: torch.nn.Module
    frozen: FrozenLayers
    modalities: Modalities
    hardware: Hardware
    batch_size: int


def _build(
    plan: Plan, changes: Sequence[PlannedComponent[Any]], modalities: Modalities
) -> torch.nn.Module:
    torch.manual_seed(torch_seed(plan.seed, "init"))
    size = plan.image.size
    return build_network(plan.components.backbone, changes, plan.classes, size, modalities)


def _try(
    plan: Plan,
    component: PlannedComponent[Any],
    model: torch.nn.Module,
    modalities: Modalities,
    hardware: Hardware,
) -> None:
    shape, explained = (len(plan.classes), plan.image.size), bool(plan.components.explainer)
    try_network(component, model, shape, modalities, hardware, explained)


def _blame_change(plan: Plan, modalities: Modalities, hardware: Hardware) -> None:
    """Raise for the first change after which a network that cannot be used cannot be used."""
    if modalities != ALONE:  # only the whole network takes them
        return
    changes = plan.components.modify
    makers: list[PlannedComponent[Any]] = [plan.components.backbone, *changes]
    for count, component in enumerate(makers):
        model = _build(plan, changes[:count], modalities)
        _try(plan, component, model, modalities, hardware)


def build_run_network(
    plan: Plan, modalities: Modalities, images: int, hardware: Hardware
) -> Network:
    """Build the network of a recipe, try it on a black image, and settle what "auto" means for it.

    modalities: as the training part has them.
    images: of the training part.
    hardware: as far as the machine alone decides it.
    """
    component = plan.components.backbone
    model = _build(plan, plan.components.modify, modalities)
    try:
        _try(plan, component, model, modalities, hardware)
    except SkinfwError:
        _blame_change(plan, modalities, hardware)
        raise
    frozen = freeze(model, plan.train.freeze, plan.recipe.origin("train", "freeze").text)
    shown = 2 if isinstance(model, PairedNetwork) else 1
    batch = plan.train.batch_size
    if batch == "auto":
        largest = max(plan.image.train_sizes or (plan.image.size,))
        with Guard(component, others=plan.components.modify):
            batch = choose_batch_size(model, largest, images, hardware, modalities, shown)
    with Guard(component, others=plan.components.modify):  # its first steps of training
        tuned = autotune(
            model,
            plan.engine,
            (batch // hardware.world * shown, plan.image.train_size(1, 1)),
            plan.train.epochs * images // batch,
            hardware,
            (plan.recipe.replays or {}).get("hardware"),
            modalities,
        )
    keep_depthwise_gradients_fast(model, tuned)
    return Network(model, frozen, modalities, tuned, batch)
