"""The annotation files of Yao et al.: a JSON for each part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinfw import DataTable, SkinfwError, line_error, refuse_ids, refuse_names
from skinfw.toolkit import read_json


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """Read the annotation JSON of Yao et al.'s system, which `skinfw data convert` writes.

    A file holds {"annotations": [{"image_id", "category_id", "derm_path", ...}], "num_classes"}.
    Relative paths start at the JSON's folder. Files that are not there, as with the paths of
    another machine, are looked for by name in the folder `images`. The key lesion_id is used where
    it is there; else each image counts as its own lesion. The column split has the parts.

    train: the JSON of the training part.
    names: the classes, in the order of their category ids.
    val: the JSON of the validation part; empty for none.
    test: the JSON of the test part, with category ids; empty for none.
    images: folder with image files.
    """

    train: Path
    names: tuple[str, ...]
    val: Path = Path()
    test: Path = Path()
    images: Path = Path()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return self.names

    def table(self) -> DataTable:
        """Return a row per image of all parts."""
        import pandas as pd

        rows: list[dict[str, str]] = []
        for part, file in (("train", self.train), ("val", self.val), ("test", self.test)):
            if not file.is_dir():  # an empty path stands for no file
                rows += self._part(part, file)
        return DataTable(pd.DataFrame(rows))

    def _part(self, part: str, file: Path) -> list[dict[str, str]]:
        try:
            content = read_json(file)
            entries, count = list(content["annotations"]), content["num_classes"]
        except FileNotFoundError:
            raise line_error(file, 0, "the file does not exist") from None
        except (ValueError, KeyError, TypeError) as error:
            raise line_error(file, 0, "the file is no annotation JSON", str(error)) from error
        if count != len(self.names):
            raise line_error(
                file, 0, f"the file has {count} classes, the recipe names {len(self.names)}"
            )
        rows = [self._row(part, file, place, entry) for place, entry in enumerate(entries)]
        refuse_ids([row["id"] for row in rows], lambda place: f"{file}, entry {place}")
        refuse_names((row["lesion"] for row in rows), lambda place: f"{file}, entry {place}")
        return rows

    def _row(self, part: str, file: Path, place: int, entry: dict[str, Any]) -> dict[str, str]:
        name = f"entry {place}"
        try:
            name = str(entry.get("image_id", name))
            number = entry["category_id"]
            if type(number) is not int or number < 0:  # -1 would be the last class
                raise ValueError(f"category_id is {number!r}")
            label, path = self.names[number], Path(entry["derm_path"])
        except (AttributeError, KeyError, IndexError, ValueError, TypeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise line_error(
                file, 0, f"{name} has no usable category_id or derm_path", why
            ) from error
        candidate = file.parent / path
        if not candidate.is_file():
            candidate = self.images / path.name
        if not candidate.is_file():
            raise SkinfwError(
                f"the image of {name} is absent",
                str(file),
                f"its path is {path}" + (", of another machine" if path.is_absolute() else ""),
                "set dataset.images to the folder that holds the image files",
            )
        lesion = str(entry.get("lesion_id") or name)
        return {"id": name, "path": str(candidate), "label": label, "lesion": lesion, "split": part}
