"""What of the data no member has learned: the only images that several runs may be measured on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from skinfw import MIN_LESIONS
from skinfw.toolkit import data_sources, load_data, shares_learned
from skinfw_ensembles.members import Member

if TYPE_CHECKING:
    import pandas as pd

    from skinfw.toolkit import DataPlan, Plan

NAMES = ("id", "lesion", "component")
"""By which an image is known to belong to what a member has seen."""


def common_rows(plan: Plan, members: Sequence[Member]) -> pd.DataFrame:
    """Divide the data of the first member by what all of them have seen.

    An image that any member has trained on is in "train", with all that belongs to its lesion. What
    is left and has chosen a member's epoch is in "val", and the rest, seen by none, in "test".

    plan: of the first member.
    Returns the rows with the columns component and part.
    """
    first = members[0].splits[["id", "component"]]
    rows = load_data(plan).rows.merge(first, on="id", how="inner", validate="one_to_one")
    rank = seen_rank(plan, rows, members)
    rank = rank.groupby(rows["component"]).transform("max")
    return rows.assign(part=rank.map({0: "test", 1: "val", 2: "train"}))


def seen_rank(plan: DataPlan, rows: pd.DataFrame, members: Sequence[Member]) -> pd.Series[int]:
    """Return 2 for images whose lesion a member has learned, 1 where it chose an epoch, else 0.

    plan: of the data.
    rows: of them, with id, lesion and component.
    """
    import pandas as pd

    sources = data_sources(plan.components.dataset.written())
    rank = pd.Series(0, index=rows.index)
    for own in members:
        for part, value in ((own.chosen_parts, 1), (own.trained_parts, 2)):
            seen = own.splits[own.splits["part"].isin(part)]
            shared = shares_learned(rows, seen, NAMES, sources, own.sources)
            rank = rank.where(~shared, rank.clip(lower=value))
    return rank


def measured_parts(rows: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the parts that have enough lesions to be measured, and why others are not.

    rows: from `common_rows`.
    """
    parts, notes = {}, []
    for part, said in (("val", "validation"), ("test", "test")):
        own = rows[rows["part"] == part].reset_index(drop=True)
        lesions = own["component"].nunique()
        if lesions >= MIN_LESIONS:
            parts[part] = own
        elif lesions:
            notes.append(f"no {said} part is left: no run has seen {lesions} lesions, too few")
        else:
            notes.append(f"no {said} part is left: every lesion was seen by one of the runs")
    return parts, notes
