"""What can be refused of a recipe once its parts are built, before they work for hours."""

from __future__ import annotations

import numpy as np
from torch import nn

from skinfw.errors import RecipeError
from skinfw.evaluation.evaluator import Metrics, compute_metrics
from skinfw.interfaces.protocols import PairedNetwork
from skinfw.interfaces.values import Auxiliary, Draw, Modalities, Predictions
from skinfw.models.backbone import ALONE
from skinfw.recipe.plan import Plan
from skinfw.registry.names import did_you_mean


def check_select(plan: Plan, metrics: Metrics, modalities: Modalities) -> None:
    """Refuse a `select` that can choose no epoch, before training and not after its first epoch.

    plan: the checked recipe.
    metrics: pairs of plan and object.
    modalities: for the auxiliary outputs that metrics may ask for.
    """
    classes = plan.classes
    true = np.arange(2 * len(classes)) % len(classes)
    even = np.full((len(true), len(classes)), 1 / len(classes))
    ids = [str(index) for index in range(len(true))]
    some = np.zeros(len(true), np.int64)
    beside = {
        name: Auxiliary(values, some, np.full((len(true), len(values)), 1 / len(values)))
        for name, values in modalities.auxiliary.items()
    }
    trial = Predictions(ids, ids, true, even, classes, 0.0, beside)
    names = [*compute_metrics(metrics, trial), "val_loss"]
    whole = [name for name in names if "/" not in name]
    select, where = plan.train.select, plan.recipe.origin("train", "select").text
    if select not in names:
        raise RecipeError(
            f'train.select names no number: "{select}"{did_you_mean(select, names)}',
            where,
            cure=f"the metrics of this recipe give {', '.join(whole)}, and numbers of classes",
        )
    if any(select in getattr(metric, "smaller_is_better", ()) for _, metric in metrics):
        raise RecipeError(
            f'train.select is "{select}", which is better small',
            where,
            "the epoch with the largest number is kept",
            'choose another number, or "val_loss"',
        )


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
