"""Several data sets as one: their rows below each other, by the classes of the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from skinfw import DataTable, RecipeError
from skinfw.toolkit import (
    FINER,
    archive_names,
    bare_ids,
    image_function,
    mask_file_function,
    mask_function,
    read_data_table,
)
from skinfw_datasets.alignment import Labels, align_sets

if TYPE_CHECKING:
    import pandas as pd

    from skinfw import Dataset
    from skinfw.toolkit import PlannedComponent

    Sets = Sequence[tuple[PlannedComponent[Dataset], Dataset]]

SOURCE = "source"
NAMES = ("lesion", "patient")


@dataclass(frozen=True)
class Merged:
    """Make one data set of all that a recipe lists as `[[dataset]]`.

    The classes are those of the first one. A label of another one is the class that holds all of
    its diagnoses, by the table of diagnoses. One that shares none with any class is a class of its
    own, and one that shares some is refused until `labels` says what it is. An image keeps its own
    label in the column diagnosis, where that is another one and nothing stands there, and the
    column source says which data set it is of. Names of images, lesions and patients get the name
    of their data set before them, so that two lesions which are both called "1" are two. Names of
    the ISIC archive mean the same everywhere, and a photograph that several data sets hold is one.
    """

    sets: Sets
    _owners: dict[str, tuple[Dataset, str]] = field(default_factory=dict, init=False, repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names: those of the first data set, then those that others add."""
        return self._labels.classes

    @property
    def image(self) -> Callable[[str], Any] | None:
        """What draws an image by its path in the table; None for files."""
        return self._draw if any(image_function(own) for _, own in self.sets) else None

    def table(self) -> DataTable:
        """Return the rows of all data sets, each in its order."""
        import pandas as pd

        read = [
            self._read(component, dataset, classes)
            for (component, dataset), classes in zip(self.sets, self._labels.by_set, strict=True)
        ]
        rows = pd.concat([data.rows for data in read], ignore_index=True)
        texts = rows.select_dtypes(exclude="number").columns
        rows[texts] = rows[texts].fillna("")
        return DataTable(
            rows,
            (*(note for data in read for note in data.notes), *_contradictions(rows)),
            tuple(dict.fromkeys(mark for data in read for mark in data.marks)),
            sum(data.absent for data in read),
        )

    def mask(self, path: str) -> Any:
        """Return where the lesion is in an image, bool [H, W]; None where nobody knows.

        path: as in the table.
        """
        return self._ask(mask_function, path)

    @property
    def mask_file(self) -> Callable[[str], Any] | None:
        """What tells the file of a mask; None where a data set has masks and tells no files."""
        asked = [own for _, own in self.sets if mask_function(own)]
        tells = all(mask_file_function(own) for own in asked)
        return partial(self._ask, mask_file_function) if tells else None

    def place(self, name: str) -> str:
        """Return the file and line of an image, where its data set tells them.

        name: its id, as in the table.
        """
        source, _, own = name.partition("/")
        tells = (
            getattr(one, "place", None) for key, one in self.sets if key.host[SOURCE] == source
        )
        return next((str(find(own)) for find in tells if callable(find)), f"image {name}")

    @cached_property
    def _labels(self) -> Labels:
        _check_sets(self.sets)
        return align_sets(self.sets)

    def _draw(self, path: str) -> Any:
        """Return the pixels of an image."""
        dataset, own = self._owner(path)
        draw = image_function(dataset)
        assert draw, "it is of a data set that draws"
        return draw(own)

    def _ask(self, function: Callable[[Any], Callable[[str], Any] | None], path: str) -> Any:
        """Ask the data set that an image is of; None where it cannot answer, or there is none.

        function: a data set -> what answers.
        """
        dataset, own = self._owner(path)
        answer = function(dataset)
        return answer(own) if answer else None

    def _owner(self, path: str) -> tuple[Dataset | None, str]:
        """Return the data set that an image is of, None for another one, and its path there."""
        if not self._owners:
            self.table()
        return self._owners.get(path, (None, path))

    def _read(
        self,
        component: PlannedComponent[Dataset],
        dataset: Dataset,
        classes: Mapping[str, str],
    ) -> DataTable:
        """Return one data set with the names and classes of all.

        classes: of each label; blank for what is left out.
        """
        source = str(component.host[SOURCE])
        data = read_data_table(component, dataset)
        rows, own = data.rows, data.rows["label"]
        notes = [f"{source}: {note}" for note in data.notes]
        notes += [
            f"{source}: {count:,} images of {label} "
            + (f"count as {classes[label]}" if classes[label] else "are left out")
            for label, count in sorted(Counter(own).items())
            if classes[label] != label
        ]
        label = own.map(classes)
        finer = rows.get(FINER, own.map(lambda _: "")).fillna("").astype(str)
        rows[FINER] = finer.where((finer != "") | (label == own), own)
        rows["label"], rows[SOURCE] = label, source
        rows["id"] = f"{source}/" + rows["id"]
        for column in NAMES:
            if column in rows:
                rows[column] = _own_names(rows[column].fillna("").astype(str), source)
        rows = rows[label != ""]
        paths = rows["path"].tolist()
        if image_function(dataset):
            rows["path"] = f"{source}/" + rows["path"]
        self._owners.update(
            (path, (dataset, own)) for path, own in zip(rows["path"], paths, strict=True)
        )
        return replace(data, rows=rows, notes=tuple(notes))


def _check_sets(sets: Sets) -> None:
    """Refuse what cannot be one data set."""
    if not sets:
        raise RecipeError(
            "merged makes one data set of several, and there is none",
            cure='write [[dataset]] use = "..." for each of them; "merged" is written nowhere',
        )
    draws = {own.host[SOURCE]: image_function(dataset) is not None for own, dataset in sets}
    if len(set(draws.values())) > 1:
        raise RecipeError(
            "data sets of files cannot be merged with data sets that draw their images",
            why=f"{', '.join(source for source in draws if draws[source])} draws them",
            cure="leave these out, or export them: skinfw data export",
        )


def _own_names(names: pd.Series[str], source: str) -> pd.Series[str]:
    """Return names that no other data set has, unless they are names of the ISIC archive."""
    return names.where((names == "") | archive_names(names), f"{source}/" + names)


def _contradictions(rows: pd.DataFrame) -> list[str]:
    """Return a sentence about photographs that several data sets call by several classes."""
    classes = rows.groupby(bare_ids(rows["id"]))["label"].unique()
    several = classes[classes.map(len) > 1]
    if several.empty:
        return []
    example = f"{several.index[0]}: {', '.join(several.iloc[0])}"
    count = f"{len(several):,} photographs have another class in another data set"
    return [f"{count}, such as {example}"]
