"""From the rows of a league to its numbers: each recipe, pairs of recipes, and each table alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from skinfw import Metric, Predictions, SeedNumber, SkinfwError, confidence_intervals
from skinfw.toolkit import (
    Metrics,
    applicable_metrics,
    combine_seeds,
    natural_range,
    range_of_difference,
    resample_together,
    shared_lesions,
)
from skinfw_league.folder import League, Row
from skinfw_league.protocol import AXES
from skinfw_league.statistics import (
    FEWEST_SETS,
    Effect,
    RankTest,
    cliques,
    holm,
    rank_over_sets,
    two_way_effect,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MetricsOf = Callable[[Sequence[str]], Metrics]

SURE = 0.05
ROWS = "recipes"
"""What pairs are of, beside axes."""


@dataclass(frozen=True)
class Entry:
    """Hold one recipe on one data set, over its seeds.

    names: of its tables, in the order of `AXES`.
    number: the ranking number with its interval over lesions and seeds.
    draws: [S, R], with the same lesions drawn again for all entries of a data set.
    """

    names: tuple[str, ...]
    number: SeedNumber
    draws: Floats = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """Hold how far two of a kind are apart, the first less the second.

    of: `ROWS`, or the axis.
    p_holm: its p-value, corrected for all pairs of the kind on this data set.
    """

    of: str
    first: str
    second: str
    effect: Effect
    p_holm: float

    @property
    def apart(self) -> bool:
        """Whether the difference is one, at 5 % over all pairs together."""
        return self.p_holm < SURE


@dataclass(frozen=True)
class Level:
    """Hold what one table of an axis does on average over all others.

    effect: of the mean number; its p-value means nothing.
    """

    axis: str
    name: str
    effect: Effect


@dataclass(frozen=True)
class SetRanking:
    """Hold the ranking on one data set.

    entries: the best first.
    pairs: of entries, and of the tables of each axis.
    levels: of axes with several tables, the best of each axis first.
    groups: first and last place of neighbours of which no two differ.
    like_first: of each entry, whether it is not shown to differ from the first.
    images, lesions: of the test part of the first seed.
    """

    name: str
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    levels: tuple[Level, ...]
    groups: tuple[tuple[int, int], ...]
    like_first: tuple[bool, ...]
    images: int
    lesions: int


@dataclass(frozen=True)
class Ranking:
    """Hold all that a league has found.

    number: by which it ranks.
    smallest: whether the smallest is best.
    sets: the ranking on each data set.
    recipes: those that all data sets have, in the order of `over_sets`.
    over_sets: their ranks over data sets; None for fewer than three.
    notes: what a reader must know.
    """

    number: str
    smallest: bool
    sets: tuple[SetRanking, ...]
    recipes: tuple[str, ...]
    over_sets: RankTest | None
    notes: tuple[str, ...]


def label(names: Sequence[str]) -> str:
    """Return what a recipe is called, without its data set."""
    return " · ".join(names[1:])


def rank(league: League, rows: Sequence[Row], metrics_of: MetricsOf) -> Ranking:
    """Measure and rank all recipes whose seeds are done.

    metrics_of: returns the metrics for some classes.
    Raises SkinfwError where the rows are of other data or divisions, or lack the number.
    """
    check_rows(rows)
    seeds, number = league.shared["seeds"], league.shared["number"]
    replicates = league.shared["recipe"]["evaluate"]["replicates"]
    cells: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        cells.setdefault(row.names, []).append(row)
    whole = {names: own for names, own in cells.items() if len(own) == seeds}
    notes = list(dict.fromkeys(mark for row in rows for mark in row.record["marks"]))
    if absent := len(cells) - len(whole):
        notes.append(f"left out, for not all of their seeds are done: {absent} of {len(cells)}")
    sets, smallest = [], False
    for name in dict.fromkeys(names[0] for names in whole):
        own = {names: some for names, some in whole.items() if names[0] == name}
        ranking, smallest = _rank_set(name, own, metrics_of, number, replicates)
        sets.append(ranking)
    recipes, over_sets = _over_sets(sets, smallest)
    return Ranking(number, smallest, tuple(sets), recipes, over_sets, tuple(notes))


def check_rows(rows: Sequence[Row]) -> None:
    """Raise SkinfwError where one name means two things, or one data set was two."""
    known: dict[tuple[str, ...], tuple[object, Row]] = {}
    for row in rows:
        record, dataset = row.record, row.names[0]
        facts: list[tuple[tuple[str, ...], object, str]] = [
            ((kind, name), record["tables"][kind], f'the {kind} "{name}" means two things')
            for kind, name in zip(AXES, row.names, strict=True)
        ]
        seed = str(record["seed"])
        data = f'the data set "{dataset}" is not the same in all rows'
        facts.append((("data", dataset), record["data_fingerprint"], data))
        split = f'the data set "{dataset}" is divided in two ways for seed {seed}'
        facts.append((("split", dataset, seed), record["split_hash"], split))
        facts.append((("lesions", dataset, seed), record["lesions"], split))
        facts.append((("name", record["data_fingerprint"]), dataset, "a data set has two names"))
        for key, fact, what in facts:
            before, other = known.setdefault(key, (fact, row))
            if before != fact:
                why = f"rows {other.key} and {row.key}: {_short(before)} and {_short(fact)}"
                cure = "rename one of them in its protocol, or restore the data"
                raise SkinfwError(what, str(row.path), why, cure)


def _short(fact: object) -> str:
    text = str(fact)
    return text if len(text) <= 80 else f"{text[:80]} ..."


def _rank_set(
    name: str,
    cells: Mapping[tuple[str, ...], list[Row]],
    metrics_of: MetricsOf,
    number: str,
    replicates: int,
) -> tuple[SetRanking, bool]:
    """Rank what is whole on one data set, and tell whether the smallest is best."""
    answers = {
        names: [row.predictions() for row in sorted(own, key=lambda row: row.record["seed"])]
        for names, own in cells.items()
    }
    first = next(iter(answers.values()))[0]
    metric, smallest = _metric_of(metrics_of(first.classes), first, number)
    entries = [_entry(metric, number, names, own, replicates) for names, own in answers.items()]
    sign = 1 if smallest else -1
    entries.sort(key=lambda one: (_worth(sign * one.number.mean), one.names))
    labels = [label(one.names) for one in entries]
    pairs = _pairs(ROWS, labels, [(np.array(one.number.values), one.draws) for one in entries])
    levels, more = _levels(entries, sign)
    apart = np.zeros((len(entries), len(entries)), bool)
    for pair in pairs:
        one, other = labels.index(pair.first), labels.index(pair.second)
        apart[one, other] = apart[other, one] = pair.apart
    ranking = SetRanking(
        name,
        tuple(entries),
        (*pairs, *more),
        tuple(levels),
        tuple(cliques(apart)),
        tuple(not differs for differs in apart[0].tolist()),
        len(first.ids),
        len(set(first.lesions)),
    )
    return ranking, smallest


def _worth(mean: float) -> float:
    """Return what entries are sorted by; those without a number come last."""
    return math.inf if math.isnan(mean) else mean


def _metric_of(metrics: Metrics, answers: Predictions, number: str) -> tuple[Metric, bool]:
    """Return the metric that measures a number, and whether it is better small."""
    metrics, _ = applicable_metrics(metrics, answers)
    for _, metric in metrics:
        if number in metric(answers):
            return metric, number in getattr(metric, "smaller_is_better", ())
    raise SkinfwError(
        f'no metric of the league measures "{number}"', cure="restore league.json, or start anew"
    )


def _entry(
    metric: Metric,
    number: str,
    names: tuple[str, ...],
    answers: Sequence[Predictions],
    replicates: int,
) -> Entry:
    """Measure one recipe on one data set."""
    values = [float(metric(own)[number]) for own in answers]
    bounds = [confidence_intervals(metric, own, replicates)[number] for own in answers]
    drawn = resample_together(metric, answers, replicates, 0)
    draws = np.array([own[number] for own in drawn])
    if len(answers) > 1:
        shared, limits = shared_lesions(answers), natural_range(draws)
        return Entry(names, combine_seeds(values, bounds, draws, shared, limits), draws)
    alone = SeedNumber((values[0],), values[0], math.nan, bounds[0])
    return Entry(names, alone, draws)


def _pairs(of: str, names: Sequence[str], numbers: Sequence[tuple[Floats, Floats]]) -> list[Pair]:
    """Compare all pairs of a kind, and correct for their number.

    numbers: the values [S] and draws [S, R] of each.
    """
    pairs = []
    for (one, ones), (other, others) in itertools.combinations(zip(names, numbers, strict=True), 2):
        limits = range_of_difference(natural_range(ones[1]), natural_range(others[1]))
        effect = two_way_effect(ones[0] - others[0], ones[1] - others[1], limits)
        pairs.append(Pair(of, one, other, effect, math.nan))
    corrected = holm([pair.effect.p for pair in pairs])
    return [replace(pair, p_holm=p) for pair, p in zip(pairs, corrected, strict=True)]


def _levels(entries: Sequence[Entry], sign: int) -> tuple[list[Level], list[Pair]]:
    """Return what each table of an axis does on average, where every other recipe has it."""
    levels, pairs = list[Level](), list[Pair]()
    for place, axis in enumerate(AXES[1:], 1):
        groups: dict[str, dict[tuple[str, ...], Entry]] = {}
        for one in entries:
            others = (*one.names[:place], *one.names[place + 1 :])
            groups.setdefault(one.names[place], {})[others] = one
        shared = set.intersection(*(set(own) for own in groups.values()))
        if len(groups) < 2 or not shared:
            continue
        means = []
        for name, own in groups.items():
            some = [own[others] for others in sorted(shared)]
            values = np.mean([one.number.values for one in some], axis=0)
            draws = np.mean([one.draws for one in some], axis=0)
            effect = two_way_effect(values, draws, natural_range(draws))
            means.append((Level(axis, name, effect), (values, draws)))
        means.sort(key=lambda one: (sign * one[0].effect.mean, one[0].name))
        levels += [level for level, _ in means]
        pairs += _pairs(axis, [level.name for level, _ in means], [own for _, own in means])
    return levels, pairs


def _over_sets(
    sets: Sequence[SetRanking], smallest: bool
) -> tuple[tuple[str, ...], RankTest | None]:
    """Rank the recipes that all data sets have, where these are three or more."""
    numbers = [{label(one.names): one.number.mean for one in own.entries} for own in sets]
    first = numbers[0] if numbers else {}
    shared = [name for name in first if all(name in own for own in numbers)]
    if len(sets) < FEWEST_SETS or len(shared) < 2:
        return tuple(shared), None
    values = np.array([[own[name] for name in shared] for own in numbers])
    return tuple(shared), rank_over_sets(-values if smallest else values)
