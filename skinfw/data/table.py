"""The table of a data set: checked once and divided once, so that everything after can trust it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from skinfw.data.image_check import find_bad_images, settle_bad_images
from skinfw.data.kept_part import KeptPart
from skinfw.data.leakage.division import (
    check_division,
    components_across_parts,
    find_links,
    with_components,
)
from skinfw.data.masks import mask_digests, mask_file_function, mask_function, refuse_missing
from skinfw.data.preparation import recipe_decoding
from skinfw.data.structure.bounds import Limits
from skinfw.data.teacher_table import with_unlabelled
from skinfw.errors import AnswerError, RecipeError, SkinfwError
from skinfw.files.csv_tables import read_csv
from skinfw.files.paths import display_path
from skinfw.files.remembered_digests import remembered_digests
from skinfw.files.sources import RemotePath, source_path
from skinfw.guards.answers import check_mask, check_parts, describe
from skinfw.guards.names import check_row_texts
from skinfw.interfaces.protocols import Dataset, DecodedImages
from skinfw.interfaces.values import DataTable, Downloads, Duplicates, Fingerprint
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.places import display_keys
from skinfw.recipe.plan import DataPlan
from skinfw.recipe.settings import REFIT_ON_ALL, DatasetKeys, ImageSettings, SplitKeys
from skinfw.runtime.seed import stream
from skinfw.runtime.storage import cache_folder

COLUMNS = ("id", "path", "label", "lesion")


def load_data(plan: DataPlan) -> DataTable:
    """Read the data set's table and check what every later step relies on.

    plan: the checked recipe.
    Returns rows with id, path, label, lesion (never blank: an image without a lesion id is a lesion
    of its own) and the metadata.
    """
    component = plan.components.dataset
    data = read_data_table(component, plan.dataset)
    check_picture_columns(component, data.rows, plan.modalities.pictures)
    return data


def check_picture_columns(
    component: PlannedComponent[Dataset], rows: pd.DataFrame, columns: Iterable[str]
) -> None:
    """Refuse a data set among several whose images lack pictures that a network looks at.

    component: that makes one of several; a single data set is left to whoever reads its columns.
    rows: of `load_data`.
    columns: with the paths of further pictures.
    """
    for own in component.sets:
        source = own.host["source"]
        mine = rows[rows["source"] == source]
        for name in columns:
            if len(mine) and (name not in mine or (mine[name] == "").all()):
                raise RecipeError(
                    f'the data set "{source}" has no pictures in the column {name}',
                    own.origin.text,
                    "by modalities.pictures the network looks at several pictures of a lesion",
                    f"give it the column, or leave {display_keys(own.keys)} out",
                )


def read_data_table(component: PlannedComponent[Dataset], dataset: Dataset) -> DataTable:
    """Read and check the table of a data set as `load_data` does.

    component: the data set as the recipe names it.
    dataset: what it built.
    """
    _refuse_unfetched(component, dataset)
    with component.guard(dataset.table):
        data = dataset.table()
        if not isinstance(data, DataTable):
            raise AnswerError(f"returned {describe(data)}", "table returns skinfw.DataTable(rows)")
        rows = data.rows.reset_index(drop=True)
        missing = [name for name in COLUMNS if name not in rows.columns]
        if missing:
            raise _table_error(f"its table lacks the columns {', '.join(missing)}")
        if rows.columns.has_duplicates:
            raise _table_error("its table has a column twice")
        if rows.empty:
            raise _table_error("its table has no image", "; ".join(data.notes))
        check_row_texts(rows)
        duplicates = rows["id"][rows["id"].duplicated()].unique()
        if len(duplicates):
            raise _table_error(f"ids occur twice: {_some(duplicates)}")
        unknown = rows["label"][~rows["label"].isin(tuple(dataset.classes))].unique()
        if len(unknown):
            raise _table_error(f"labels that are no class: {_some(unknown)}")
        lesion = rows["lesion"].astype("object")
        rows["lesion"] = lesion.where(lesion.notna() & (lesion != ""), rows["id"]).astype(str)
    return replace(data, rows=rows)


def _refuse_unfetched(component: PlannedComponent[Dataset], dataset: Dataset) -> None:
    """Say how to get the files of a data set whose folder is not there, where they can be got."""
    root = getattr(dataset, "root", None)
    fetchable = isinstance(getattr(dataset, "downloads", None), Downloads)
    if not fetchable or not isinstance(root, Path) or isinstance(root, RemotePath):
        return
    if not root.is_dir():
        place = display_path(root)
        raise SkinfwError(
            "the data set's root is no folder",
            component.origin.text,
            f"there is no folder {place}",
            f"skinfw data fetch {component.use} --root {shlex.quote(place)} fills it; "
            f"or set {display_keys(component.keys)}.root to where the files are",
        )


def split_data(
    plan: DataPlan,
    say: Callable[[str], None] = lambda _: None,
    compare: bool = True,
    train: bool = True,
) -> DataTable:
    """Read the table of a recipe and return it divided and checked, as its run has it.

    plan: the checked recipe.
    say: told what a user must hear while images are compared.
    compare: whether images may be read; without, ids alone decide what belongs together.
    train: whether a network shall be trained; else parts and classes may have no image.
    Returns rows with the columns component and part.
    """
    data, split = load_data(plan), plan.components.split
    keys = SplitKeys(**split.host)
    finder = plan.components.duplicates
    files = not image_function(plan.dataset)
    looks = finder is not None and compare and files and keys.check == "images"
    duplicates = Duplicates([], [])
    pictures = picture_paths(plan, data.rows) if looks else []
    if finder and looks:
        with finder.guard():
            made = finder.make(image=plan.image)
            duplicates = made.find(pictures, cache_folder(), say)
    links = find_links(data.rows, duplicates.pairs, pictures)
    data = with_components(data, links)
    if files and compare:
        seen = zip(pictures, duplicates.files, strict=True) if looks else None
        data, links = _without_bad_images(plan, data, links, seen, say)
    data = replace(data, rows=data.rows.assign(part=_assign_parts(split, data, plan.seed)))
    data = check_division(data, links, keys, split.origin.text, "images" if looks else "ids")
    if train:
        _refuse_empty(plan, data)
    return with_unlabelled(plan, data)


def recorded_data(plan: DataPlan, run: Path) -> pd.DataFrame:
    """Read the table of a recipe, divided as a run has written it down.

    plan: the run's recipe.
    run: its folder, with splits.csv.
    Returns the rows that the run has, with the columns component and part; raises SkinfwError
    where one is not there today, or shows another lesion or class.
    """
    keys = ["id", "lesion", "label"]
    parts = read_csv(run / "splits.csv", [*keys, "component", "part"], own=True)
    rows = load_data(plan).rows
    kept = parts[[*keys, "component", "part"]]
    rows = rows.merge(kept, on=keys, how="inner", validate="one_to_one")
    if absent := len(parts) - len(rows):
        raise SkinfwError(
            f"{absent:,} images of the run are not in its data set today",
            plan.components.dataset.origin.text,
            "they are absent, or their lesion or label has changed since",
            f"restore the data set{_place_options(plan.components.dataset)}",
        )
    return rows


def _place_options(component: PlannedComponent[Dataset]) -> str:
    """Return what to write where the files of a data set, or of several, are somewhere else."""
    keys = [
        f"--set {display_keys((*own.keys, name))}=..."
        for own in component.sets or (component,)
        for name, value in own.arguments.items()
        if isinstance(value, Path)
    ]
    return f", or name where it is: {' or '.join(keys)}" if keys else ""


def checked_data(plan: DataPlan, say: Callable[[str], None]) -> DataTable:
    """Read the table of a recipe as `load_data` does, and see to images that cannot be decoded.

    plan: the checked recipe.
    say: told what it costs to find them.
    """
    data = load_data(plan)
    if image_function(plan.dataset):
        return data
    return _without_bad_images(plan, data, find_links(data.rows, (), ()), None, say)[0]


def _without_bad_images(
    plan: DataPlan,
    data: DataTable,
    links: pd.DataFrame,
    seen: Iterable[tuple[str, Fingerprint]] | None,
    say: Callable[[str], None],
) -> tuple[DataTable, pd.DataFrame]:
    """Return table and links without images that cannot be decoded, where the recipe drops them.

    seen: what a finder of copies has seen in each picture; without, they are decoded here, except
        for a quick look, which would wait for images that it never sees.
    """
    component = plan.components.dataset
    if seen is not None:
        bad = {path: looked.damage for path, looked in seen if looked.damage}
    elif plan.train.limit_batches:
        bad = {}
    else:
        paths = picture_paths(plan, data.rows)
        bad = find_bad_images(paths, Limits.of(plan.image), cache_folder(), say)
    columns = _picture_columns(plan, data.rows)
    keys = DatasetKeys(**component.host)
    data = settle_bad_images(data, columns, bad, keys, component.origin.text, bool(component.sets))
    places = pd.Series(range(len(data.rows)), data.rows.index)
    ends = links[["first", "second"]].apply(lambda side: side.map(places))
    whole = ends.notna().all(axis=1)
    links = links.assign(**ends)[whole].astype({"first": "int64", "second": "int64"})
    rows = data.rows.reset_index(drop=True)
    return replace(data, rows=rows), links.reset_index(drop=True)


def _assign_parts(split: PlannedComponent[Any], data: DataTable, seed: int) -> list[str]:
    """Ask the split for the part of each row."""
    assign = split.make().assign
    # To a split, all that belongs together is one lesion, so that whoever keeps lesions whole
    # keeps components whole.
    rows = data.rows.copy(deep=True).assign(lesion=data.rows["component"].copy(deep=True))
    with split.guard(assign):
        return check_parts(assign(rows, stream(seed, "split")), len(rows))


def _refuse_empty(plan: DataPlan, data: DataTable) -> None:
    """Refuse a division in which a part, or a class of the training part, has no image."""
    split, rows = plan.components.split, data.rows
    for part in ("train", plan.train.validation, "test"):
        if not (rows["part"] == part).any():
            draws = part in split.arguments  # a share of this name
            cure = f"set split.{part} = 0.15" if draws else "choose another split or more images"
            if part == "val":
                cure += ', or train.validation = "test", which marks the run'
            raise SkinfwError(
                f"the {part} part is empty",
                split.origin.text,
                "; ".join([f"{split.entry.label} put no image there", *data.notes]),
                cure,
            )
    train = set(rows.loc[rows["part"] == "train", "label"])
    if absent := [name for name in plan.classes if name not in train]:
        raise SkinfwError(
            f"no training image shows {', '.join(absent)}",
            split.origin.text,
            "a network cannot learn a class that it never sees",
            "choose another split or more images, or leave the class out of the data set",
        )


def image_function(dataset: Any) -> Callable[[str], Any] | None:
    """Return the `image` of a data set that draws its images itself, None for files.

    dataset: the object; a parameter that is called image is not meant.
    """
    draw = getattr(dataset, "image", None)
    return draw if callable(draw) else None


def kept_part(
    image: ImageSettings, dataset: Any, component: PlannedComponent[Dataset] | None = None
) -> KeptPart | None:
    """Return what leaves the part of each image that a network sees; None for all of it.

    image: the [image] table of its recipe.
    dataset: what the images are of.
    component: what answers for its masks.
    """
    if image.keep == "all":
        return None
    mask = mask_function(dataset) or _no_mask
    return KeptPart(image.keep, component.wrap(mask, check_mask) if component else mask)


def _no_mask(path: str) -> None:
    """Say that nobody knows where the lesion is."""


def picture_paths(plan: DataPlan, table: pd.DataFrame) -> list[str]:
    """Return the paths of all pictures that a recipe looks at.

    plan: the checked recipe.
    table: the rows of `load_data`.
    """
    return [path for name in _picture_columns(plan, table) for path in table[name].tolist()]


def _picture_columns(plan: DataPlan, table: pd.DataFrame) -> list[str]:
    """Return the columns with paths of pictures."""
    return ["path", *(name for name in plan.modalities.pictures if name in table)]


def decoded_images(
    plan: DataPlan, rows: pd.DataFrame, build: bool, say: Callable[[str], None]
) -> DecodedImages | None:
    """Return the images that the cache of a recipe holds; None where it has or can use none.

    rows: the data set's table, whose images are files.
    build: whether to decode what is absent.
    say: told what it costs.
    """
    cache = plan.components.cache
    if cache is None or plan.image.keep != "all":  # masks may change, and the cache knows of none
        return None
    decoding = recipe_decoding(plan.image, plan.components.prepare)
    with cache.guard():
        return cache.make().open(picture_paths(plan, rows), decoding, build, say)


def run_marks(plan: DataPlan, data: DataTable) -> list[str]:
    """Return the marks of a run: what a reader must know before believing its numbers.

    plan: the checked recipe.
    data: divided.
    """
    train = plan.train
    marks = list(dict.fromkeys([*data.marks, *plan.teacher.marks]))
    if shared := components_across_parts(data.rows):
        marks.append(
            f"{len(shared):,} lesions have images in more than one part, "
            "so the test numbers are too good"
        )
    if train.validation == "test":
        marks.append("the best epoch is chosen on the test part, so its numbers are too good")
    if plan.image.keep != "all":
        marks.append(f"of each image the network sees its {plan.image.keep} alone (image.keep)")
    if train.refit == "all":
        marks.append(REFIT_ON_ALL)
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


def class_counts(rows: pd.DataFrame, classes: Sequence[str]) -> dict[str, int]:
    """Return how many images each class has."""
    counts = rows["label"].value_counts()
    return {name: int(counts.get(name, 0)) for name in classes}


def counts_line(rows: pd.DataFrame, classes: Sequence[str]) -> str:
    """Return images per class in one line."""
    counts = class_counts(rows, classes).items()
    return f"{len(rows):,} images: " + ", ".join(f"{name} {count:,}" for name, count in counts)


def fingerprint(
    plan: DataPlan, table: pd.DataFrame, say: Callable[[str], None] = lambda _: None
) -> str:
    """Return a hash of what the data is: ids, labels, lesions, metadata in use, bytes of pictures.

    plan: the checked recipe.
    table: the rows of its data set.
    say: told what it costs.
    Masks belong to it where the network sees a part of each image; raises SkinfwError where an
    image has none.
    """
    keys = plan.modalities
    metadata = [*keys.numbers, *keys.categories, *keys.auxiliary]
    names = ["id", "label", "lesion", *(name for name in metadata if name in table)]
    rows = table.sort_values("id")
    masks = _mask_column(plan, rows, say)
    pictures = [] if image_function(plan.dataset) else _picture_columns(plan, rows)
    files = [source_path(path) for name in pictures for path in rows[name]]
    digests = remembered_digests(files, cache_folder())
    digests += masks
    bytes_of = [digests[start :: len(rows)] for start in range(len(rows))]
    digest = hashlib.sha256()
    for values, own in zip(rows[names].itertuples(index=False), bytes_of, strict=True):
        digest.update("\t".join(map(str, (*values, *own))).encode() + b"\n")
    return digest.hexdigest()


def _mask_column(plan: DataPlan, rows: pd.DataFrame, say: Callable[[str], None]) -> list[str]:
    """Return the SHA-256 of the mask of each row; none where whole images are seen."""
    if plan.image.keep == "all":
        return []
    paths = rows["path"].tolist()
    if mask_file_function(plan.dataset) is None:
        say(f"the masks of {len(paths):,} images are made once, for they have no files")
    digests = mask_digests(plan, paths, partial(remembered_digests, folder=cache_folder()))
    refuse_missing(plan, rows, [bool(own) for own in digests])
    return digests


def split_hash(table: pd.DataFrame) -> str:
    """Return a hash of which image is in which part."""
    rows = table[["id", "part"]].sort_values("id")
    text = "\n".join(f"{name}\t{part}" for name, part in rows.itertuples(index=False))
    return hashlib.sha256(text.encode()).hexdigest()


def _table_error(what: str, why: str = "") -> SkinfwError:
    return SkinfwError(
        f"the data set cannot be used: {what}", why=why, cure="mend the files or the dataset table"
    )


def _some(values: Any) -> str:
    shown = [str(value) for value in values[:5]]
    return ", ".join(shown) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
