"""Which images a trained network may be evaluated on, and by which labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skinfw.data.diagnoses import align
from skinfw.data.leakage.links import shares_learned
from skinfw.data.table import (
    check_picture_columns,
    checked_data,
    recorded_data,
    split_data,
    split_hash,
)
from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.csv_tables import read_csv
from skinfw.files.paths import display_path
from skinfw.interfaces.values import UNKNOWN
from skinfw.recipe.merging import data_sources

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from skinfw.inference.trained_model import TrainedModel
    from skinfw.recipe.plan import DataPlan

Say = Callable[[str], None]


def own_rows(plan: DataPlan, part: str, record: Mapping[str, Any], run: Path) -> pd.DataFrame:
    """Return a part of the data that a run was made of.

    plan: the run's recipe.
    part: "train", "val" or "test".
    record: of run.json.
    run: the folder, which alone knows the division of a run that was made of others.
    Raises SkinfwError where the data are divided otherwise today.
    """
    table = recorded_data(plan, run) if record.get("members") else split_data(plan).rows
    if split_hash(table) != record.get("split_hash"):
        raise SkinfwError(
            "the data of the run are divided otherwise today",
            plan.components.dataset.origin.text,
            "images, lesions or the split have changed since, so that test images may have been "
            "trained on",
            "restore the data, or evaluate them as another data set: --dataset RECIPE",
        )
    rows = table[table["part"] == part].reset_index(drop=True)
    if rows.empty and record.get("members"):
        raise SkinfwError(
            f'no image is left for the part "{part}"',
            display_path(run),
            "each was learned by one of its networks, or is in other parts of their runs",
            "evaluate other images with --dataset, or combine runs of one division (split.seed)",
        )
    if rows.empty:
        raise SkinfwError(
            f'the run has no image in the part "{part}"',
            plan.components.split.origin.text,
            cure="evaluate another part",
        )
    return rows


def other_rows(
    plan: DataPlan, part: str, model: TrainedModel, names: Mapping[str, str], say: Say
) -> pd.DataFrame:
    """Return the rows of another data set, with the labels of the network's classes.

    plan: what a recipe says of its data; for a part of them its split counts, too.
    part: "all", or one of the parts.
    names: from a label to a class of the network; to UNK, if it is none of them; to nothing, if
        such images are left out. Other labels go by name, and by the table of diagnoses.
    say: told what is left out.
    Raises RecipeError for labels that are no class of the network.
    """
    table = read_rows(plan, part, say)
    alignment, where = align(table, model.classes, names), plan.components.dataset.origin.text
    refuse_classes(model, names)
    answers = alignment.answers
    if unused := sorted(set(names) - {*plan.classes, *answers}):
        raise _unaligned(f"{', '.join(unused)} are no labels of the data set", plan, model)
    if unknown := [one for one in answers if len(answers[one]) != 1 and names.get(one) != ""]:
        raise _unaligned(f"{', '.join(unknown)} are no classes of the network", plan, model)
    label = alignment.labels.map({one: own[0] if own else "" for one, own in answers.items()})
    for one, own in answers.items():
        if own and own[0] not in (one, UNKNOWN) and one not in names:
            say(f"{one} counts as {own[0]}, by the table of diagnoses")
    left = int((label == "").sum())
    if left:
        say(f"{left:,} images of labels that the network does not answer are left out")
    table = table.assign(label=label)[label != ""]
    seen = shared_with(plan, model, table, model.learned)
    if count := int(seen.sum()):
        say(f"{count:,} images that the network has learned from are left out, by id or lesion")
    table = table[~seen].reset_index(drop=True)
    if unknown_rows(table, model).all():
        raise SkinfwError(
            "there is no image to evaluate",
            where,
            "all of them are left out"
            if table.empty
            else f"all of them are {UNKNOWN}, and such images are evaluated beside known ones",
            "choose another data set, or give other images and lesions names of their own",
        )
    absent = [name for name in model.classes if name not in set(table["label"])]
    if absent:
        say(f"note: no image shows {', '.join(absent)}: not measured")
    return with_modalities(table, model, plan, say)


def read_rows(plan: DataPlan, part: str, say: Say) -> pd.DataFrame:
    """Return the rows of a data set or of a part of it, by its labels; tell notes and marks.

    plan, part, say: as for `other_rows`.
    """
    data = checked_data(plan, say) if part == "all" else split_data(plan, train=False)
    for note in (*data.marks, *data.notes):
        say(note)
    return data.rows if part == "all" else data.rows[data.rows["part"] == part]


def refuse_classes(model: TrainedModel, names: Mapping[str, str]) -> None:
    """Refuse names of labels that mean no class of the network."""
    for label, name in names.items():
        if name not in (*model.classes, UNKNOWN, ""):
            raise RecipeError(
                f"{name} is no class of the network",
                f"--map {label}={name}",
                f"the network answers {', '.join(model.classes)}",
                f"name one of them, or {UNKNOWN} for none of them",
            )


def _unaligned(what: str, plan: DataPlan, model: TrainedModel) -> RecipeError:
    return RecipeError(
        what,
        plan.components.dataset.origin.text,
        f"the network answers {', '.join(model.classes)}; the data set has "
        f"{', '.join(plan.classes)}",
        'name the class of each, such as --map AK=AKIEC, or leave it out: --map "SCC="; '
        f"--map SCC={UNKNOWN} evaluates whether such images are out of distribution",
    )


def unknown_rows(rows: pd.DataFrame, model: TrainedModel) -> pd.Series[bool]:
    """Tell which images show none of the network's classes."""
    return (rows["label"] == UNKNOWN) & (UNKNOWN not in model.classes)


def with_modalities(
    table: pd.DataFrame, model: TrainedModel, plan: DataPlan, say: Say
) -> pd.DataFrame:
    """Return the table with all columns that the network gets beside a picture.

    Metadata and auxiliary truths that the data set does not tell are unknown. Raises RecipeError
    where it, or one of several, has no second picture.
    """
    pictures = [*dict.fromkeys(name for own in model.networks for name in own.pictures)]
    if lacking := [name for name in pictures if name not in table.columns]:
        raise RecipeError(
            f"the data set has no pictures in {', '.join(lacking)}",
            plan.components.dataset.origin.text,
            "the network looks at several pictures of a lesion at once",
            "evaluate a data set that has them",
        )
    check_picture_columns(plan.components.dataset, table, pictures)
    keys = ("numbers", "categories", "auxiliary")
    known = (name for own in model.networks for key in keys for name in own.modalities.get(key, ()))
    wanted = [*dict.fromkeys(known)]
    if unknown := [name for name in wanted if name not in table.columns]:
        say(f"note: the data set does not tell {', '.join(unknown)}: they count as unknown")
    return table.assign(**dict.fromkeys(unknown, ""))


def shared_with(
    plan: DataPlan, model: TrainedModel, table: pd.DataFrame, parts: Sequence[str]
) -> pd.Series[bool]:
    """Tell which images are in some parts of a run, by id or lesion.

    Private names, such as "1", are compared where one component reads both data sets, as
    `shares_learned` says. What the members of an ensemble have learned counts as its training part,
    whatever data they were trained on.
    """
    seen = _in_parts(plan, model, table, parts)
    if "train" in parts:
        for own in model.members:
            seen |= _in_parts(plan, own, table, own.learned)
    return seen


def _in_parts(
    plan: DataPlan, model: TrainedModel, table: pd.DataFrame, parts: Sequence[str]
) -> pd.Series[bool]:
    own = read_csv(model.path / "splits.csv", ["id", "lesion", "part"], own=True)
    seen = own[own["part"].isin(list(parts))]
    sources = data_sources(plan.components.dataset.written())
    return shares_learned(
        table, seen, ("id", "lesion"), sources, data_sources(model.tables["dataset"])
    )
