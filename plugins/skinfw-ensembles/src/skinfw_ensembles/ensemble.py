"""An ensemble: a run folder with the networks of several runs, which answer together."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from skinfw import Predictions, RecipeError, Result
from skinfw.toolkit import (
    MEMBERS,
    Combination,
    CombinationMethod,
    ModelEvaluator,
    RunFolder,
    TrainedModel,
    display_path,
    load_plan,
    load_trained_model,
)
from skinfw_ensembles.division import common_rows, measured_parts
from skinfw_ensembles.members import Member, Network, read_members
from skinfw_ensembles.run_writer import (
    Division,
    folder_model,
    gathered_marks,
    new_folder,
    write_division,
    write_run,
)
from skinfw_ensembles.weights import choose_weights, rank_quantiles

Weighting = Literal["equal", "validation"]
Say = Callable[[str], None]


def make_ensemble(
    runs: Sequence[Path],
    out: Path,
    method: CombinationMethod,
    weighting: Weighting,
    say: Say,
    trust: bool = False,
    network: Network = "best",
) -> Result:
    """Write a run folder in which the networks of several runs answer together.

    runs: their folders; the first one's recipe names data, metrics and reports.
    out: the folder, which must not exist.
    method: what of the answers is averaged.
    weighting: "equal", or by "validation".
    say: told what a user must hear.
    trust: whether Python files that the runs name may be imported unseen.
    network: which one of each run; refits have learned more, and leave less to be measured on.
    """
    members = read_members(runs, trust, network)
    plan = load_plan(members[0].model.path, trust=trust or None)
    rows = common_rows(plan, members)
    for own in members:
        own.model.check_pictures(rows.columns)
    parts, notes = measured_parts(rows)
    if "val" not in parts and (weighting == "validation" or method == "ranks"):
        raise RecipeError(
            "the runs share no validation lesions",
            display_path(runs[0]),
            f"{'weights' if weighting == 'validation' else 'ranks'} need lesions that no run has "
            "trained on; runs of other seeds divide the lesions otherwise",
            "leave --weights and --combine out, or train the runs with one split.seed",
        )
    division = Division(rows, parts, [*gathered_marks(members), *notes])
    for mark in division.marks:
        say(f"note: {mark}")
    with new_folder(out, plan, members) as folder:
        models = _copy_members(folder, members, trust)
        write_division(folder, division, members[0].model.classes)
        answers: dict[str, list[Predictions]] = {
            part: [ModelEvaluator(own).predict(of_part, plan.dataset) for own in models]
            for part, of_part in parts.items()
        }
        combination = _combination(answers, method, weighting, len(models), plan.seed, say)
        folder.update(combination=combination.record())
        model = replace(
            folder_model(folder, members[0].model, division),
            members=models,
            combination=combination,
        )
        predictions = {part: combination.predictions(own) for part, own in answers.items()}
        return write_run(folder, model, plan, division, predictions, say)


def _copy_members(
    folder: RunFolder, members: Sequence[Member], trust: bool
) -> tuple[TrainedModel, ...]:
    """Copy the record, the division and the weights of each run.

    So the folder can be moved and packed, and knows what its networks have learned.
    """
    models = []
    for place, own in enumerate(members, 1):
        target = folder.path / MEMBERS / str(place)
        target.mkdir(parents=True)
        for name in ("run.json", "splits.csv", own.model.weights.name):
            shutil.copyfile(own.model.path / name, target / name)
        models.append(load_trained_model(target, trust=trust, network=own.model.network))
    folder.update(members=[own.entry() for own in members])
    return tuple(models)


def _combination(
    answers: Mapping[str, Sequence[Predictions]],
    method: CombinationMethod,
    weighting: Weighting,
    count: int,
    seed: int,
    say: Say,
) -> Combination:
    """Return how the answers are combined; tell the weights and what they rest on."""
    quantiles = rank_quantiles(answers["val"]) if method == "ranks" else []
    if weighting == "equal":
        return Combination(method, (1 / count,) * count, quantiles)
    chosen = choose_weights(answers["val"], method, seed)
    shown = ", ".join(f"{weight:.3f}" for weight in chosen.weights)
    if chosen.share:
        gain, error = chosen.gain
        say(
            f"weights {shown}: {chosen.share:.0%} of the way from equal weights; other lesions "
            f"than they were fitted on gain {gain:.4f} (standard error {error:.4f}) in "
            "log-likelihood"
        )
    else:
        say("weights are equal: validation does not show that others are better")
    return Combination(method, chosen.weights, quantiles)
