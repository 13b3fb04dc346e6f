"""The annotation files of Yao et al.: a JSON for each part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skinfw import DataTable, SkinfwError, line_error, refuse_ids, refuse_names
from skinfw.toolkit import joined_path, read_json, source_path

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """Read the annotation JSON of Yao et al.'s system, which `skinfw data convert` writes.

    A file holds {"annotations": [{"image_id", "category_id", "derm_path", ...}], "num_classes"}.
    Relative paths start at the JSON's folder. Files that are not there, as with the paths of
    another machine, are looked for by name in the folder `images`. The key lesion_id is used where
    it is there; else each image counts as its own lesion. The column split has the parts. A
    validation or test part without any category_id has secret labels and is left out.

    train: the JSON of the training part.
    names: the classes, in the order of their category ids; empty takes those of the file, which
        skinfw writes as class_names.
    val: the JSON of the validation part; empty for none.
    test: the JSON of the test part; empty for none.
    images: folder with image files.
    image: the picture of an entry: "derm"_path, "clinic"_path, or as a "pair" both, the second in
        the column clinic.
    """

    train: Path
    names: tuple[str, ...] = ()
    val: Path = Path()
    test: Path = Path()
    images: Path = Path()
    image: Literal["derm", "clinic", "pair"] = "derm"

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        names = self.names or _content(self.train).get("class_names", ())
        if isinstance(names, str) or not all(isinstance(name, str) for name in names) or not names:
            raise line_error(
                self.train,
                0,
                "the file names no classes",
                "a file of Yao et al. has their number alone",
                "set dataset.names to the classes in the order of their category ids",
            )
        return tuple(names)

    def table(self) -> DataTable:
        """Return a row per image of all parts that have labels."""
        import pandas as pd

        parts = self._parts
        notes = [
            f"the {len(rows):,} images of {file} have no labels and are left out"
            for file, rows in parts.items()
            if not _labelled(rows)
        ]
        rows = [row for rows in parts.values() if _labelled(rows) for row in rows]
        return DataTable(pd.DataFrame(rows), tuple(notes))

    def unlabelled(self) -> DataTable:
        """Return the images of parts whose labels are secret; they have no column label."""
        import pandas as pd

        rows = [row for rows in self._parts.values() if not _labelled(rows) for row in rows]
        columns = ["id", "path", "lesion", "split", *(["clinic"] if self.image == "pair" else [])]
        table: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        return DataTable(table)

    @cached_property
    def _parts(self) -> dict[Path, list[dict[str, str]]]:
        """Return the rows of each file."""
        files = {"train": self.train, "val": self.val, "test": self.test}
        return {
            file: self._part(part, file)
            for part, file in files.items()
            if not file.is_dir()  # an empty path stands for no file
        }

    def _part(self, part: str, file: Path) -> list[dict[str, str]]:
        content = _content(file)
        entries, count = content["annotations"], content["num_classes"]
        if count != len(self.classes):
            raise line_error(
                file, 0, f"the file has {count} classes, the recipe names {len(self.classes)}"
            )
        given = [isinstance(entry, dict) and "category_id" in entry for entry in entries]
        secret = part != "train" and not any(given)
        rows = [self._row(part, file, place, one, secret) for place, one in enumerate(entries)]
        refuse_ids([row["id"] for row in rows], lambda place: f"{file}, entry {place}")
        refuse_names((row["lesion"] for row in rows), lambda place: f"{file}, entry {place}")
        return rows

    def _row(
        self, part: str, file: Path, place: int, entry: dict[str, Any], secret: bool
    ) -> dict[str, str]:
        """Return the row of an entry, without a label where these are secret."""
        name, labels = f"entry {place}", {}
        try:
            name = str(entry.get("image_id", name))
            if not secret:
                number = entry["category_id"]
                if type(number) is not int or number < 0:  # -1 would be the last class
                    raise ValueError(f"category_id is {number!r}")
                labels = {"label": self.classes[number]}
            kinds = {"pair": ("derm", "clinic")}.get(self.image, (self.image,))
            paths = [source_path(entry[f"{kind}_path"]) for kind in kinds]
        except (AttributeError, KeyError, IndexError, ValueError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            wanted = "category_id or path" if self.image != "derm" else "category_id or derm_path"
            raise line_error(file, 0, f"{name} has no usable {wanted}", why) from error
        pictures = [self._file(file, name, path) for path in paths]
        lesion = str(entry.get("lesion_id") or name)
        row = {"id": name, "path": pictures[0], **labels, "lesion": lesion, "split": part}
        return row | ({"clinic": pictures[1]} if self.image == "pair" else {})

    def _file(self, file: Path, name: str, path: Path) -> str:
        """Return where a picture lies; raise SkinfwError where it is absent."""
        candidate = joined_path(file.parent, str(path))
        if not candidate.is_file():
            candidate = self.images / path.name
        if not candidate.is_file():
            raise SkinfwError(
                f"the image of {name} is absent",
                str(file),
                f"its path is {path}" + (", of another machine" if path.is_absolute() else ""),
                "set dataset.images to the folder that holds the image files",
            )
        return str(candidate)


def _content(file: Path) -> dict[str, Any]:
    """Return what an annotation file holds, its entries as a list."""
    try:
        content: dict[str, Any] = read_json(file)
        return {
            **content,
            "annotations": list(content["annotations"]),
            "num_classes": content["num_classes"],
        }
    except FileNotFoundError:
        raise line_error(file, 0, "the file does not exist") from None
    except (ValueError, KeyError, TypeError) as error:
        raise line_error(file, 0, "the file is no annotation JSON", str(error)) from error


def _labelled(rows: list[dict[str, str]]) -> bool:
    """Tell whether the rows of a file have labels; a file without rows has."""
    return all("label" in row for row in rows)
