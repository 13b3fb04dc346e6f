"""The network of a run: built under its own seed, tried, frozen, and what it computes on."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from skinfw.interfaces.protocols import PairedNetwork
from skinfw.interfaces.values import Modalities
from skinfw.models.autotune import autotune
from skinfw.models.backbone import build_network, try_network
from skinfw.models.freezing import FrozenLayers, freeze
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


def build_run_network(
    plan: Plan, modalities: Modalities, images: int, hardware: Hardware
) -> Network:
    """Build the network of a recipe, try it on a black image, and settle what "auto" means for it.

    modalities: as the training part has them.
    images: of the training part.
    hardware: as far as the machine alone decides it.
    """
    component, size = plan.components.backbone, plan.image.size
    torch.manual_seed(torch_seed(plan.seed, "init"))
    model = build_network(component, plan.components.modify, plan.classes, size, modalities)
    try_network(component, model, (len(plan.classes), size), modalities, hardware)
    if plan.components.explainer:
        with component.guard():
            model.get_submodule(str(model.cam_layer))
    frozen = freeze(model, plan.train.freeze, plan.recipe.origin("train", "freeze").text)
    shown = 2 if isinstance(model, PairedNetwork) else 1
    batch = plan.train.batch_size
    if batch == "auto":
        largest = max(plan.image.train_sizes or (size,))
        batch = choose_batch_size(model, largest, images, hardware, modalities, shown)
    hardware = autotune(
        model,
        plan.engine,
        (batch // hardware.world * shown, plan.image.train_size(1, 1)),
        plan.train.epochs * images // batch,
        hardware,
        (plan.recipe.replays or {}).get("hardware"),
        modalities,
    )
    return Network(model, frozen, modalities, hardware, batch)
