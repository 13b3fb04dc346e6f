"""What the page of a league tells: rankings, critical differences, averages, costs, protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skinfw import Estimate, Findings, FindingsPicture, FindingsTable
from skinfw_league.diagram import draw_ranking
from skinfw_league.folder import League, Row
from skinfw_league.protocol import AXES
from skinfw_league.ranking import ROWS, Ranking, SetRanking, label
from skinfw_league.statistics import FEWEST_SETS
from skinfw_league.tables import Cost

_MOST_PAIRS = 60


def league_findings(
    league: League, ranking: Ranking, costs: Mapping[tuple[str, ...], Cost], rows: Sequence[Row]
) -> list[Findings]:
    """Return the sections of the page."""
    return [
        _reading(league, ranking),
        *(_set_section(place, own, ranking) for place, own in enumerate(ranking.sets)),
        *_averages(ranking),
        _over_sets(ranking),
        _costs(costs),
        _protocol(league, rows),
    ]


def words(name: str) -> str:
    """Return the name of a number as a reader wants it."""
    return name.replace("_", " ")


def _reading(league: League, ranking: Ranking) -> Findings:
    """Say what the numbers are about."""
    seeds = league.shared["seeds"]
    over = f"the mean of {seeds} trainings" if seeds > 1 else "of one training"
    best = "smallest" if ranking.smallest else "largest"
    text = [
        f"All recipes share one protocol and differ in {', '.join(AXES[:-1])} and {AXES[-1]} "
        f"alone. They are ranked by {words(ranking.number)} on the test part, {over}; the {best} "
        "is best.",
        "95 % intervals are over lesions and seeds together: other lesions like these, and other "
        "trainings. They speak of no other clinic, camera or division."
        if seeds > 1
        else "95 % intervals are over lesions alone: one training does not tell what another one "
        "would give.",
        "Two recipes differ where chance makes so large a difference in fewer than 5 of 100 "
        "leagues, with all pairs of the table together (Holm): other lesions and other seeds are "
        "the chance. What is not shown to differ is not shown to be alike.",
        "Recipes were chosen by nobody but the protocol. Whoever takes the first of many as the "
        "best takes the luckiest, too: its number is too good, and the more so the more there are.",
    ]
    notes = [f"Note: {note}." for note in ranking.notes]
    return Findings("reading", "How to read it", [*text, *notes])


def _set_section(place: int, own: SetRanking, ranking: Ranking) -> Findings:
    """Return the ranking on one data set."""
    head = ["rank", *AXES[1:], words(ranking.number), "between seeds", "differs from the first"]
    rows = [
        [str(at + 1), *one.names[1:],
         Estimate(one.number.mean, *one.number.interval), one.number.deviation,
         "not shown" if own.like_first[at] else "shown"]
        for at, one in enumerate(own.entries)
    ]  # fmt: skip
    table = FindingsTable(f"Recipes on {own.name}, the best first", head, rows)
    pairs = [pair for pair in own.pairs if pair.of == ROWS]
    apart = sum(pair.apart for pair in pairs)
    text = [
        f"{len(own.entries)} recipes on {own.images:,} images of {own.lesions:,} lesions. "
        f"{apart} of {len(pairs)} pairs differ; pairs.csv has all of them."
    ]
    picture = FindingsPicture(
        "Each recipe with its 95 % interval. A bar at the right joins recipes that are not shown "
        "to differ.",
        _alt(own, ranking),
        draw_ranking(own, ranking.number),
    )
    key = f"set{place}"
    return Findings(key, own.name, text, [table], pictures=[picture])


def _alt(own: SetRanking, ranking: Ranking) -> str:
    said = ", ".join(f"{label(one.names)} {one.number.mean:.3f}" for one in own.entries)
    groups = "; ".join(f"{first + 1} to {last + 1}" for first, last in own.groups)
    return (
        f"{words(ranking.number)} of recipes on {own.name}: {said}. Ranks not shown to differ: "
        f"{groups or 'none'}."
    )


def _averages(ranking: Ranking) -> Iterator[Findings]:
    """Yield what each table does on average, where there is any choice."""
    tables = []
    for own in ranking.sets:
        for axis in dict.fromkeys(level.axis for level in own.levels):
            rows: list[Sequence[Any]] = [
                [level.name, Estimate(level.effect.mean, level.effect.low, level.effect.high)]
                for level in own.levels
                if level.axis == axis
            ]
            head = [axis, words(ranking.number)]
            caption = f"{axis} on {own.name}, the mean of its recipes"
            tables.append(FindingsTable(caption, head, rows))
            pairs = [pair for pair in own.pairs if pair.of == axis]
            tables.append(_pair_table(f"Pairs of {axis} on {own.name}", pairs))
    if tables:
        text = [
            "The mean over all recipes with a table, where each of the others has the same "
            "recipes. Differences are corrected for all pairs of a table (Holm)."
        ]
        yield Findings("averages", "Averages", text, tables)


def _pair_table(caption: str, pairs: Sequence[Any]) -> FindingsTable:
    shown = sorted(pairs, key=lambda pair: (pair.p_holm, pair.first, pair.second))[:_MOST_PAIRS]
    rest = f"; {len(pairs) - len(shown)} more are in pairs.csv" if len(pairs) > len(shown) else ""
    rows = [
        [f"{pair.first} - {pair.second}",
         Estimate(pair.effect.mean, pair.effect.low, pair.effect.high),
         "" if pair.p_holm != pair.p_holm else f"{pair.p_holm:.3g}",
         "differ" if pair.apart else "not shown"]
        for pair in shown
    ]  # fmt: skip
    return FindingsTable(caption + rest, ["pair", "difference", "p, corrected", ""], rows)


def _over_sets(ranking: Ranking) -> Findings:
    """Return the mean ranks over data sets, or why there are none."""
    title, test = "Over data sets", ranking.over_sets
    if test is None:
        why = (
            f"Ranks over data sets are tested from {FEWEST_SETS} on that share two recipes or "
            f"more; this league has {len(ranking.sets)}."
        )
        return Findings("over-sets", title, [why])
    order = sorted(range(len(test.ranks)), key=lambda place: float(test.ranks[place]))
    best = float(test.ranks[order[0]])
    rows = [
        [ranking.recipes[place], f"{test.ranks[place]:.2f}",
         "not shown" if test.ranks[place] - best < test.critical else "shown"]
        for place in order
    ]  # fmt: skip
    table = FindingsTable("Mean ranks", ["recipe", "mean rank", "differs from the first"], rows)
    friedman = "" if test.p != test.p else f"Friedman's test that all are alike: p {test.p:.3g}. "
    text = [
        f"Ranks on {len(ranking.sets)} data sets, each of which counts once. {friedman}"
        f"Two recipes differ where their mean ranks are {test.critical:.2f} apart (Nemenyi, 5 %; "
        "Demšar 2006). With few data sets that is seldom reached."
    ]
    return Findings("over-sets", title, text, [table])


def _costs(costs: Mapping[tuple[str, ...], Cost]) -> Findings:
    """Return what each recipe took."""
    rows = [
        [label(names), names[0], f"{cost.minutes:.2f}", f"{cost.parameters:,}",
         "" if cost.watt_hours is None else f"{cost.watt_hours:.3f}", cost.hardware]
        for names, cost in sorted(costs.items(), key=lambda one: (one[1].minutes, one[0]))
    ]  # fmt: skip
    head = ["recipe", "data set", "minutes", "parameters", "watt hours", "on"]
    text = [
        "Minutes of a whole run, from reading the data to the last answer, the mean over seeds. "
        "Features of a frozen network are computed by the first run that needs them, and cost the "
        "others nothing."
    ]
    if any(cost.watt_hours is None for cost in costs.values()):
        text.append(
            "Energy is absent where it was not measured: the processor's counters (RAPL) could not "
            "be read, or a launcher carried the run out."
        )
    else:
        text.append("Watt hours are of the whole processor, whatever else it did meanwhile.")
    return Findings("costs", "Costs", text, [FindingsTable("What a run takes", head, rows)])


def _protocol(league: League, rows: Sequence[Row]) -> Findings:
    """Return what is equal for all recipes, and what the names mean."""
    meanings: dict[tuple[str, str], Any] = {}
    for row in rows:
        for kind, name in zip(AXES, row.names, strict=True):
            meanings[kind, name] = row.record["tables"][kind]
    names = [[name, kind, _said(table)] for (kind, name), table in sorted(meanings.items())]
    shared = [["checksum", league.digest]]
    shared += [[name, _said(table)] for name, table in league.shared["recipe"].items() if table]
    text = [
        f"Seeds for each recipe: {league.shared['seeds']}. Rows of another protocol cannot be "
        "merged with these."
    ]
    tables = [
        FindingsTable("What the names mean", ["name", "kind", "settings"], names),
        FindingsTable("What all recipes share", ["table", "settings"], shared),
    ]
    return Findings("protocol", "Protocol", text, tables)


def _said(table: Any) -> str:
    """Return a table, or several, as a reader wants them."""
    if isinstance(table, list):
        return "; ".join(map(_said, table))
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
