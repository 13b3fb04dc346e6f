"""What can be refused of a recipe once its parts are built, before they work for hours."""

from __future__ import annotations

from torch import nn

from skinfw.errors import RecipeError
from skinfw.interfaces.protocols import PairedNetwork
from skinfw.interfaces.values import Draw, Modalities
from skinfw.models.backbone import ALONE
from skinfw.recipe.plan import Plan


def check_pairs(plan: Plan, draw: Draw, model: nn.Module, modalities: Modalities) -> None:
    """Refuse a sampler and a network of which one alone works in pairs, and what mixes them.

    plan: the checked recipe.
    draw: of the first epoch.
    model: the network.
    modalities: what it gets beside one picture.
    """
    where, drawn = plan.components.sampler.origin.text, draw.partners is not None
    cure = "a sampler of pairs and a [[modify]] of two branches need each other"
    branches = isinstance(model, PairedNetwork)
    if branches and not drawn:
        what = "the network has two branches, and the sampler draws no pairs"
        raise RecipeError(what, where, cure=cure)
    if drawn and not branches:
        what = "the sampler draws pairs, and the network has one branch"
        raise RecipeError(what, where, cure=cure)
    beside = modalities != ALONE
    if (mix := plan.components.mix) and (drawn or beside):
        raise RecipeError(
            "mixed images have no partners, no metadata and no auxiliary answers",
            mix.origin.text,
            cure="leave out [mix], or [modalities] and the sampler of pairs",
        )
    if drawn and beside:
        raise RecipeError(
            "a network with two branches takes one picture and no metadata",
            where,
            cure="leave out [modalities], or the sampler of pairs",
        )


def check_average(plan: Plan) -> None:
    """Refuse two averages of the weights, of which one network cannot have both."""
    if plan.train.ema and plan.train.swa:
        raise RecipeError(
            "train.ema and train.swa both average the weights",
            plan.recipe.origin("train", "swa").text,
            "one network is evaluated and kept",
            "leave one of them at 0",
        )


def check_norm(plan: Plan) -> None:
    """Refuse to compile what waits for other processes inside the network."""
    if plan.engine.sync_batch_norm and plan.engine.compile == "on":
        raise RecipeError(
            "engine.sync_batch_norm cannot be compiled",
            plan.recipe.origin("engine", "sync_batch_norm").text,
            "batch normalisation waits for the other processes in the middle of the network",
            'engine.compile = "off"',
        )
