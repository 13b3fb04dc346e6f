"""The table of a data set: checked once, so that everything after it can trust it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.data.leakage.division import (
    check_division,
    components_across_parts,
    find_links,
    with_components,
)
from skinfw.errors import SkinfwError
from skinfw.interfaces.values import PARTS
from skinfw.recipe.settings import SplitKeys

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from skinfw.recipe.component import PlannedComponent
    from skinfw.recipe.plan import Plan

COLUMNS = ("id", "path", "label", "lesion")


def load_data(plan: Plan) -> pd.DataFrame:
    """Read the data set's table and check what every later step relies on.

    plan: the checked recipe.
    Returns columns id, path, label, lesion (never blank: an image without a lesion id is a
    lesion of its own) and the metadata; `attrs["notes"]` lists what the user must hear,
    `attrs["marks"]` what must stand beside every number.
    """
    return read_data_table(plan.one("dataset"), plan.dataset)


def read_data_table(component: PlannedComponent, dataset: Any) -> pd.DataFrame:
    """Read and check the table of a data set as `read_table` does.

    planned: the component.
    dataset: what it built.
    """
    with component.guard():
        table: pd.DataFrame = dataset.table()
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise _wrong(f"its table lacks the columns {', '.join(missing)}")
        notes, marks = (list(table.attrs.get(name, ())) for name in ("notes", "marks"))
        table = table.reset_index(drop=True)
        if table.empty:
            raise _wrong("its table has no image", "; ".join(notes))
        duplicates = table["id"][table["id"].duplicated()].unique()
        if len(duplicates):
            raise _wrong(f"ids occur twice: {_some(duplicates)}")
        unknown = table["label"][~table["label"].isin(tuple(dataset.classes))].unique()
        if len(unknown):
            raise _wrong(f"labels that are no class: {_some(unknown)}")
        lesion = table["lesion"].astype("object")
        table["lesion"] = lesion.where(lesion.notna() & (lesion != ""), table["id"]).astype(str)
        table.attrs |= {"notes": notes, "marks": marks}
    return table


def split_data(
    plan: Plan, say: Callable[[str], None] = lambda _: None, compare: bool = True
) -> pd.DataFrame:
    """Read the table of a recipe and return it divided, as its run has it.

    plan: the checked recipe.
    say: told what a user must hear while images are compared.
    compare: whether images may be read; without, ids alone decide what belongs together.
    """
    from skinfw.runtime.seed import stream

    return split_table(plan, load_data(plan), stream(plan.seed, "split"), say, compare)


def split_table(
    plan: Plan,
    table: pd.DataFrame,
    rng: np.random.Generator,
    say: Callable[[str], None],
    compare: bool,
) -> pd.DataFrame:
    """Return the table with columns `component` and `part`, after the division was checked.

    plan: the checked recipe.
    table: from `read_table`.
    rng: the stream of the split.
    say, compare: as `divided_table` takes them.
    """
    component = plan.one("split")
    split, keys = component.make(), SplitKeys(**component.host)
    files = compare and keys.check == "images" and not image_function(plan.dataset)
    links = find_links(table, picture_paths(plan, table) if files else (), say)
    table = with_components(table, links)
    with component.guard():
        # To a split, all that belongs together is one lesion, so that whoever keeps lesions whole
        # keeps components whole.
        parts = list(split.assign(table.assign(lesion=table["component"]), rng))
        unknown = sorted({str(part) for part in parts} - set(PARTS))
        if len(parts) != len(table) or unknown:
            raise SkinfwError(
                f"{component.entry.label} returned {len(parts)} parts for {len(table)} rows",
                why=f"parts that do not exist: {', '.join(unknown)}" if unknown else "",
                cure='assign returns "train", "val" or "test" for each row',
            )
    attributes = table.attrs
    table = table.assign(part=parts)
    table.attrs = attributes
    checked = "images" if files else "ids"
    table = check_division(table, links, keys, component.origin.text, checked)
    for part in ("train", plan.train.validation, "test"):
        if not (table["part"] == part).any():
            raise SkinfwError(
                f"the {part} part is empty",
                component.origin.text,
                f"{component.entry.label} put no image there",
                'choose another split, or set train.validation = "test" and have the run marked'
                if part == "val"
                else "choose another split or more images",
            )
    train = set(table.loc[table["part"] == "train", "label"])
    if absent := [name for name in plan.classes if name not in train]:
        raise SkinfwError(
            f"no training image shows {', '.join(absent)}",
            component.origin.text,
            "a network cannot learn a class that it never sees",
            "choose another split or more images, or leave the class out of the data set",
        )
    return table


def image_function(dataset: Any) -> Callable[[str], Any] | None:
    """Return the `image` of a data set that draws its images itself, None for files.

    dataset: the object; a parameter that is called image is not meant.
    """
    draw = getattr(dataset, "image", None)
    return draw if callable(draw) else None


def picture_paths(plan: Plan, table: pd.DataFrame) -> list[str]:
    """Return the paths of all pictures that a recipe looks at.

    plan: the checked recipe.
    table: from `read_table`.
    """
    columns = ("path", *(name for name in plan.modalities.pictures if name in table))
    return [path for name in columns for path in table[name].tolist()]


def run_marks(plan: Plan, table: pd.DataFrame) -> list[str]:
    """Return the marks of a run: what a reader must know before believing its numbers.

    plan: the checked recipe.
    table: with the column part.
    """
    train = plan.train
    marks = list(table.attrs.get("marks", ()))
    if shared := components_across_parts(table):
        marks.append(
            f"{len(shared):,} lesions have images in more than one part, "
            "so the test numbers are too good"
        )
    if train.validation == "test":
        marks.append("the best epoch is chosen on the test part, so its numbers are too good")
    if train.limit_batches:
        marks.append(f"a quick look: {train.limit_batches} training batches per epoch")
    if train.limit_eval_batches:
        marks.append(f"a quick look: {train.limit_eval_batches} evaluation batches")
    return marks


def classes_with_few_images(table: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """Return the classes with fewer than five images in the test part.

    table: with columns label and part.
    """
    counts = table.loc[table["part"] == "test", "label"].value_counts()
    return [name for name in classes if counts.get(name, 0) < 5]


def class_counts(table: pd.DataFrame, classes: Sequence[str]) -> str:
    """Return images per class in one line."""
    counts = table["label"].value_counts()
    return f"{len(table):,} images: " + ", ".join(
        f"{name} {int(counts.get(name, 0)):,}" for name in classes
    )


def fingerprint(table: pd.DataFrame) -> str:
    """Return a hash of what the data is: ids, labels, lesions, and the sizes of the files."""
    digest = hashlib.sha256()
    rows = table[["id", "label", "lesion", "path"]].sort_values("id")
    for name, label, lesion, path in rows.itertuples(index=False):
        try:
            size = Path(path).stat().st_size
        except OSError:
            size = 0
        digest.update(f"{name}\t{label}\t{lesion}\t{size}\n".encode())
    return digest.hexdigest()


def split_hash(table: pd.DataFrame) -> str:
    """Return a hash of which image is in which part."""
    rows = table[["id", "part"]].sort_values("id")
    text = "\n".join(f"{name}\t{part}" for name, part in rows.itertuples(index=False))
    return hashlib.sha256(text.encode()).hexdigest()


def _wrong(what: str, why: str = "") -> SkinfwError:
    return SkinfwError(
        f"the data set cannot be used: {what}", why=why, cure="mend the files or the dataset table"
    )


def _some(values: Any) -> str:
    shown = [str(value) for value in values[:5]]
    return ", ".join(shown) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
