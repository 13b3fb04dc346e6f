"""Images without labels that a student may learn from: found, and compared with the data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError
from skinfw.toolkit import (
    Plan,
    archive_names,
    cache_folder,
    connected_components,
    data_sources,
    display_path,
    id_fault,
    image_function,
    load_data,
    load_data_plan,
    shares_name,
)

if TYPE_CHECKING:
    import pandas as pd

    from skinfw import Dataset
    from skinfw.toolkit import PlannedComponent

Say = Callable[[str], None]
Sources = Mapping[str, Mapping[str, Any]]
FOLDER: Sources = {"": {"use": ""}}
"""No component reads a folder of images: its private names mean something else in each."""

ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".jp2")


def unlabelled_images(
    plan: Plan, rows: pd.DataFrame, places: Sequence[Path], say: Say, trust: bool | None = None
) -> pd.DataFrame:
    """Return images without labels: a table with id, path and lesion.

    plan: of the student; images that its data set has, too, are left out, by name or by pixels, and
        so are other photographs of its lesions, as far as their names tell.
    rows: of its data set.
    places: folders, searched with all that is in them, and recipes, whose data set counts.
    say: told what is left out.
    trust: whether Python files that the recipes name may be imported unseen.
    """
    import pandas as pd

    if not places:
        return pd.DataFrame({"id": [], "path": [], "lesion": []}, dtype=str)
    if image_function(plan.dataset):
        raise RecipeError(
            "a data set that draws its images can have no others",
            plan.components.dataset.origin.text,
            "images without labels are files",
            "leave --unlabelled out",
        )
    mine = plan.components.dataset
    parts, sources = [], data_sources(mine.written())
    for place in places:
        own, other_sources, use = _of_folder(place), FOLDER, mine.use
        if own is None:
            own, other = _of_recipe(place, trust)
            other_sources, use = data_sources(other.written()), other.use
        left = own[~shares_name(own, rows, ("id", "lesion"), other_sources, sources)]
        parts.append(left if use == mine.use else _own_lesions(left, use))
        if lost := len(own) - len(parts[-1]):
            say(f"{lost:,} images of {display_path(place)} show lesions of the data set; left out")
    found = pd.concat(parts, ignore_index=True)
    found["id"] = found["id"].where(~found["id"].duplicated(), found["path"])
    known = found["id"].map(lambda name: bool(id_fault(name))).astype(bool)
    left = found[~(known | found["id"].isin(set(rows["id"])))].reset_index(drop=True)
    kept = left[~_copies(plan, rows, left, say)].reset_index(drop=True)
    if lost := len(found) - len(kept):
        say(f"{lost:,} images without labels are in the data set, too, and are left out")
    return kept


def _of_folder(folder: Path) -> pd.DataFrame | None:
    """Return the images of a folder, each as a lesion of its own; None for a file."""
    import pandas as pd

    if not folder.is_dir():
        return None
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    if not files:
        raise RecipeError(
            f"there is no image in {display_path(folder)}",
            why=f"images end in {', '.join(ENDINGS)}",
            cure="name a folder of images, or a recipe with a data set",
        )
    names: dict[str, str] = {}
    for file in files:
        name = file.stem if file.stem not in names else str(file.relative_to(folder))
        names[name] = str(file.resolve())
    found = list(names)
    return pd.DataFrame({"id": found, "path": list(names.values()), "lesion": found})


def _of_recipe(recipe: Path, trust: bool | None) -> tuple[pd.DataFrame, PlannedComponent[Dataset]]:
    """Return the images of a data set, and what reads it."""
    plan = load_data_plan(recipe, trust=trust)
    rows = load_data(plan).rows[["id", "path", "lesion"]].astype(str)
    return rows, plan.components.dataset


def _own_lesions(rows: pd.DataFrame, use: str) -> pd.DataFrame:
    """Return images of a data set whose lesions are other ones than the student's of their names.

    use: what reads it.
    """
    names = rows["lesion"]
    return rows.assign(lesion=names.where(archive_names(names), f"{use}:" + names))


def _copies(plan: Plan, rows: pd.DataFrame, others: pd.DataFrame, say: Say) -> pd.Series[bool]:
    """Tell which images hold a photograph of the data set, however resized or cropped."""
    import pandas as pd

    finder = plan.components.duplicates
    if finder is None or plan.components.split.host["check"] != "images" or others.empty:
        return pd.Series(False, index=others.index)
    known = rows["path"].tolist()
    with finder.guard():
        made = finder.make(image=plan.image)
        pairs = made.find([*known, *others["path"]], cache_folder(), say).pairs
    links = pd.DataFrame([pair[:2] for pair in pairs], columns=["first", "second"], dtype="int64")
    joined = connected_components(len(known) + len(others), links)
    # A component is named by its first row, and those of the data set come first.
    return pd.Series([first < len(known) for first in joined[len(known) :]], index=others.index)
