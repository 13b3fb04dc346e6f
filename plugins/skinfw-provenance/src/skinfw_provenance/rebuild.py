"""Make the result of a run again from its files, so that its own reports can write once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import (
    Explanations,
    Predictions,
    RecipeError,
    Result,
    SkinfwError,
    read_csv,
    select,
)
from skinfw.toolkit import (
    PREDICTION_FILES,
    EngineSettings,
    Metrics,
    ModelEvaluator,
    Plan,
    RecipeErrors,
    TrainedModel,
    TrustError,
    best_epoch,
    build_components,
    choice_findings,
    choose_hardware,
    choose_images,
    compute_intervals,
    compute_metrics,
    image_function,
    load_data,
    load_plan,
    load_trained_model,
    read_history,
    read_run,
    run_predictions,
    with_network,
)
from skinfw_provenance.verification import Verification

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

WITH_DATA = "it needs the data set, see --data"


class NotAtHandError(SkinfwError):
    """Say that a report asks for what a run folder does not hold."""


class _Absent:
    """Stand for the data set's table where it is not at hand."""

    def copy(self) -> _Absent:
        return self

    def __getattr__(self, name: str) -> Any:
        raise NotAtHandError(WITH_DATA)

    def __getitem__(self, name: Any) -> Any:
        raise NotAtHandError(WITH_DATA)

    def __len__(self) -> int:
        raise NotAtHandError(WITH_DATA)


class _NoHistory(list[Any]):
    """Stand for the history where no report of the recipe has kept it."""

    def __deepcopy__(self, memo: Any) -> _NoHistory:
        return self

    def __iter__(self) -> Any:
        raise NotAtHandError("it needs history.csv, which the run did not write")

    def __len__(self) -> int:
        raise NotAtHandError("it needs history.csv, which the run did not write")


@dataclass(frozen=True)
class RunContents:
    """Hold a run as its files tell it.

    record: run.json.
    model: what of it names components.
    metrics: that predictions from a table can be measured by.
    complete: whether these are all metrics of the recipe.
    result: what reports are told.
    """

    record: dict[str, Any]
    model: TrainedModel
    metrics: Metrics
    complete: bool
    result: Result


def rebuild(run: Path, plan: Plan | None, found: Verification, trust: bool = False) -> RunContents:
    """Return a run as its predictions, its history and its record tell it.

    run: the folder.
    plan: the run's recipe, where its data may be looked at.
    found: told what could not be made again.
    trust: whether Python files that the run names may be imported unseen.
    """
    record = read_run(run)
    classes, marks = tuple(record.get("classes") or ()), tuple(record.get("marks", ()))
    model = TrainedModel(run, classes, record["recipe"], marks, trust=trust)
    parts = {part: run_predictions(run, "val" if part == "val" else "test")
             for part in dict.fromkeys([record["recipe"]["train"]["validation"], "test"])
             if (run / PREDICTION_FILES[part]).is_file()}  # fmt: skip
    if "test" not in parts or parts["test"].classes != model.classes:
        raise RecipeError(
            "the run has no predictions that its numbers could be derived from",
            str(run / PREDICTION_FILES["test"]),
            f"it is {record.get('status')}, and its classes are {', '.join(model.classes)}",
            "finish it with skinfw run --resume, or restore the file",
        )
    metrics, complete = _metrics(model, parts["test"], found)
    replicates, seed = record["recipe"]["evaluate"]["replicates"], record["recipe"]["seed"]
    history = [{**row, "epoch": int(row["epoch"])} for row in read_history(run)]
    select_by = record["recipe"]["train"]["select"]
    timings = {name: spent for name, spent in record.get("timings", {}).items() if name != "report"}
    rows = _rows(run, parts, plan)
    result = Result(
        run,
        str(record.get("name", "")),
        model.classes,
        history or ([] if record.get("members") else _NoHistory()),
        best_epoch(history, select_by) if history else record["results"].get("best_epoch", 0),
        select_by,
        parts,
        {part: compute_metrics(metrics, own) for part, own in parts.items()},
        _explanations(model, parts["test"], seed),
        rows,
        model.marks,
        {part: compute_intervals(metrics, own, replicates, seed) for part, own in parts.items()}
        if replicates
        else {},
        replicates=replicates,
        seed=seed,
        record={**record, "timings": timings},  # as they were when the reports wrote
        findings=choice_findings(record.get("explainers", ())),
    )
    result = replace(_with_network(run, plan, result, trust), images=_black_images)
    return RunContents(record, model, metrics, complete, result)


def read_splits(run: Path) -> pd.DataFrame:
    """Return splits.csv: id, label, part, lesion and component of each image, as texts.

    Raises SkinfwError with file and line where anything is wrong.
    """
    splits = read_csv(run / "splits.csv", ["id", "lesion", "label", "part"], own=True)
    if "component" not in splits:  # as older versions wrote it
        splits["component"] = splits["lesion"]
    return splits


def _metrics(model: TrainedModel, test: Predictions, found: Verification) -> tuple[Metrics, bool]:
    """Return the metrics that need nothing beside predictions.csv, and whether these are all."""
    kept = []
    everything = build_components(model.components("metric"), model.classes)
    for component, metric in everything:
        try:
            with component.guard(metric):
                metric(test.copy())
        except SkinfwError as error:
            found.leave(f'the numbers of the metric "{component.use}"', error.what)
        else:
            kept.append((component, metric))
    return kept, len(kept) == len(everything)


def _explanations(model: TrainedModel, test: Predictions, seed: int) -> Sequence[Explanations]:
    """Return which images were explained, in black: no file of the run holds them, nor a map."""
    import numpy as np

    answer = []
    for component in model.components("explainer"):
        host = component.host
        chosen = choose_images(test, host["images"], host["mistakes"], seed, host["order"])
        blank = np.zeros((len(chosen), 8, 8, 3), np.uint8)
        maps = np.zeros((len(chosen), 8, 8), np.float32)
        own = select(test, np.array(chosen, int))
        about = component.use, host["explains"], own, blank, maps
        answer.append(Explanations(*about, order=host["order"]))
    return answer


def _black_images(part: str, places: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Return images in black: no file of the run holds them."""
    import numpy as np

    return np.zeros((len(places), 8, 8, 3), np.uint8)


def _rows(run: Path, parts: dict[str, Predictions], plan: Plan | None) -> dict[str, Any]:
    """Return the data set's table of each part, or what stands for it."""
    if plan is None:
        return {part: _Absent() for part in parts}
    import pandas as pd

    rows = load_data(plan).rows
    rows = rows.merge(read_splits(run)[["id", "component", "part"]], on="id", how="inner")
    places = pd.Index(rows["id"])
    answer: dict[str, pd.DataFrame] = {}
    for part, own in parts.items():
        here = places.get_indexer(list(own.ids))
        if (here < 0).any():
            raise RecipeError(
                "the data set does not have all images that the run was evaluated on",
                plan.components.dataset.origin.text,
                cure="restore it, or verify without --data",
            )
        answer[part] = rows.iloc[here].reset_index(drop=True)
    return answer


def _with_network(run: Path, plan: Plan | None, result: Result, trust: bool) -> Result:
    """Return a result that asks the network once more, or says what is needed for it."""
    if plan is None:

        def refuse(*asked: Any, **keys: Any) -> Any:
            raise NotAtHandError(f"{WITH_DATA}, to ask the network once more")

        return replace(result, features=refuse, predict_changed=refuse, inspect=refuse)
    choose_hardware(EngineSettings())  # here, for reports may not leave its threads changed
    evaluator = ModelEvaluator(load_trained_model(run, trust=trust, network="best"))
    ids, table, dataset = _ids(run), result.rows, plan.dataset

    def labelled(part: str) -> tuple[pd.DataFrame, Any]:
        """Return the rows of a part and the data set that they are of."""
        if part in table:
            return table[part], dataset
        rows = load_data(plan).rows
        return rows[rows["id"].isin(ids[part])].reset_index(drop=True), dataset

    return with_network(result, evaluator, labelled)


def _ids(run: Path) -> dict[str, set[str]]:
    return {str(part): set(own["id"]) for part, own in read_splits(run).groupby("part")}


def plan_of(
    run: Path, sets: Sequence[str], data: bool, found: Verification, trust: bool = False
) -> Plan | None:
    """Return the recipe of a run where its data may be looked at, else None.

    data: whether files may be read; a data set that draws its images has none.
    trust: whether Python files that the run names may be imported unseen.
    Raises TrustError where they may not.
    """
    try:
        plan = load_plan(run, sets, trust=trust or None)
    except SkinfwError as error:
        problems = error.problems if isinstance(error, RecipeErrors) else [error]
        for problem in problems:
            if isinstance(problem, TrustError):
                raise problem from error
        if data:
            raise
        found.leave("the recipe", f"it cannot be planned here: {error.what}")
        return None
    return plan if data or image_function(plan.dataset) else None
