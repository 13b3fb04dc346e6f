"""Which images a user names: files, folders, patterns and CSV files, and an id for each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.csv_tables import read_csv, refuse_rows, rows_of
from skinfw.guards.names import id_fault
from skinfw.inference.cases import ListedImage

_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".jp2", ".gif")


def find_listed_images(words: Iterable[str]) -> list[ListedImage]:
    """Return images with an id for each, those that a CSV lists last.

    words: as for `find_images`, and CSV files with the column path, relative to their folder, and
        where they have one the column id. Their other columns are kept.
    Raises SkinfwError where two images have the same id.
    """
    words = list(words)
    lists = [word for word in words if word.lower().endswith(".csv")]
    others = [word for word in words if word not in lists]
    images = {path: ListedImage(path, "") for path in (find_images(others) if others else ())}
    images |= {image.path: image for word in lists for image in _read_list(Path(word))}
    unnamed = [path for path, image in images.items() if not image.id]
    for path, name in zip(unnamed, image_ids(unnamed) if unnamed else (), strict=True):
        images[path] = replace(images[path], id=name)
    times = Counter(image.id for image in images.values())
    if twice := [image.id for image in images.values() if times[image.id] > 1]:
        raise SkinfwError(
            f'two images have the id "{twice[0]}"',
            ", ".join(path for path, image in images.items() if image.id == twice[0]),
            "rows of the table could not be told apart",
            "give them other ids in the CSV",
        )
    return list(images.values())


def _read_list(file: Path) -> list[ListedImage]:
    """Return the images that a CSV lists; their ids are blank where it has none."""
    table = read_csv(file, ["path"], filled=True)
    paths = table["path"]
    refuse_rows(file, paths == "", paths, "an image has no path")
    refuse_rows(file, paths.duplicated(), paths, "an image is there twice")
    ids = table["id"].tolist() if "id" in table.columns else [""] * len(paths)
    for row, name in enumerate(ids):
        if name and (fault := id_fault(name)):
            where = rows_of(file)(row)
            raise SkinfwError(f'"{name[:80]}" cannot be an id', where, fault, "give it another id")
    rows = [dict(zip(table.columns, cells, strict=True)) for cells in table.itertuples(index=False)]
    return [
        ListedImage(str(file.parent / path), name, cells, file, line)
        for line, (path, name, cells) in enumerate(zip(paths, ids, rows, strict=True), 2)
    ]


def find_images(words: Iterable[str]) -> list[str]:
    """Return the paths of images, in the order of the words, each once.

    words: files, folders, which are searched with all that is in them, and patterns such as
        `scans/**/*.jpg`. A file is taken as it is, whatever its name.
    Raises RecipeError where a folder or a pattern holds no image.
    """
    files: dict[Path, Path] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            paths = sorted(_in_folder(path))
        elif any(sign in word for sign in "*?[") and not path.exists():
            root = Path(path.anchor)
            matches = root.glob(str(path.relative_to(root)))
            paths = sorted(file for file in matches if not file.is_dir() and file.name[0] != ".")
        else:
            paths = [path]  # an absent file is told when its turn comes, and stops no other
        if not paths:
            raise RecipeError(
                f"there is no image in {word}",
                why=f"images end in {', '.join(_ENDINGS)}" if path.is_dir() else "",
                cure="name image files, folders, or patterns in quotes",
            )
        for file in paths:
            files.setdefault(file.absolute(), file)
    return [str(file) for file in files.values()]


def _in_folder(folder: Path) -> Iterator[Path]:
    """Return the images in a folder; what begins with a dot is the notes of other programs.

    Superpixel maps, which lie beside the images of ISIC 2017, are none.
    A pipe or a broken link with the name of an image is told when its turn comes.
    """
    for file in folder.rglob("*"):
        hidden = any(part[0] == "." for part in file.relative_to(folder).parts)
        image = file.suffix.lower() in _ENDINGS and not file.stem.endswith("_superpixels")
        if image and not hidden and not file.is_dir():
            yield file


def image_ids(paths: Sequence[str]) -> list[str]:
    """Return an id for each image: the file's stem, or where two stems are the same, its path.

    paths: of images; ids that are paths start at the folder that holds them all.
    """
    stems = [Path(path).stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    whole = [Path(path).absolute() for path in paths]
    folder = os.path.commonpath([path.parent for path in whole])
    return [path.relative_to(folder).as_posix() for path in whole]
