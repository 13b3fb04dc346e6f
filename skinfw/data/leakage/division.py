"""Nothing that belongs together on two sides: how a division is checked, refused and repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw.data.leakage.links import (
    EVIDENCE,
    concatenate_links,
    connected_components,
    links_from_table,
)
from skinfw.errors import RecipeError
from skinfw.interfaces.values import PARTS
from skinfw.recipe.loading import display_path

if TYPE_CHECKING:
    import pandas as pd

    from skinfw.recipe.settings import SplitKeys

_SHOWN = 3
_CURES = 'set split.repair = "drop-from-train", or take another split, such as "lesion-stratified"'


def find_links(
    table: pd.DataFrame, pictures: Sequence[str], say: Callable[[str], None]
) -> pd.DataFrame:
    """Return what joins the images of a table: first, second and evidence.

    table: with columns id and lesion.
    pictures: paths of the images, then of further pictures of each row; empty compares no image.
    say: told what it costs.
    """
    import pandas as pd

    found = [links_from_table(table)]
    if pictures:
        from skinfw.data.cache import cache_folder
        from skinfw.data.leakage.duplicates import find_copies

        pairs = find_copies(pictures, cache_folder(), say).pairs
        copies = pd.DataFrame(pairs, columns=["first", "second", "evidence"])
        copies[["first", "second"]] %= len(table)
        found.append(copies[copies["first"] != copies["second"]])
    return concatenate_links(found)


def with_components(table: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column `component`, and say in its notes what was joined.

    table: with the column lesion.
    links: from `find_links`.
    A component is named after the first of its lesions, so that nothing changes where nothing but
    lesions joins images.
    """
    import pandas as pd

    attributes = table.attrs
    joined = connected_components(len(table), links)
    ranks, names = pd.factorize(table["lesion"].to_numpy(), sort=True)
    first = pd.Series(ranks).groupby(joined).transform("min")  # numbers, since texts are slow
    table = table.assign(component=names[first.to_numpy()])
    table.attrs = attributes
    lesions, groups = table["lesion"].nunique(), table["component"].nunique()
    if groups < lesions:
        lesion = table["lesion"].to_numpy()
        between = links[lesion[links["first"]] != lesion[links["second"]]]
        table.attrs["notes"] = [
            *attributes.get("notes", ()),
            f"{lesions:,} lesions are {groups:,} by more than their names: "
            f"{count_by_evidence(between)}",
        ]
    return table


def components_across_parts(table: pd.DataFrame) -> list[str]:
    """Return the components that have images in more than one part.

    table: with columns component and part.
    """
    parts = table.groupby("component")["part"].nunique()
    return [str(component) for component in parts.index[parts > 1]]


def check_division(
    table: pd.DataFrame, links: pd.DataFrame, keys: SplitKeys, where: str, checked: str
) -> pd.DataFrame:
    """Return a division that may be trained on: whole, repaired, or leaking with permission.

    table: with columns component and part.
    links: from `find_links`.
    keys: what the recipe wants.
    where: its place in the recipe.
    checked: what was looked at, "images" or "ids" alone; drawn images are none.
    Its `attrs["leakage"]` is what run.json keeps. Raises RecipeError where components straddle.
    """
    attributes = table.attrs
    shared = components_across_parts(table)
    dropped = dict.fromkeys(PARTS, 0)
    if shared and keys.repair == "drop-from-train":
        rank = table["part"].map({name: place for place, name in enumerate(PARTS)})
        kept = rank == rank.groupby(table["component"]).transform("max")
        dropped |= {
            str(part): int(n) for part, n in table.loc[~kept, "part"].value_counts().items()
        }
        table = table[kept].reset_index(drop=True)
        attributes["notes"] = [
            *attributes.get("notes", ()),
            f"{dropped['train']:,} training and {dropped['val']:,} validation images are left out, "
            f"for {len(shared):,} lesions were on two sides",
        ]
    elif shared and not keys.allow_leakage:
        raise RecipeError(
            f"the split leaks: {len(shared):,} lesions have images in more than one part",
            where,
            _worst(table, links),
            _CURES,
        )
    table.attrs = attributes | {
        "leakage": {
            "check": checked,
            "components": int(table["component"].nunique()),
            "links": {name: int(count) for name, count in links["evidence"].value_counts().items()},
            "straddling": 0 if dropped["train"] or dropped["val"] else len(shared),
            "dropped": dropped,
        }
    }
    return table


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
    found: pd.DataFrame = worst[["first", "second", "evidence"]].reset_index(drop=True)
    return found


def count_by_evidence(links: pd.DataFrame) -> str:
    """Return how many links there are, by evidence.

    links: with the column evidence.
    """
    counts = links["evidence"].value_counts()
    return ", ".join(
        f"{counts[name]:,} {said}" for name, said in EVIDENCE.items() if name in counts
    )


def _worst(table: pd.DataFrame, links: pd.DataFrame) -> str:
    """Return the worst pairs in one line."""
    across = links_across_parts(table, links)
    listed = [
        f"{EVIDENCE[evidence]}: "
        + " and ".join(
            f"{display_path(Path(table['path'][row]))} ({table['part'][row]})"
            for row in (first, second)
        )
        for first, second, evidence in across.head(_SHOWN).itertuples(index=False)
    ]
    more = len(across) - len(listed)
    return "; ".join(listed) + (f"; and {more:,} more pairs" if more else "")
