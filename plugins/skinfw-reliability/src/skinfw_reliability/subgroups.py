"""The report on subgroups: for whom the model works, and for whom nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge

from skinfw import ClassName, Findings, FindingsTable, Result, SkinfwError, select
from skinfw_reliability.findings import estimate_cell, write_findings

if TYPE_CHECKING:
    import pandas as pd

    from skinfw import Predictions
    from skinfw_reliability.intervals import Estimate

MELANOMA = "MEL"
KEY = "subgroups"
_ABOUT = (
    "For whom does the network work? A number of a small group says little: look at its interval "
    "first."
)
ENDS = ("value", "low", "high")
HEADER = ("attribute", "group", "images", "lesions", "classes", "number", *ENDS,
          "rests_on", "few")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Subgroups:
    """Measure each group of test images by age, sex, site, source, image size and skin tone.

    Writes subgroups.csv: balanced accuracy, macro AUC and sensitivities, with 95 % intervals
    over the group's lesions; subgroups.json: what could not be looked at, and why; and
    where images are files, subgroups_images.csv with their sizes and skin tones. Images of which
    an attribute is unknown are a group of their own, called missing.

    sensitive: classes whose sensitivity is measured; none means MEL, where there is one.
    columns: further columns of the data set's table to group by.
    pictures: whether files are read for image size and skin tone.
    few: a number that rests on fewer lesions of a class is flagged.
    """

    sensitive: list[ClassName] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    pictures: bool = True
    few: Annotated[int, Ge(1)] = 20

    def analyse(self, result: Result) -> list[Findings]:
        """Return the numbers of each group, for a page and for subgroups.csv."""
        from skinfw_reliability.groups import COLUMNS, known_groups, picture_groups
        from skinfw_reliability.intervals import estimator
        from skinfw_reliability.pictures import look_at

        test, rows = result.predictions["test"], result.rows.get("test")
        if rows is None:
            raise SkinfwError(
                'the report "subgroups" has no table of the test images',
                why="groups are made by what the data set's table says",
                cure="leave the report out, or evaluate the run on its data set",
            )
        further = self._further(rows, bool(result.evaluation))
        groups, files = known_groups(rows, further), {}
        notes = [f"the table says nothing about {name}" for name in COLUMNS if name not in groups]
        if not self.pictures:
            notes.append("image size and skin tone were not asked for")
        elif not any(Path(path).is_file() for path in rows["path"]):
            notes.append("images are no files, so that size and skin tone are not known")
        else:
            pictures = look_at(rows["path"].tolist())
            groups |= picture_groups(pictures)
            blind = sum(not picture.width for picture in pictures)
            notes += [f"{blind:,} images could not be read"] if blind else []
            blue = sum(abs(picture.angle) > 90 for picture in pictures)
            if blue:
                notes.append(f"the skin of {blue:,} images looks bluish: their tone is doubtful")
            tones = groups["skin tone"].tolist()
            lines = [
                (name, picture.width, picture.height, round(picture.angle, 2), tone)
                for name, picture, tone in zip(test.ids, pictures, tones, strict=True)
            ]
            header = ("id", "width", "height", "typology_angle", "skin_tone")
            files["subgroups_images.csv"] = FindingsTable("", header, lines)
        numbers = list(self.table(test, groups, estimator(result)))
        files["subgroups.csv"] = FindingsTable("", HEADER, numbers)
        data = {"few": self.few, "notes": notes, "marks": list(result.marks)}
        return [Findings(KEY, "Subgroups", [_ABOUT], [_by_group(numbers)], data, files)]

    def write(self, result: Result, folder: Path) -> None:
        """Write subgroups.csv, subgroups.json and subgroups_images.csv."""
        write_findings(result.section(KEY) or self.analyse(result)[0], KEY, folder)

    evaluate = write

    def table(
        self, test: Predictions, attributes: dict[str, Any], estimate: Estimate
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of subgroups.csv: all test images, then group by group.

        attributes: by attribute, the group of each image.
        estimate: from `estimator`.
        """
        import numpy as np

        from skinfw_reliability.group_numbers import GroupNumbers
        from skinfw_reliability.groups import ordered

        default = [MELANOMA] if MELANOMA in test.classes else []
        metric = GroupNumbers(self.sensitive or default)
        groups = [("all", "all", slice(None))]
        for attribute, names in attributes.items():
            groups += [(attribute, name, names == name) for name in ordered(names.unique())]
        everyone = np.arange(len(test.ids))
        for attribute, name, inside in groups:
            own = select(test, everyone[inside])
            lesions, shown = len(set(own.lesions)), len(set(own.true.tolist()))
            rests_on = metric.rests_on(own)
            for number, ends in estimate(metric, own).items():
                least = rests_on[number]
                yield (attribute, name, len(own.ids), lesions, shown, number, *map(ends.get, ENDS),
                       least, "yes" if least < self.few else "no")  # fmt: skip

    def _further(self, rows: pd.DataFrame, of_others: bool) -> list[str]:
        """Return the further columns; the table of another data set may lack some."""
        absent = [name for name in self.columns if name not in rows.columns]
        if absent and not of_others:
            raise SkinfwError(
                f'the report "subgroups" finds no column "{absent[0]}"',
                why=f"the table has {', '.join(map(str, rows.columns))}",
                cure="name one of these, or leave it out of columns",
            )
        return [name for name in self.columns if name in rows.columns]


def _by_group(numbers: Sequence[Sequence[Any]]) -> FindingsTable:
    """Return the numbers with a row for each group and a column for each number."""
    records = [dict(zip(HEADER, row, strict=True)) for row in numbers]
    measured = list(dict.fromkeys(record["number"] for record in records))
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for record in records:
        groups.setdefault((record["attribute"], record["group"]), {})[record["number"]] = record
    rows = []
    for (attribute, group), own in groups.items():
        first = next(iter(own.values()))
        name = "all images" if attribute == "all" else f"{attribute.replace('_', ' ')}: {group}"
        cells = [
            estimate_cell(own.get(number), "few" if own.get(number, {}).get("few") == "yes" else "")
            for number in measured
        ]
        rows.append([name, f"{first['images']:,}", f"{first['lesions']:,}", *cells])
    head = ["group", "images", "lesions", *(number.replace("_", " ") for number in measured)]
    return FindingsTable("Test images by group; few: rests on few lesions", head, rows)
