"""A recipe to start from: what follows from a data set, a machine and a goal."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinfw import RecipeError, SkinfwError

TEMPLATE = Path(__file__).parent / "starting_recipe.toml.jinja"
_MELANOMA = ("mel", "melanoma")


@dataclass(frozen=True)
class DataChoice:
    """Hold a data set that can be chosen.

    words: what it is.
    root: where its files are unless the user says otherwise; empty where it has none.
    key: of the table that says where they are.
    official: whether its official parts are kept.
    fetched: whether `skinfw data fetch` brings it.
    own: whether the user's files tell its classes.
    """

    words: str
    root: str = ""
    key: str = "root"
    official: bool = False
    fetched: bool = False
    own: bool = False


DATASETS = {
    "isic2017": DataChoice(
        "ISIC 2017, three classes, official parts", "data/ISIC_2017", official=True, fetched=True
    ),
    "isic2018": DataChoice("ISIC 2018 (HAM10000), seven classes", "data/ISIC_2018", fetched=True),
    "isic2019": DataChoice("ISIC 2019, eight classes", "data/ISIC_2019", fetched=True),
    "derm7pt": DataChoice(
        "Derm7PT, five classes, official parts", "data/Derm7PT/release_v0", official=True
    ),
    "folder": DataChoice("your own images, a folder for each class", "images", own=True),
    "csv": DataChoice("your own images, listed in a CSV", "images.csv", "file", own=True),
    "synthetic": DataChoice("lesions that are drawn, to try things out"),
}
MACHINES = {
    "laptop": "a CPU: a small network on small images",
    "gpu": "a GPU: a larger network on larger images",
}
GOALS = {
    "balanced-accuracy": "balanced accuracy: classes count alike, however rare they are",
    "melanoma": "the sensitivity for melanoma: few are missed, some alarms are false",
    "accuracy": "accuracy: most images are right, classes as frequent as they are",
}


def recipe_text(dataset: str, root: str, machine: str, goal: str, out: Path) -> str:
    """Return the text of a recipe.

    dataset, machine, goal: keys of the tables above.
    root: where the files are, as seen from the current folder.
    out: the recipe's file; paths are written relative to its folder.
    Raises SkinfwError where images of your own cannot be read, or have no melanoma.
    """
    from jinja2 import Environment, StrictUndefined

    choice = DATASETS[dataset]
    classes = _classes(dataset, {choice.key: root} if choice.root else {})
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["text"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        dataset=dataset,
        key=choice.key if choice.root else "",
        root=_seen_from(out.parent, Path(root)),
        official=choice.official,
        machine=machine,
        goal=goal,
        goals=GOALS,
        melanoma=_melanoma(classes, dataset) if goal == "melanoma" else "",
        file=out.name,
    )


def _seen_from(folder: Path, path: Path) -> str:
    """Return a relative path as a recipe in another folder writes it."""
    return str(path) if path.is_absolute() else Path(os.path.relpath(path, folder)).as_posix()


def _classes(dataset: str, values: dict[str, str]) -> Sequence[str]:
    """Return the classes of a data set; those of your own images are looked up in the files."""
    from skinfw.toolkit import Catalog, import_target

    entry = Catalog().find("dataset", dataset, "", Path.cwd())
    target, signature = import_target(entry, "")
    arguments, _ = signature.read(values)
    classes: Sequence[str] = target(**arguments).classes
    return classes


def _melanoma(classes: Sequence[str], dataset: str) -> str:
    """Return what a data set calls melanoma."""
    known = [name for name in classes if name.lower() in _MELANOMA]
    if not known:
        raise RecipeError(
            "no class is melanoma",
            f"the data set {dataset}",
            f"its classes: {', '.join(classes)}",
            "call the class MEL or melanoma, or choose another goal",
        )
    return known[0]


def check_files(dataset: str, root: str) -> None:
    """Refuse images of your own that are not there; official ones may come later.

    dataset: its name.
    root: the folder or the CSV.
    """
    check_name("root", root)
    choice = DATASETS[dataset]
    if not choice.own:
        return
    there = Path(root).is_dir() if choice.key == "root" else Path(root).is_file()
    if not there:
        raise SkinfwError(
            f"there is no {'folder' if choice.key == 'root' else 'file'} {root}",
            why="the classes are those of your images",
            cure="name the place with --root",
        )


def check_name(option: str, text: str) -> None:
    """Refuse a name with control characters, or with bytes that are not UTF-8.

    option: that gave it.
    text: the name.
    """
    from skinfw.toolkit import printable

    if printable(text) != text:
        raise RecipeError(
            f"--{option} cannot stand in a recipe",
            text,
            "it holds control characters, or bytes that are not UTF-8",
            "give another name",
        )


def check_free(out: Path) -> None:
    """Refuse a file that exists, and a name that the text of a recipe cannot hold."""
    check_name("out", str(out))
    if out.exists():
        raise RecipeError(
            f"{out.name} exists already", str(out), "nothing is overwritten", "choose another name"
        )
