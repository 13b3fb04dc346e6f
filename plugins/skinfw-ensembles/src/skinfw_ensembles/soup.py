"""A soup: one network whose weights are the mean of several that share a start.

Wortsman et al. 2022 (arXiv 2203.05482).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from skinfw import Predictions, RecipeError, Result
from skinfw.toolkit import (
    BEST_WEIGHTS,
    LOCK,
    ModelEvaluator,
    Plan,
    TrainedModel,
    build_components,
    compute_metrics,
    display_path,
    load_plan,
    read_lock,
    save_weights,
)
from skinfw_ensembles.division import common_rows, measured_parts
from skinfw_ensembles.members import Member, read_members
from skinfw_ensembles.run_writer import (
    Division,
    folder_model,
    gathered_marks,
    new_folder,
    write_division,
    write_run,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch

Say = Callable[[str], None]
Choice = Literal["uniform", "greedy"]
MOST_IMAGES = 2048
"""Training images that the statistics of batch normalisation are computed on."""

_STATISTICS = ("running_mean", "running_var")


def make_soup(
    runs: Sequence[Path], out: Path, choice: Choice, say: Say, trust: bool = False
) -> Result:
    """Write a run folder whose network has the mean weights of several runs.

    runs: their folders; the first one's recipe names data, metrics and reports.
    out: the folder, which must not exist.
    choice: "uniform" takes all of them; "greedy" goes from the best on validation to the worst, and
        takes each that makes the validation number of the mean no worse.
    say: told what a user must hear.
    trust: whether Python files that the runs name may be imported unseen.
    """
    members = read_members(runs, trust)
    _refuse_strangers(members)
    plan = load_plan(members[0].model.path, trust=trust or None)
    rows = common_rows(plan, members)
    _refuse_others(members, rows)
    parts, notes = measured_parts(rows)
    if choice == "greedy" and "val" not in parts:
        raise RecipeError(
            "the runs share no validation lesions",
            display_path(runs[0]),
            "a greedy soup chooses on lesions that no run has trained on",
            "leave --greedy out",
        )
    division = Division(rows, parts, [*gathered_marks(members), *notes])
    with new_folder(out, plan, members) as folder:
        write_division(folder, division, members[0].model.classes)
        # A view that adjusts answers by the frequencies of the classes takes those of the soup.
        counts = folder_model(folder, members[0].model, division).counts
        first = replace(members[0].model, counts=counts)
        kitchen = _Kitchen(plan, first, rows, [_weights_of(own) for own in members])
        places = list(range(len(members)))
        if choice == "greedy":
            places = _greedy(kitchen, parts["val"], members, say)
        evaluator = kitchen.cook(places)
        about = {"backbone": plan.components.backbone.use, "classes": ",".join(first.classes)}
        save_weights(folder.path / BEST_WEIGHTS, evaluator.network, about)
        folder.update(members=[members[place].entry() for place in places])
        predictions = {part: evaluator.predict(of_part, plan.dataset)
                       for part, of_part in parts.items()}  # fmt: skip
        model = folder_model(folder, first, division)
        return write_run(folder, model, plan, division, predictions, say)


def _refuse_strangers(members: Sequence[Member]) -> None:
    """Refuse runs that began elsewhere: between their weights there is nothing to be found."""
    first, *others = [read_lock(own.model.path / LOCK) for own in members]
    for own, lock in zip(members[1:], others, strict=True):
        if lock["data_fingerprint"] != first["data_fingerprint"]:
            raise RecipeError(
                f"{own.name} and {members[0].name} were trained on other data",
                display_path(own.model.path / LOCK),
                "data_fingerprint is another, so that nobody could tell what the mean has learned",
                "average runs of one data set, or let them answer together: skinfw ensemble",
            )
        if lock["initial_weights"] != first["initial_weights"]:
            raise RecipeError(
                f"{own.name} and {members[0].name} do not share a start",
                display_path(own.model.path / LOCK),
                "initial_weights is another: networks that began elsewhere cannot be averaged",
                "train with one seed and other settings, or let them answer together: "
                "skinfw ensemble",
            )


def _refuse_others(members: Sequence[Member], rows: pd.DataFrame) -> None:
    """Refuse runs that have learned what is not in the data: nobody would leave it out later.

    rows: of the data.
    """
    for own in members:
        learned = own.splits[own.splits["part"].isin(own.trained_parts)]
        if count := int((~learned["id"].isin(rows["id"])).sum()):
            raise RecipeError(
                f"{own.name} has learned {count:,} images that are not in its data set",
                display_path(own.model.path / "splits.csv"),
                "they had no label, or are gone; the folder of a soup could not tell of them, and "
                "an evaluation would count them as unseen",
                "let the runs answer together: skinfw ensemble",
            )


def _weights_of(member: Member) -> dict[str, torch.Tensor]:
    return dict(ModelEvaluator(member.model).network.state_dict())


@dataclass(frozen=True)
class _Kitchen:
    """Make the soup of some of the runs.

    plan, model: of the first run; the model with the frequencies of the classes of the soup.
    rows: of the data, divided.
    weights: of each run.
    """

    plan: Plan
    model: TrainedModel
    rows: pd.DataFrame
    weights: Sequence[dict[str, torch.Tensor]]

    def cook(self, places: Sequence[int]) -> ModelEvaluator:
        """Return what evaluates the mean weights of the runs at these places."""
        chosen = [self.weights[place] for place in places]
        evaluator = ModelEvaluator(self.model)
        evaluator.network.load_state_dict(average(chosen))
        if names := changed_statistics(chosen):
            train = self.rows[self.rows["part"] == "train"]
            step = -(-len(train) // MOST_IMAGES)
            some = train.iloc[::step].reset_index(drop=True)
            evaluator.recompute_batch_norm(some, self.plan.dataset, names)
        return evaluator


def average(states: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the mean of weights; counters are those of the first.

    Differences from the first are summed in float64: equal weights stay what they are.
    """
    first, *others = states
    mean = dict(first)
    for name, own in first.items():
        if own.is_floating_point():
            base = own.double()
            change = sum((state[name].double() - base for state in others), base * 0)
            mean[name] = (base + change / len(states)).to(own.dtype)
    return mean


def changed_statistics(states: Sequence[dict[str, torch.Tensor]]) -> list[str]:
    """Return the modules whose statistics of batch normalisation differ between networks.

    Those of frozen layers, and of a soup of one, are the same and stay.
    """
    first, *others = states
    names: dict[str, None] = {}
    for name, own in first.items():
        module, _, leaf = name.rpartition(".")
        if leaf in _STATISTICS and any(not own.equal(state[name]) for state in others):
            names[module] = None
    return list(names)


def _greedy(
    kitchen: _Kitchen, rows: pd.DataFrame, members: Sequence[Member], say: Say
) -> list[int]:
    """Return the runs whose mean is best on validation, the best run first."""
    plan = kitchen.plan
    values = [_value(plan, ModelEvaluator(own.model).predict(rows, plan.dataset))
              for own in members]  # fmt: skip
    order = sorted(range(len(members)), key=lambda place: -values[place])
    chosen, best = order[:1], values[order[0]]
    say(f"{members[chosen[0]].name} begins: validation {plan.train.select} {best:.4f}")
    for place in order[1:]:
        value = _value(plan, kitchen.cook([*chosen, place]).predict(rows, plan.dataset))
        kept = value >= best
        say(f"{members[place].name} {'joins' if kept else 'stays out'}: {value:.4f}")
        if kept:
            chosen, best = [*chosen, place], value
    return chosen


def _value(plan: Plan, predictions: Predictions) -> float:
    """Return the number that chooses, which is larger for the better."""
    if plan.train.select == "val_loss":
        own = predictions.probabilities[np.arange(len(predictions.ids)), predictions.true]
        return float(np.log(np.maximum(own, 1e-12)).mean())
    metrics = build_components(plan.components.metric, plan.classes)
    return float(compute_metrics(metrics, predictions)[plan.train.select])
