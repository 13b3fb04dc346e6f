"""A finished run as reports see it, for some images of its own data or of another data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from skinfw import Predictions, Result, SkinfwError, select
from skinfw.toolkit import (
    PREDICTION_FILES,
    REPLICATES,
    DataPlan,
    EngineSettings,
    ModelEvaluator,
    TrainedModel,
    build_components,
    choose_hardware,
    compute_metrics,
    display_path,
    explainers_by_name,
    load_data_plan,
    other_rows,
    own_rows,
    read_run,
    refuse_unread_sets,
    run_predictions,
    stream,
    unknown_rows,
)


def refuse_ensemble(model: TrainedModel) -> None:
    """Refuse several networks that answer together: each has layers of its own."""
    if model.members:
        first = display_path(model.path / "members" / "1")
        raise SkinfwError(
            "an ensemble has several networks, and explanations are of one",
            display_path(model.path),
            "its maps are the mean of those of its members",
            f"measure the members one by one, such as {first}",
        )


def explained_rows(
    model: TrainedModel,
    dataset: Path | None,
    sets: Sequence[str],
    trust: bool,
    part: str,
    count: int,
    say: Callable[[str], None],
) -> tuple[DataPlan, pd.DataFrame]:
    """Return so many images of a part of the run's data or of another data set, and its plan.

    dataset: the recipe of another data set; None for the run's own.
    sets: texts such as `dataset.root="..."`.
    trust: whether Python files that the recipe names may be imported unseen.
    part: of the run's own data.
    count: images, taken from every class in turn.
    say: told what is left out.
    """
    refuse_unread_sets(sets, "a scorecard")
    plan = load_data_plan(dataset or model.path, sets, trust=trust or None)
    if dataset is None:
        rows = own_rows(plan, part, read_run(model.path), model.path)
    else:
        rows = other_rows(plan, "all", model, {}, say)
        rows = rows[~unknown_rows(rows, model)]
    return plan, _spread(rows.reset_index(drop=True), count, plan.seed)


def run_result(
    model: TrainedModel, plan: DataPlan, rows: pd.DataFrame, name: str, part: str
) -> Result:
    """Return what reports are told of some images.

    rows: with labels of the network's classes.
    name: of the evaluation.
    part: of its data set that the images are, or "all".
    """
    choose_hardware(EngineSettings())  # here, for reports may not leave its threads changed
    evaluator = ModelEvaluator(model)
    predictions = _known_predictions(model, rows, part) or evaluator.predict(rows, plan.dataset)
    record = read_run(model.path)
    metrics = build_components(model.components("metric"), model.classes)
    explainers = build_components(model.components("explainer"), model.classes)
    return Result(
        model.path,
        name,
        model.classes,
        [],
        int(record["results"].get("best_epoch") or 0),
        str(model.tables["train"]["select"]),
        predictions={"test": predictions},
        metrics={"test": compute_metrics(metrics, predictions)},
        rows={"test": rows},
        marks=model.marks,
        inspect=lambda _, places: evaluator.inspect(rows, plan.dataset, predictions, places),
        explainers=explainers_by_name(explainers),
        replicates=int(model.tables["evaluate"]["replicates"]) or REPLICATES,
        seed=plan.seed,
        record=record,
        evaluation={
            "dataset": plan.components.dataset.use,
            "part": part,
            "notes": [f"{len(rows):,} images are explained, evenly over the classes"],
        },
    )


def _known_predictions(model: TrainedModel, rows: pd.DataFrame, part: str) -> Predictions | None:
    """Return what the run itself said of some images of its part; None where no file tells it."""
    if model.network != "best" or part not in ("val", "test"):
        return None
    own: Literal["val", "test"] = "val" if part == "val" else "test"
    if not (model.path / PREDICTION_FILES[own]).is_file():
        return None
    told = run_predictions(model.path, own)
    places = {name: place for place, name in enumerate(told.ids)}
    return select(told, np.array([places[name] for name in rows["id"]], int))


def _spread(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Return so many rows, of every label in turn, at random within a label."""
    order = rows.iloc[stream(seed, "scorecard").permutation(len(rows))]
    turns = order.groupby("label").cumcount()
    chosen = np.sort(order.index[np.argsort(turns.to_numpy(), kind="stable")[:count]])
    return rows.loc[chosen].reset_index(drop=True)
