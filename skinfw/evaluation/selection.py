"""Whether a recipe's numbers can choose an epoch, before any data are read."""

from __future__ import annotations

from skinfw.recipe.plan import Plan
from skinfw.recipe.settings import TrainSettings


def check_own_select(plan: Plan) -> None:
    """Refuse a recipe whose numbers cannot choose an epoch, where it names numbers at all.

    plan: the checked recipe. Only data know the values of auxiliary outputs, which metrics may
        need; a recipe with some is checked when it runs.
    """
    own = any(component.origin.layer for component in plan.components.metric)
    chosen = plan.train.select != TrainSettings().select
    if (own or chosen) and not plan.modalities.auxiliary:
        # Most recipes need none of this, which imports numpy.
        from skinfw.evaluation.numbers import check_select
        from skinfw.interfaces.values import Modalities
        from skinfw.recipe.component import build_components

        metrics = build_components(plan.components.metric, plan.classes)
        check_select(plan, metrics, Modalities())
