"""Nothing that belongs together on two sides: how a division is checked, refused and repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from skinfw.data.leakage.links import (
    EVIDENCE,
    concatenate_links,
    connected_components,
    links_from_table,
)
from skinfw.errors import RecipeError
from skinfw.files.paths import display_path
from skinfw.files.sources import source_path
from skinfw.interfaces.values import PARTS, DataTable, Leakage
from skinfw.recipe.settings import SplitKeys

SIDES = ("first", "second")
_SHOWN = 3
_CURES = (
    'set split.repair = "drop-from-train", or take a split that keeps lesions whole: '
    "skinfw show split"
)


def find_links(
    table: pd.DataFrame, pairs: Sequence[tuple[int, int, str]], pictures: Sequence[str]
) -> pd.DataFrame:
    """Return what joins the images of a table: first, second, evidence; of copies both pictures.

    table: with columns id, path and lesion.
    pairs: positions of two pictures and the evidence that joins them.
    pictures: paths of the rows; further pictures of each row stand behind, in the same order.
    """
    known = links_from_table(table)
    copies = pd.DataFrame(list(pairs), columns=["first", "second", "evidence"])
    for side in SIDES:
        copied = [pictures[place] for place in copies[side]]
        copies[f"{side}_path"] = pd.Series(copied, dtype=object)
        copies[side] %= len(table)
        known[f"{side}_path"] = ""  # that of the row: millions of rows have millions of links
    return concatenate_links([known, copies[copies["first"] != copies["second"]]])


def with_components(data: DataTable, links: pd.DataFrame) -> DataTable:
    """Return the table with a column `component`, and say in its notes what was joined.

    data: its rows have the column lesion.
    links: from `find_links`.
    A component is named after the first of its lesions, so that nothing changes where nothing but
    lesions joins images.
    """
    joined = connected_components(len(data.rows), links)
    ranks, names = pd.factorize(data.rows["lesion"].to_numpy(), sort=True)
    first = pd.Series(ranks).groupby(joined).transform("min")  # numbers, since texts are slow
    rows = data.rows.assign(component=names[first.to_numpy()])
    lesions, groups = rows["lesion"].nunique(), rows["component"].nunique()
    if groups == lesions:
        return replace(data, rows=rows)
    lesion = rows["lesion"].to_numpy()
    between = links[lesion[links["first"]] != lesion[links["second"]]]
    note = (
        f"{lesions:,} lesions are {groups:,} by more than their names: {count_by_evidence(between)}"
    )
    return replace(data, rows=rows, notes=(*data.notes, note))


def components_across_parts(rows: pd.DataFrame) -> list[str]:
    """Return the components that have images in more than one part.

    rows: with columns component and part.
    """
    parts = rows.groupby("component")["part"].nunique()
    return [str(component) for component in parts.index[parts > 1]]


def check_division(
    data: DataTable,
    links: pd.DataFrame,
    keys: SplitKeys,
    where: str,
    checked: Literal["images", "ids"],
) -> DataTable:
    """Return a division that may be trained on: whole, repaired, or leaking with permission.

    data: its rows have the columns component and part.
    links: from `find_links`.
    keys: what the recipe wants.
    where: its place in the recipe.
    checked: what was looked at, "images" or "ids" alone; drawn images are none.
    Raises RecipeError where components straddle.
    """
    rows, notes = data.rows, data.notes
    shared = components_across_parts(rows)
    dropped = dict.fromkeys(PARTS, 0)
    if shared and keys.repair == "drop-from-train":
        rank = rows["part"].map({name: place for place, name in enumerate(PARTS)})
        kept = rank == rank.groupby(rows["component"]).transform("max")
        counts = rows.loc[~kept, "part"].value_counts()
        dropped |= {str(part): int(count) for part, count in counts.items()}
        rows = rows[kept].reset_index(drop=True)
        notes = (
            *notes,
            f"{dropped['train']:,} training and {dropped['val']:,} validation images are left out, "
            f"for {len(shared):,} lesions were on two sides",
        )
    elif shared and not keys.allow_leakage:
        raise RecipeError(
            f"the split leaks: {len(shared):,} lesions have images in more than one part",
            where,
            _worst(rows, links),
            _CURES,
        )
    leakage = Leakage(
        checked,
        int(rows["component"].nunique()),
        {str(name): int(count) for name, count in links["evidence"].value_counts().items()},
        0 if dropped["train"] or dropped["val"] else len(shared),
        dropped,
    )
    return replace(data, rows=rows, notes=notes, leakage=leakage)


def links_across_parts(table: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the links between two parts, the worst first.

    table: with the column part.
    links: from `find_links`.
    Strong evidence is worse than weak, and an image of the test part worse than one of validation.
    """
    parts = table["part"].to_numpy()
    one, other = parts[links["first"]], parts[links["second"]]
    across = links[one != other].assign(tested=((one == "test") | (other == "test"))[one != other])
    ranks = {name: rank for rank, name in enumerate(EVIDENCE)}
    order = across.assign(rank=across["evidence"].map(ranks))
    worst = order.sort_values(["tested", "rank"], ascending=[False, True], kind="stable")
    found: pd.DataFrame = worst.drop(columns=["tested", "rank"]).reset_index(drop=True)
    return found


def count_by_evidence(links: pd.DataFrame) -> str:
    """Return how many links there are, by evidence.

    links: with the column evidence.
    """
    counts = links["evidence"].value_counts()
    return ", ".join(
        f"{counts[name]:,} {said}" for name, said in EVIDENCE.items() if name in counts
    )


def _picture(table: pd.DataFrame, link: Any, side: str) -> Path:
    """Return the picture at one end of a link: the copy itself, or that of its row."""
    return source_path(link[f"{side}_path"] or table["path"].iloc[link[side]])


def _worst(table: pd.DataFrame, links: pd.DataFrame) -> str:
    """Return the worst pairs in one line."""
    across = links_across_parts(table, links)
    listed = [
        f"{EVIDENCE[link['evidence']]}: "
        + " and ".join(
            f"{display_path(_picture(table, link, side))} ({table['part'][link[side]]})"
            for side in SIDES
        )
        for link in across.head(_SHOWN).to_dict("records")
    ]
    more = len(across) - len(listed)
    return "; ".join(listed) + (f"; and {more:,} more pairs" if more else "")
