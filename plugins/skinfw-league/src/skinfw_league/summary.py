"""From the folder of a league to its tables and its page, whoever made its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import (
    FindingsReport,
    PlannedComponent,
    TrainedModel,
    build_components,
    display_path,
)
from skinfw_league.folder import League, read_rows
from skinfw_league.identity import DIGEST
from skinfw_league.page import league_findings, words
from skinfw_league.ranking import Ranking, rank
from skinfw_league.tables import costs_of, write_tables

PAGE = "league"
_SHOWN = 12


@dataclass(frozen=True)
class Tools:
    """Hold what a league is measured and shown by.

    metrics: returns the metrics for some classes, checked but not built.
    reports: checked but not built.
    """

    metrics: Callable[[Sequence[str]], Sequence[PlannedComponent[Any]]]
    reports: Sequence[PlannedComponent[Any]]


def recorded_tools(league: League, trust: bool) -> Tools:
    """Return what the folder of a league names.

    trust: whether Python files that it names may be imported unseen. They lie in the current
        folder, with the bytes that they had.
    """
    recorded = {"metric": league.shared["recipe"]["metric"], "report": league.reports}

    def components(kind: str, classes: Sequence[str]) -> Sequence[PlannedComponent[Any]]:
        tables = {kind: [_without_digest(table) for table in recorded[kind]]}
        model = TrainedModel(league.path, tuple(classes), tables, (), trust=trust)
        own = model.components(kind)
        for component, table in zip(own, recorded[kind], strict=True):
            _check_bytes(component, table, league)
        return own

    return Tools(lambda classes: components("metric", classes), components("report", ()))


def _without_digest(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != DIGEST}


def _check_bytes(
    component: PlannedComponent[Any], table: Mapping[str, Any], league: League
) -> None:
    """Refuse a Python file that measures or shows something else than it did."""
    file = component.entry.file
    if file and component.record()[DIGEST] != table.get(DIGEST):
        raise SkinfwError(
            f"{file.name} is not that of the league",
            display_path(file),
            f"its checksum is not the one in {display_path(league.path)}",
            "put the file that the league was made with into this folder",
        )


def summarize(league: League, tools: Tools, say: Callable[[str], None]) -> Ranking | None:
    """Write the tables and the page of a league, and tell of them.

    Returns None where no recipe has all of its seeds.
    """
    rows = read_rows(league)
    ranking = rank(league, rows, lambda classes: build_components(tools.metrics(classes), classes))
    if not ranking.sets:
        return None
    whole = {(own.name, *one.names[1:]) for own in ranking.sets for one in own.entries}
    rows = [row for row in rows if row.names in whole]
    costs = costs_of(rows)
    write_tables(league.path, ranking, costs)
    findings = league_findings(league, ranking, costs, rows)
    for component, report in build_components(tools.reports, ()):
        if isinstance(report, FindingsReport):
            with component.guard():
                report.present(f"League: {league.name}", findings, league.path / PAGE)
    for line in _lines(ranking):
        say(line)
    return ranking


def written(league: League) -> list[Path]:
    """Return the files of the summary."""
    return sorted(path for path in league.path.iterdir() if path.suffix in (".csv", ".html"))


def _lines(ranking: Ranking) -> list[str]:
    lines = []
    for own in ranking.sets:
        number = words(ranking.number)
        lines.append(f"{own.name}: {number}, 95 % interval, on {own.lesions:,} lesions")
        width = max(len(" ".join(one.names[1:])) for one in own.entries)
        for place, one in enumerate(own.entries[:_SHOWN]):
            low, high = one.number.interval
            ends = "no interval" if low != low else f"{low:.3f} to {high:.3f}"
            mark = "" if own.like_first[place] else "  differs from the first"
            name = " ".join(one.names[1:])
            lines.append(f"  {place + 1:2}  {name:{width}}  {one.number.mean:.3f}  ({ends}){mark}")
        if len(own.entries) > _SHOWN:
            lines.append(f"  and {len(own.entries) - _SHOWN} more, in league.csv")
    return [*lines, *(f"note: {note}" for note in ranking.notes)]
