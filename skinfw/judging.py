"""Judge a trained network again: on its own test part, or on another data set."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.build import Plan, plan
from skinfw.catalog import Catalog
from skinfw.contracts import UNKNOWN, Features, Predictions, Result
from skinfw.errors import RecipeError, SkinfwError, unwritable
from skinfw.intervals import REPLICATES, recorded
from skinfw.joins import bare_ids
from skinfw.predictions import FILES, run_predictions, write_predictions
from skinfw.recipe import load, read_run
from skinfw.record import write_json
from skinfw.table import divided_table, read_table, split_hash

if TYPE_CHECKING:
    import pandas as pd

    from skinfw.engine.saved import Saved
    from skinfw.targets import Planned

Say = Callable[[str], None]
FILE = "evaluation.json"


@dataclass(frozen=True)
class Judged:
    """Hold what was found.

    folder: where the files are.
    predictions: of the images.
    metrics, intervals: named numbers, and their 95 % intervals over lesions.
    folds: the numbers of each fold, where there are folds.
    """

    folder: Path
    predictions: Predictions
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    folds: Sequence[Mapping[str, float]] = ()


def own_rows(planned: Plan, part: str, record: Mapping[str, Any]) -> pd.DataFrame:
    """Return a part of the data that a run was made of.

    planned: the run's recipe.
    part: "train", "val" or "test".
    record: of run.json.
    Raises SkinfwError where the data are divided otherwise today.
    """
    table = divided_table(planned)
    if split_hash(table) != record.get("split_hash"):
        raise SkinfwError(
            "the data of the run are divided otherwise today",
            planned.one("dataset").origin.text,
            "images, lesions or the split have changed since, so that test images may have been "
            "trained on",
            "restore the data, or judge them as another data set: --dataset RECIPE",
        )
    return table[table["part"] == part].reset_index(drop=True)


def other_rows(
    planned: Plan, part: str, saved: Saved, names: Mapping[str, str], say: Say
) -> pd.DataFrame:
    """Return the rows of another data set, with the labels of the network's classes.

    planned: a recipe; its data set counts, and for a part of it its split.
    part: "all", or one of the parts.
    names: from a label to a class of the network; to UNK, if it is none of them; to nothing, if
        such images are left out.
    say: told what is left out.
    Raises RecipeError for labels that are no class of the network.
    """
    table = read_table(planned) if part == "all" else divided_table(planned)
    for note in table.attrs["notes"]:
        say(note)
    if part != "all":
        table = table[table["part"] == part]
    where = planned.one("dataset").origin.text
    label = table["label"].map(lambda name: names.get(name, name))
    strange = sorted(set(label) - {*saved.classes, UNKNOWN, ""})
    unused = sorted(set(names) - set(planned.classes))
    if strange or unused:
        what = (
            f"{', '.join(strange)} are no classes of the network"
            if strange
            else f"{', '.join(unused)} are no labels of the data set"
        )
        raise RecipeError(
            what,
            where,
            f"the network answers {', '.join(saved.classes)}; the data set has "
            f"{', '.join(planned.classes)}",
            'name the class of each, such as --map AK=AKIEC, or leave it out: --map "SCC="; '
            f"--map SCC={UNKNOWN} judges whether the network finds such images strange",
        )
    left = int((label == "").sum())
    if left:
        say(f"{left:,} images of labels that the network does not answer are left out")
    table = table.assign(label=label)[label != ""]
    seen = _seen(saved, table)
    if count := int(seen.sum()):
        say(f"{count:,} images that the network has learned from are left out, by id or lesion")
    table = table[~seen].reset_index(drop=True)
    if table["label"].isin([UNKNOWN]).all():
        raise SkinfwError(
            "there is no image to judge",
            where,
            "all of them are left out"
            if table.empty
            else f"all of them are {UNKNOWN}, and strangers are judged beside known images",
            "choose another data set",
        )
    absent = [name for name in saved.classes if name not in set(table["label"])]
    if absent:
        say(f"note: no image shows {', '.join(absent)}: not measured")
    return table


def _seen(saved: Saved, table: pd.DataFrame) -> pd.Series[bool]:
    """Tell which images the run has trained on or chosen its weights by."""
    import pandas as pd

    file = saved.path / "splits.csv"
    try:
        parts = pd.read_csv(file, dtype=str, keep_default_na=False)
    except OSError as error:
        raise SkinfwError(
            "the run does not tell what it has learned from",
            str(file),
            error.strerror or "",
            "restore splits.csv",
        ) from error
    known = parts[parts["part"] != "test"]
    ids, lesions = (set(bare_ids(known[name])) for name in ("id", "lesion"))
    return bare_ids(table["id"].astype(str)).isin(ids) | bare_ids(table["lesion"]).isin(lesions)


def judged(
    saved: Saved,
    rows: pd.DataFrame,
    planned: Plan,
    name: str,
    out: Path | None,
    notes: Sequence[str] = (),
    marks: Sequence[str] = (),
) -> Judged:
    """Judge images, write what was found, and let the run's reports write about it.

    rows: with labels of the network's classes, and UNK for strangers, which no number counts.
    planned: the recipe whose data set they are of.
    name: of the evaluation.
    out: its folder; in the run folder unless given.
    notes: what was told of the images.
    marks: what must be known before believing the numbers, beside the marks of the run.
    """
    from skinfw.engine.judge import Judge

    judge, strange = Judge(saved), rows["label"] == UNKNOWN
    parts = {"test": rows[~strange].reset_index(drop=True)}
    if UNKNOWN in saved.classes:
        parts = {"test": rows}
    elif strange.any():
        parts["strangers"] = rows[strange].reset_index(drop=True)
    found = {part: judge.predictions(own, planned.dataset) for part, own in parts.items()}
    metrics = [(metric, metric.make(classes=saved.classes)) for metric in saved.metrics]
    folder = out or saved.path / "evaluations" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    recipe = {**saved.tables, "seed": planned.seed}
    about = {
        "name": name,
        "run": str(saved.path),
        "dataset": planned.one("dataset").use,
        "marks": (*saved.marks, *marks),
        "notes": notes,
    }
    made = measured(folder, found["test"], metrics, recipe, about)

    def features(part: str) -> Features:
        if part in parts:
            return judge.features(parts[part], planned.dataset)
        own = plan(load(saved.path), Catalog())
        return judge.features(own_rows(own, part, read_run(saved.path)), own.dataset)

    if (saved.path / FILES["val"]).is_file():
        found["val"] = run_predictions(saved.path, "val")
    _report(
        saved,
        Result(
            saved.path,
            name,
            saved.classes,
            *_trained(saved.path),
            predictions=found,
            metrics={"test": made.metrics},
            rows=parts,
            marks=(*saved.marks, *marks),
            intervals={"test": made.intervals} if made.intervals else {},
            features=features,
            replicates=replicates_of(recipe),
            seed=planned.seed,
        ),
        folder,
    )
    return made


def replicates_of(recipe: Mapping[str, Any]) -> int:
    """Return how often the intervals of a recorded recipe draw lesions again."""
    return int(recipe.get("evaluate", {}).get("replicates", REPLICATES))


def _trained(run: Path) -> tuple[list[dict[str, float]], int, str]:
    """Return the history of a run, its best epoch, and the number that chose it."""
    import pandas as pd

    results = read_run(run)["results"]
    file = run / "history.csv"
    history: list[Any] = pd.read_csv(file).to_dict("records") if file.is_file() else []
    return history, results["best_epoch"], results["select"]


def _report(saved: Saved, result: Result, folder: Path) -> None:
    """Let those reports of the run write that know what to do with other images."""
    for planned in saved.reports:
        report = planned.make()
        if hasattr(report, "evaluate"):
            with planned.guard():
                report.evaluate(result, folder)


def measured(
    folder: Path,
    found: Predictions,
    metrics: Sequence[tuple[Planned, Any]],
    recipe: Mapping[str, Any],
    about: Mapping[str, Any],
    folds: Sequence[Predictions] = (),
) -> Judged:
    """Measure predictions, and write them into a folder that `skinfw compare` takes.

    metrics: pairs of plan and object.
    recipe: the resolved tables; of them, what a comparison needs is kept.
    about: what else evaluation.json says: the name and the marks.
    folds: the predictions of each fold, where these are all of them together.
    """
    from skinfw.engine.evaluate import intervals, measure

    numbers = measure(metrics, found)
    by_fold = [measure(metrics, fold) for fold in folds]
    replicates = replicates_of(recipe)
    bounds = intervals(metrics, found, replicates, recipe["seed"]) if replicates else {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_splits(folder / "splits.csv", found)
        write_predictions(folder / "predictions.csv", found)
    except OSError as error:
        raise unwritable(folder, error) from error
    write_json(folder / "metrics.json", {"test": numbers, **({"folds": by_fold} if folds else {})})
    if bounds:
        kept = recorded({"test": found}, {"test": bounds}, replicates)
        write_json(folder / "intervals.json", kept)
    tables = {name: recipe[name] for name in ("seed", "metric", "report") if name in recipe}
    write_json(folder / FILE, {**about, "recipe": tables, "classes": found.classes})
    return Judged(folder, found, numbers, bounds, by_fold)


def _write_splits(file: Path, found: Predictions) -> None:
    """Write which lesion each image counts to, so that intervals can be made again."""
    with file.open("w", encoding="utf-8", newline="") as sink:
        rows = csv.writer(sink, lineterminator="\n")
        rows.writerow(["id", "lesion", "label", "part"])
        for name, lesion, label in zip(found.ids, found.lesions, found.true.tolist(), strict=True):
            rows.writerow([name, lesion, found.classes[label], "test"])
