"""Images without labels that a student may learn from: found, and compared with the data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import RecipeError
from skinfw.toolkit import (
    Plan,
    archive_names,
    bare_ids,
    cache_folder,
    connected_components,
    display_path,
    id_fault,
    image_function,
    load_data,
    load_plan,
)

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]
ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".jp2")


def unlabelled_images(
    plan: Plan, rows: pd.DataFrame, places: Sequence[Path], say: Say
) -> dict[str, str]:
    """Return the paths of images without labels by their ids.

    plan: of the student; images that its data set has, too, are left out, by name or by pixels.
    rows: of its data set.
    places: folders, searched with all that is in them, and recipes, whose data set counts.
    say: told what is left out.
    """
    import pandas as pd

    if not places:
        return {}
    if image_function(plan.dataset):
        raise RecipeError(
            "a data set that draws its images can have no others",
            plan.components.dataset.origin.text,
            "images without labels are files",
            "leave --unlabelled out",
        )
    found: dict[str, str] = {}
    for place in places:
        own = _of_folder(place) if place.is_dir() else _of_recipe(place)
        for name, path in own.items():
            found[name if name not in found else path] = path
    names = pd.Series(list(found), dtype=str)
    known = names.map(lambda name: bool(id_fault(name)))
    known |= names.isin(set(rows["id"]))
    archive = archive_names(bare_ids(names)) & bare_ids(names).isin(set(bare_ids(rows["id"])))
    left = names[~(known | archive)].tolist()
    copies = _copies(plan, rows, found, left, say)
    kept = [name for name in left if name not in copies]
    if lost := len(found) - len(kept):
        say(f"{lost:,} images without labels are in the data set, too, and are left out")
    return {name: found[name] for name in kept}


def _of_folder(folder: Path) -> dict[str, str]:
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
    return names


def _of_recipe(recipe: Path) -> dict[str, str]:
    plan = load_plan(recipe)
    rows = load_data(plan).rows
    return dict(zip(rows["id"], rows["path"], strict=True))


def _copies(
    plan: Plan, rows: pd.DataFrame, paths: dict[str, str], names: Sequence[str], say: Say
) -> set[str]:
    """Return the images that hold a photograph of the data set, however resized or cropped."""
    import pandas as pd

    finder = plan.components.duplicates
    if finder is None or plan.components.split.host["check"] != "images" or not names:
        return set()
    known = rows["path"].tolist()
    with finder.guard():
        made = finder.make(image=plan.image)
        pairs = made.find([*known, *(paths[name] for name in names)], cache_folder(), say).pairs
    links = pd.DataFrame([pair[:2] for pair in pairs], columns=["first", "second"], dtype="int64")
    joined = connected_components(len(known) + len(names), links)
    # A component is named by its first row, and those of the data set come first.
    return {name for name, first in zip(names, joined[len(known) :], strict=True)
            if first < len(known)}  # fmt: skip
