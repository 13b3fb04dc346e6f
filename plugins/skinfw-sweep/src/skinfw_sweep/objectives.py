"""Which numbers of the validation part a sweep may be about, and which of them are better small."""

from __future__ import annotations

from itertools import chain

from skinfw.toolkit import (
    Plan,
    applicable_metrics,
    build_components,
    selectable_names,
    trial_predictions,
)


def measured_names(plan: Plan) -> tuple[list[str], bool]:
    """Return the names of what a recipe measures of its validation part, and whether these are all.

    Metrics that need what only images have cannot be asked beforehand.
    """
    from skinfw import Modalities

    classes, alone = plan.classes, Modalities()
    built = build_components(plan.components.metric, classes)
    metrics, notes = applicable_metrics(built, trial_predictions(classes, alone))
    return selectable_names(classes, metrics, alone), not notes


def smaller_is_better(plan: Plan, name: str) -> bool:
    """Tell whether a number is better small, as its metric says."""
    built = build_components(plan.components.metric, plan.classes)
    small = chain(*(getattr(metric, "smaller_is_better", ()) for _, metric in built))
    return name == "val_loss" or name in {*small}
