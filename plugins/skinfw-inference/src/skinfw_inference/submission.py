"""Submissions to the ISIC challenges, checked as the official scorer would."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from skinfw import SkinfwError, line_error
from skinfw.toolkit import csv_rows, find_images, image_ids, probability
from skinfw_inference.challenges import CHALLENGES, IMAGE, Challenge

_BLANK = re.compile(r"[ \t]")
_WHOLE = re.compile(r"[0-9]+")
_FIRST = 2000  # characters in which the official scorer looks for two ends of lines


def check_submission(file: Path, challenge: Challenge, ids: Collection[str] | None) -> int:
    """Check a submission to an ISIC challenge; return how many images it has.

    Columns and rows may be in any order, and values need not sum to one.

    ids: the images that must be there, and no others; None checks no more than that none is there
        twice. ".jpg" behind a name is dropped.
    Raises SkinfwError with file and line where isic-challenge-scoring 5.6.0 would refuse it, and
    where it would read a value otherwise than a person does.
    """
    lines = csv_rows(file, challenge.header)
    _, header = next(lines)
    if more := sorted({*header} - {*challenge.header}):
        raise line_error(
            file,
            1,
            f"{challenge.name} has no column {', '.join(more)}",
            f"it takes {', '.join(challenge.header)}",
        )
    wanted = None if ids is None else set(ids)
    places: dict[str, int] = {}
    whole = dict.fromkeys(challenge.columns, True)
    for line, cells in lines:
        row = dict(zip(header, cells, strict=True))
        name = re.sub(r"\.jpg$", "", row[IMAGE], flags=re.IGNORECASE)
        _check_name(file, line, name, places, wanted)
        for column in challenge.columns:
            probability(file, line, row[column], column)
            whole[column] &= bool(_WHOLE.fullmatch(row[column]))
    if not places:
        raise line_error(file, 1, "there is a header and no row")
    _check_text(file)
    if integers := [column for column, only in whole.items() if only]:
        raise line_error(
            file,
            2,
            f"all values of {', '.join(integers)} are whole numbers",
            "the official scorer refuses a column without a decimal point",
            "write 0.0 and 1.0 for 0 and 1",
        )
    if absent := [name for name in ids or () if name not in places]:
        some = ", ".join(absent[:3]) + (" ..." if len(absent) > 3 else "")
        what = f"{len(absent):,} of {len(wanted or ()):,} images are absent"
        raise line_error(file, 1, what, some, "predict these images, too")
    return len(places)


def _check_name(
    file: Path, line: int, name: str, places: dict[str, int], wanted: Collection[str] | None
) -> None:
    """Refuse an image that is nameless, there twice or not asked for; keep its line."""
    if not name:
        raise line_error(file, line, "the row names no image")
    if name in places:
        where = f"the first time in line {places[name]}"
        raise line_error(file, line, f'the image "{name}" is there twice', where)
    if wanted is not None and name not in wanted:
        what = f'the image "{name}" is none of the {len(wanted):,} asked for'
        raise line_error(file, line, what, cure="take the row out, or name the right images")
    places[name] = line


def _check_text(file: Path) -> None:
    """Refuse what `csv_rows` reads as a person does and the official scorer takes to the letter."""
    text = file.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    for place, line in enumerate(lines, 1):
        if _BLANK.search(line):
            what = "there is a blank in the line"
            raise line_error(file, place, what, "the official scorer takes it for a letter")
        cells = line.replace('"', "").split(",")
        if line and (not cells[-1] or (place == 1 and "" in cells)):
            what = "there is a cell without a column"
            why = "the official scorer takes a comma too many for a column more"
            raise line_error(file, place, what, why)
    if text[:_FIRST].count("\n") < 2:
        why = "the official scorer looks for two line ends, and takes this for no CSV"
        raise line_error(file, len(lines), "the line does not end", why, "end it")


def read_challenge(file: Path, name: str | None) -> Challenge:
    """Return the challenge that a submission is for.

    name: of the challenge; told by the columns unless given.
    Raises SkinfwError where the columns are those of none.
    """
    if name:
        return next(one for one in CHALLENGES if one.name == name)
    _, header = next(csv_rows(file))
    for challenge in CHALLENGES:
        if {*header} == {*challenge.header}:
            return challenge
    lacking = [
        f"{one.name} also takes {', '.join(lack)}"
        for one in CHALLENGES
        if (lack := [column for column in one.header if column not in header])
    ]
    raise line_error(
        file,
        1,
        f"{','.join(header)[:160]} are the columns of no challenge",
        "; ".join(lacking),
        "name the challenge with --challenge to hear what is wrong",
    )


def wanted_images(place: Path) -> list[str]:
    """Return the ids of the images that a challenge asks for.

    place: its ground truth or another table with the column image, or image_id as in 2017; or a
        folder of its images.
    """
    if place.is_dir():
        return image_ids(find_images([str(place)]))
    lines = csv_rows(place)
    _, header = next(lines)
    column = next((name for name in (IMAGE, "image_id") if name in header), None)
    if column is None:
        raise line_error(place, 1, "the header lacks image", f"it is {','.join(header)[:160]}")
    ids = [cells[header.index(column)] for _, cells in lines]
    if not ids:
        raise SkinfwError("there is no image", f"{place}:1", "the table has a header and no row")
    return ids
