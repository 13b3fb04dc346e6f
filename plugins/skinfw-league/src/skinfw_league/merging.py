"""Several leagues of one protocol as one: every trial once, whoever carried it out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from skinfw import RecipeError, write_json
from skinfw.toolkit import display_path, lock_folder, unwritable
from skinfw_league.folder import (
    ANSWERS,
    COST,
    FILE,
    LESIONS,
    ROW,
    League,
    Row,
    create_league,
    open_league,
    read_rows,
    refuse_other_protocol,
)
from skinfw_league.ranking import check_rows


def merge_leagues(folders: Sequence[Path], out: Path, say: Callable[[str], None]) -> League:
    """Put the rows of several leagues into one folder, which others can go on with.

    A trial that several leagues have stands once. Where its answers differ, as between
    processors, those with the smaller checksum stand, so that the order of the folders decides
    nothing.

    folders: of leagues; none of them is changed.
    out: a new folder, or a league of the same protocol, whose rows count, too.
    Raises SkinfwError where protocols, data or the meaning of a name differ; nothing is written
    then.
    """
    if len(folders) < 2:
        raise RecipeError("one league cannot be merged", cure="name two folders or more")
    before = [out] if (out / FILE).is_file() else []
    leagues = [open_league(folder) for folder in (*folders, *before)]
    first = leagues[0]
    for other in leagues[1:]:
        where = display_path(first.path)
        refuse_other_protocol(first.shared, other.shared, where, display_path(other.path))
    chosen, twice, differing = dict[str, Row](), 0, 0
    for league in leagues:
        for row in read_rows(league):
            row.predictions()  # what was damaged on its way is not merged
            known = chosen.get(row.key)
            twice += known is not None
            if known and known.record["answers"] != row.record["answers"]:
                differing += 1
            if not known or row.record["answers"] < known.record["answers"]:
                chosen[row.key] = row
    check_rows(list(chosen.values()))
    merged = create_league(out, first.name, first.shared, first.reports)
    with lock_folder(merged.path):  # a command may be at work there
        for row in chosen.values():
            _copy(row, merged)
    say(f"{len(chosen)} trials of {len(folders)} leagues, {twice} of them in several")
    if differing:
        say(f"note: {differing} of these were answered otherwise, as between two processors")
    return merged


def _copy(row: Row, league: League) -> None:
    """Copy a row, its row.json last, unless it stands there already."""
    target = league.row_path(row.key)
    if row.path.resolve() == target.resolve():
        return
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / ROW).unlink(missing_ok=True)
        for name in (ANSWERS, LESIONS, COST):
            shutil.copyfile(row.path / name, target / name)
    except OSError as error:
        raise unwritable(target, error) from error
    write_json(target / ROW, row.record)
