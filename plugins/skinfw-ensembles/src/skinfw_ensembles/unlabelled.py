"""Images without labels that a student may learn from: found, and compared with the data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError
from skinfw.toolkit import (
    Plan,
    cache_folder,
    connected_components,
    data_sources,
    display_path,
    id_fault,
    image_function,
    load_data,
    load_data_plan,
    reader_names,
    shares_name,
)

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]
Sources = Mapping[str, Mapping[str, Any]]
FOLDER: Sources = {"": {"use": ""}}
"""No component reads a folder of images: its private names mean something else in each."""

ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".jp2")


def unlabelled_images(
    plan: Plan, rows: pd.DataFrame, places: Sequence[Path], say: Say, trust: bool | None = None
) -> pd.DataFrame:
    """Return images without labels: a table with id, path and lesion, one of `reader_names`.

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
    parts, sources = [], data_sources(plan.components.dataset.written())
    for place in places:
        own, other_sources = _of_folder(place), FOLDER
        if own is None:
            own, other_sources = _of_recipe(place, trust)
        left = own[~shares_name(own, rows, ("id", "lesion"), other_sources, sources)]
        # What the student has learned is known by these names, and its own lesions are others.
        parts.append(left.assign(lesion=reader_names(left["lesion"], other_sources)))
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
    """Return the images of a folder, each name a lesion of its own; None for a file."""
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
    paths = list(names.values())
    lesions = [Path(path).stem for path in paths]
    return pd.DataFrame({"id": list(names), "path": paths, "lesion": lesions})


def _of_recipe(recipe: Path, trust: bool | None) -> tuple[pd.DataFrame, Sources]:
    """Return the images of one data set or several, and what reads each of them."""
    plan = load_data_plan(recipe, trust=trust)
    rows = load_data(plan).rows[["id", "path", "lesion"]].astype(str)
    return rows, data_sources(plan.components.dataset.written())


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
