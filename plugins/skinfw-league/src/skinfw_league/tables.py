"""The files of a league: its ranking in tables that are the same each time, and its costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinfw import write_csv
from skinfw.toolkit import number_cell
from skinfw_league.folder import Row
from skinfw_league.protocol import AXES
from skinfw_league.ranking import Ranking

TABLE, PAIRS, LEVELS, COSTS = "league.csv", "pairs.csv", "levels.csv", "costs.csv"


@dataclass(frozen=True)
class Cost:
    """Hold what a recipe took, the mean over its seeds.

    minutes: of a whole run.
    parameters: of its network.
    watt_hours: of the processor; None where it was not measured.
    hardware: what it computed on.
    """

    minutes: float
    parameters: int
    watt_hours: float | None
    hardware: str


def costs_of(rows: Sequence[Row]) -> dict[tuple[str, ...], Cost]:
    """Return what each recipe took, by its names."""
    records: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        records.setdefault(row.names, []).append(row.cost())
    costs = {}
    for names, own in records.items():
        joules = [one["joules"] for one in own]
        measured = [value for value in joules if value is not None]
        costs[names] = Cost(
            statistics.mean(sum(one["timings"].values()) for one in own) / 60,
            own[0]["parameters"],
            statistics.mean(measured) / 3600 if len(measured) == len(own) else None,
            ", ".join(sorted({one["hardware"] for one in own})),
        )
    return costs


def write_tables(folder: Path, ranking: Ranking, costs: Mapping[tuple[str, ...], Cost]) -> None:
    """Write the tables of a league; times stand in costs.csv alone.

    folder: of the league.
    """
    seeds = max((len(one.number.values) for own in ranking.sets for one in own.entries), default=0)
    head = ["dataset", "rank", *AXES[1:], ranking.number, "low", "high", "deviation", "differs"]
    rows: list[list[Any]] = []
    for own in ranking.sets:
        for place, one in enumerate(own.entries):
            number = one.number
            numbers = [number.mean, *number.interval, number.deviation]
            differs = "not shown" if own.like_first[place] else "shown"
            values = map(number_cell, number.values)
            rows.append(
                [own.name, place + 1, *one.names[1:], *map(number_cell, numbers), differs, *values]
            )
    write_csv(folder / TABLE, [*head, *(f"seed_{n}" for n in range(1, seeds + 1))], rows)
    write_csv(
        folder / PAIRS,
        ["dataset", "of", "first", "second", "difference", "low", "high", "p", "p_holm"],
        (
            [own.name, pair.of, pair.first, pair.second, *map(number_cell, _effect(pair.effect)),
             _chance(pair.effect.p), _chance(pair.p_holm)]
            for own in ranking.sets
            for pair in own.pairs
        ),
    )  # fmt: skip
    write_csv(
        folder / LEVELS,
        ["dataset", "axis", "name", ranking.number, "low", "high"],
        (
            [own.name, level.axis, level.name, *map(number_cell, _effect(level.effect))]
            for own in ranking.sets
            for level in own.levels
        ),
    )
    write_csv(
        folder / COSTS,
        [*AXES, "minutes", "parameters", "watt_hours", "hardware"],
        (
            [*names, f"{cost.minutes:.3f}", cost.parameters,
             "" if cost.watt_hours is None else f"{cost.watt_hours:.3f}", cost.hardware]
            for names, cost in sorted(costs.items())
        ),
    )  # fmt: skip


def _effect(effect: Any) -> tuple[float, float, float]:
    return effect.mean, effect.low, effect.high


def _chance(value: float) -> str:
    return "" if value != value else f"{value:.3g}"
