"""Images of your own: in one folder per class, or listed in a CSV."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw import (
    DataTable,
    SkinfwError,
    line_error,
    present_rows,
    read_mask,
    read_table,
    refuse_ids,
    refuse_metadata,
    refuse_names,
    refuse_rows,
    rows_of,
)
from skinfw.toolkit import is_url, joined_path, source_path

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
OWN = ("id", "path", "label", "lesion", "patient", "split", "mask")
PARTS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Read images from one folder per class, however deep inside it they lie.

    Where the root holds nothing but the folders train, val (or valid, validation) and test, the
    class folders are looked for in these, and the column split says which. Each image counts as
    its own lesion: use "csv" where several show the same one.

    root: the folder of the class folders.
    names: the classes, in the order that they shall have; empty takes all folders by name.
    """

    root: Path
    names: tuple[str, ...] = ()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        if self.names:
            return self.names
        names = {folder.name for part in self._parts.values() for folder in _folders(part)}
        if len(names) < 2:
            raise SkinfwError(
                f"{len(names)} class folders are there, and a classifier needs two",
                str(self.root),
                cure="put the images of each class into a folder of its name",
            )
        return tuple(sorted(names))

    def table(self) -> DataTable:
        """Return a row per image."""
        import pandas as pd

        rows = []
        for part, place in self._parts.items():
            for label in self.classes:
                for file in sorted((place / label).rglob("*")):
                    if file.suffix.lower() in ENDINGS and not file.name.startswith("."):
                        name = file.relative_to(self.root).as_posix()
                        rows.append((name, str(file), label, name, part))
        if not rows:
            raise SkinfwError(
                "there is no image in the class folders",
                str(self.root),
                f"images end in {', '.join(ENDINGS)}",
                "name the folder that holds the class folders",
            )
        files = [path for _, path, *_ in rows]
        refuse_ids([name for name, *_ in rows], files.__getitem__)
        refuse_names(self.classes, lambda _: str(self.root))
        table = pd.DataFrame(rows, columns=["id", "path", "label", "lesion", "split"])
        return DataTable(table if self._is_divided else table.drop(columns="split"))

    @cached_property
    def _parts(self) -> dict[str, Path]:
        """Return where the class folders lie, by part."""
        if self._is_divided:
            return {PARTS[folder.name.lower()]: folder for folder in _folders(self.root)}
        return {"": self.root}

    @cached_property
    def _is_divided(self) -> bool:
        if not self.root.is_dir():
            raise SkinfwError(
                "the data set's root is no folder",
                str(self.root),
                cure="set its root to the folder that holds the class folders",
            )
        names = [folder.name.lower() for folder in _folders(self.root)]
        return "train" in names and set(names) <= set(PARTS)


@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """Read images that a CSV or a Parquet file lists, a row for each.

    The columns path and label must be there. The columns id (else the path), lesion (else patient,
    else the id), patient and split ("train", "val" or "test") are used where they are, and all
    others are kept as metadata; one whose name is close to one of these is refused. Ages are years
    from 0 to 120, and a sex is a word such as female or m. The column
    mask names files whose light pixels say where the lesion is, for reports that ask; it may be
    blank. A path may be absolute or lead out of the folder by `..`, an id may not: of such a path
    it is what comes behind.

    file: the CSV, or a Parquet file whose name ends in .parquet.
    images: folder that the paths start from, itself relative to the CSV's folder.
    pictures: columns with the paths of further pictures, for modalities.pictures.
    names: the classes, in the order that they shall have; empty takes all labels by name.
    missing: what to do about images that are absent: "error", or "drop" them and say how many.
    """

    file: Path
    images: str = ""
    pictures: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    missing: Literal["error", "drop"] = "error"

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return self.names or tuple(sorted(set(self._rows["label"])))

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        import pandas as pd

        table = self._rows.copy()
        if "id" not in table.columns:
            table["id"] = table["path"].map(_path_id)
        refuse_ids(table["id"].tolist(), rows_of(self.file))
        if "split" in table.columns:
            split = table["split"].str.lower()
            refuse_rows(
                self.file, ~split.isin(list(PARTS)), split, "split is none of train, val, test"
            )
            table["split"] = split.map(PARTS)
        lesion = table["id"]
        for column in ("patient", "lesion"):
            if column in table.columns:
                refuse_names(table[column], rows_of(self.file))
                lesion = table[column].where(table[column] != "", lesion)
        table["lesion"] = lesion
        folder = joined_path(self.file.parent, self.images).absolute()
        pictures = ["path", *self.pictures]
        for column in pictures:
            table[column] = [str(joined_path(folder, path)) for path in table[column]]
        absent = ~pd.DataFrame({name: table[name].map(_is_file) for name in pictures}).all(axis=1)
        first = rows_of(self.file)(int(absent.to_numpy().argmax()))
        return present_rows(table, absent, self.missing, first)

    def mask(self, path: str) -> npt.NDArray[np.bool_] | None:
        """Return where the lesion is in an image, bool [H, W]; None where there is no mask of it.

        path: as in the table.
        """
        file = self.mask_file(path)
        return read_mask(file) if file else None

    def mask_file(self, path: str) -> Path | None:
        """Return the file that the mask of an image is read from; None where none is named.

        path: as in the table.
        """
        return self._masks.get(path)

    def place(self, name: str) -> str:
        """Return the file and line of an image.

        name: its id, as in the table.
        """
        ids = self._rows["id"] if "id" in self._rows else self._rows["path"].map(_path_id)
        return rows_of(self.file)(ids.tolist().index(name))

    @cached_property
    def _masks(self) -> dict[str, Path]:
        """Return the files of masks by the path of the image."""
        if "mask" not in self._rows.columns:
            return {}
        folder = joined_path(self.file.parent, self.images).absolute()
        paths = zip(self._rows["path"], self._rows["mask"], strict=True)
        return {
            str(joined_path(folder, image)): joined_path(folder, mask)
            for image, mask in paths
            if mask
        }

    @cached_property
    def _rows(self) -> pd.DataFrame:
        table = read_table(self.file, ["path", "label", *self.pictures], filled=True)
        refuse_rows(self.file, table["path"] == "", table["label"], "an image has no path")
        refuse_rows(self.file, table["label"] == "", table["path"], "an image has no label")
        refuse_names(table["label"], rows_of(self.file))
        for name in table.columns:
            meant = _meant_column(name)
            if meant and meant not in table.columns:
                what = f'the column "{name}" is not used, and it is close to "{meant}"'
                cure = f'call it "{meant}", or something else altogether'
                raise line_error(self.file, 1, what, cure=cure)
        own = {*OWN, *self.pictures}
        refuse_metadata(self.file, table, [name for name in table.columns if name not in own])
        return table


def _meant_column(name: str) -> str:
    """Return the optional column whose name is all but that of a column; blank for none."""
    plain = name.casefold().removesuffix("_id")
    if plain == "id":
        return "id"
    return next(iter(get_close_matches(plain, ("lesion", "patient", "split"), cutoff=0.8)), "")


def _path_id(path: str) -> str:
    """Return the id of an image that has but a path: no id leads out of a folder."""
    path = path.partition("://")[2] if is_url(path) else path
    if not path.startswith("/") and ".." not in path:
        return path
    pieces = posixpath.normpath(path).split("/")
    return "/".join(piece for piece in pieces if piece not in ("", ".."))


def _is_file(path: str) -> bool:
    try:
        return source_path(path).is_file()
    except (OSError, ValueError):  # a name that is too long for the system
        return False


def _folders(place: Path) -> list[Path]:
    """Return the folders in a folder, hidden ones left out."""
    return sorted(path for path in place.iterdir() if path.is_dir() and path.name[0] != ".")
