"""What data sets hold, what is wrong with them, and which images they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from skinfw import DataTable, DuplicateFinder, Fingerprint
from skinfw.toolkit import (
    COPIES,
    EVIDENCE,
    bare_ids,
    cache_folder,
    concatenate_links,
    connected_components,
    links_from_table,
)

_OWN = {"id", "path", "label", "lesion", "split", "dataset", "drawn"}
_BLANK = ("", "unknown", "nan")
PAIR = ("dataset", "id", "path", "label", "part")
"""What is told of either image of a pair."""


@dataclass(frozen=True)
class Contents:
    """Tell what one data set holds.

    name: what it is called in the audit.
    images: how many there are.
    classes: images of each class.
    lesions: how many there are, by their names alone.
    per_lesion: how many lesions have one image, two, and so on.
    several_labels: lesions whose images have different labels.
    sizes: images of each size, such as "600x450", the most frequent first.
    absent: images that the tables name and that are not there.
    damaged: why an image cannot be decoded, by path.
    metadata: the share of the images that has a value, by column.
    parts: images of each official part.
    straddling: components with images in more than one official part.
    notes: what the data set itself says.
    """

    name: str
    images: int
    classes: Mapping[str, int]
    lesions: int
    per_lesion: Mapping[int, int]
    several_labels: int
    sizes: Mapping[str, int]
    absent: int
    damaged: Mapping[str, str]
    metadata: Mapping[str, float]
    parts: Mapping[str, int]
    straddling: int
    notes: Sequence[str]


@dataclass(frozen=True)
class Shared:
    """Tell how many images of one data set are also in another, or a second time in the same.

    inside, also_in: the two data sets.
    images: of `inside`, by whatever evidence.
    by: the same for each evidence alone; of pixels and near-duplicates only those that nothing
        stronger tells.
    renamed: those of `by["id"]` whose id only agrees without `_downsampled`, or without a path.
    """

    inside: str
    also_in: str
    images: int
    by: Mapping[str, int]
    renamed: int


@dataclass(frozen=True)
class Audit:
    """Hold what an audit found.

    contents: of each data set.
    shared: for each data set with itself, then for each two.
    components: how many groups of images there are that belong together.
    pairs: a row for each link: evidence, and `PAIR` of both images with _1 and _2.
    conflicts: those of them that are copies with different labels.
    """

    contents: Sequence[Contents]
    shared: Sequence[Shared]
    components: int
    pairs: pd.DataFrame = field(repr=False)
    conflicts: pd.DataFrame = field(repr=False)

    @property
    def sound(self) -> bool:
        """Whether nothing was found that could spoil a result."""
        across = any(pair.images for pair in self.shared if pair.inside != pair.also_in)
        return not (across or len(self.conflicts) or any(map(_is_spoiled, self.contents)))

    def record(self) -> dict[str, Any]:
        """Return all but the pairs, for JSON."""
        return {
            "sound": self.sound,
            "components": self.components,
            "datasets": [asdict(own) for own in self.contents],
            "shared": [asdict(own) for own in self.shared],
            "conflicts": self.conflicts.to_dict("records"),
        }


def audit(
    tables: Mapping[str, DataTable],
    classes: Mapping[str, Sequence[str]],
    drawn: Sequence[str],
    finder: DuplicateFinder | None,
    say: Callable[[str], None],
) -> Audit:
    """Look at data sets, each alone and beside the others.

    tables: by name, as `read_data_table` returns them.
    classes: of each.
    drawn: the names of those whose images are no files.
    finder: of copies among files; None compares names alone.
    say: told what it costs.
    """
    parts = [data.rows.assign(dataset=name, drawn=name in drawn) for name, data in tables.items()]
    table = pd.concat(parts, ignore_index=True)
    own = table if len(tables) > 1 else table.drop(columns="dataset")
    links = [links_from_table(own)]
    prints: dict[int, Fingerprint] = {}
    files = [row for row, is_drawn in enumerate(table["drawn"]) if not is_drawn]
    if files and finder:
        duplicates = finder.find(table["path"].iloc[files].tolist(), cache_folder(), say)
        prints = dict(zip(files, duplicates.files, strict=True))
        rows = [(files[one], files[other], name) for one, other, name in duplicates.pairs]
        links.append(pd.DataFrame(rows, columns=["first", "second", "evidence"]))
    every = concatenate_links(links)
    component = connected_components(len(table), every)
    pairs = _pairs(table, every)
    return Audit(
        [_contents(name, table, component, prints, tables[name]) for name in tables],
        [_count_shared(one, other, table, every)
         for one, other in [*((name, name) for name in tables), *permutations(tables, 2)]],
        len(set(component.tolist())),
        pairs,
        pairs[_in_conflict(pairs, classes)].reset_index(drop=True),
    )  # fmt: skip


def _contents(
    name: str,
    table: pd.DataFrame,
    component: Any,
    prints: Mapping[int, Fingerprint],
    data: DataTable,
) -> Contents:
    """Return what one data set holds."""
    here = (table["dataset"] == name).to_numpy()
    rows = table[here].dropna(axis="columns", how="all")
    seen = [
        (path, prints[row])
        for row, path in zip(rows.index.tolist(), rows["path"].tolist(), strict=True)
        if row in prints
    ]
    sizes = pd.Series(
        ["{}x{}".format(*fingerprint.size) for _, fingerprint in seen if not fingerprint.damage]
    )
    labels = rows.groupby("lesion")["label"].nunique()
    columns = [column for column in rows.columns if column not in _OWN]
    texts = rows[columns].astype(str).apply(lambda column: column.str.strip().str.lower())
    split = rows["split"] if "split" in rows else pd.Series(dtype=object)
    sides = split.groupby(component[here]).nunique() if len(split) else split
    return Contents(
        name,
        len(rows),
        _counts(rows["label"]),
        int(rows["lesion"].nunique()),
        {int(size): count for size, count in
         sorted(_counts(rows["lesion"].value_counts()).items())},
        int((labels > 1).sum()),
        _counts(sizes),
        data.absent + sum(not fingerprint.digest for _, fingerprint in seen),
        {path: looked.damage for path, looked in seen if looked.digest and looked.damage},
        {column: round(float((~texts[column].isin(_BLANK)).mean()), 4) for column in columns},
        _counts(split),
        int((sides > 1).sum()),
        list(data.notes),
    )  # fmt: skip


def _count_shared(inside: str, also_in: str, table: pd.DataFrame, links: pd.DataFrame) -> Shared:
    """Count the images of one data set that are copies of images in another, or in the same."""
    here, there = (table["dataset"].to_numpy() == name for name in (inside, also_in))

    def count(evidence: Sequence[str]) -> int:
        group = connected_components(len(table), links[links["evidence"].isin(evidence)])
        if inside == also_in:
            _, first = np.unique(group[here], return_index=True)
            return int(here.sum() - len(first))
        return int(np.isin(group[here], group[there]).sum())

    every = count(COPIES)
    by = {name: count([name]) for name in EVIDENCE}
    by["pixels"] = count(["bytes", "pixels"]) - by["bytes"]
    by["near-duplicate"] = every - count(["bytes", "pixels", "id"])
    renamed = 0
    if by["id"]:
        bare = bare_ids(table["id"])
        written = table["id"][here].isin(table["id"][there])
        renamed = int((bare[here].isin(bare[there]) & ~written).sum())
    return Shared(inside, also_in, every, by, renamed)


def _pairs(table: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the links with what is known of both images."""
    known = table.assign(part=table["split"].fillna("") if "split" in table else "")[list(PAIR)]
    sides = [
        known.iloc[links[side]].reset_index(drop=True).add_suffix(suffix)
        for side, suffix in (("first", "_1"), ("second", "_2"))
    ]
    return pd.concat([links[["evidence"]], *sides], axis=1)


def _in_conflict(pairs: pd.DataFrame, classes: Mapping[str, Sequence[str]]) -> list[bool]:
    """Tell which pairs are copies with different labels that both data sets know."""
    return [
        evidence in COPIES and one != other and one in classes[theirs] and other in classes[ours]
        for evidence, ours, theirs, one, other in zip(
            *(pairs[name] for name in ("evidence", "dataset_1", "dataset_2", "label_1", "label_2")),
            strict=True,
        )
    ]


def _is_spoiled(contents: Contents) -> bool:
    return bool(contents.damaged or contents.absent or contents.straddling)


def _counts(values: pd.Series[Any]) -> dict[Any, int]:
    return {name: int(count) for name, count in values.value_counts().items()}
