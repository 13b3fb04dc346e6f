"""The report that measures explainers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Interval

from skinfw import (
    Estimate,
    Findings,
    Result,
    atomic_write,
    write_csv,
    write_json,
)
from skinfw_explain.scorecard.findings import BASELINES, FILE, KEY, TITLE, tell

if TYPE_CHECKING:
    from skinfw_explain.scorecard.measures import Measurements


@dataclass(frozen=True, kw_only=True)
class ExplanationScorecard:
    """Measure how good the maps of explainers are, beside a random map and a centred Gaussian.

    Test images are explained once more: as they are, moved, and by networks that forgot what they
    learned, and the network is asked about images whose pixels are taken away. It takes minutes
    where explainers are slow. Writes explanation_scorecard.json, explanation_scorecard.csv with
    every number and its 95 % interval over lesions, and explanation_scorecard.png.

    images: how many test images are explained, evenly over the classes.
    probed: how many of them are moved, lose pixels and are shown to networks that forgot, evenly
        over the classes; of the others only the place of the map is measured.
    methods: explainers by name, those of the recipe as it says them, others with their own
        defaults; empty takes those of the recipe.
    explains: the "predicted" or the "true" class.
    """

    images: Annotated[int, Interval(ge=1, le=10_000)] = 64
    probed: Annotated[int, Interval(ge=0, le=10_000)] = 64
    methods: tuple[str, ...] = ()
    explains: Literal["predicted", "true"] = "predicted"

    def __post_init__(self) -> None:
        """Refuse an explainer that is not there before hours of training."""
        if self.methods:
            from skinfw_explain.scorecard.explainers import build_explainers

            build_explainers(self.methods, f'methods of the report "{KEY}"')

    def analyse(self, result: Result) -> list[Findings]:
        """Return how good the maps are, by explainer and class."""
        from skinfw.toolkit import choose_images
        from skinfw_explain.scorecard.explainers import build_explainers
        from skinfw_explain.scorecard.figure import SHOWN, draw_maps
        from skinfw_explain.scorecard.measures import measure_explainers

        where = f'methods of the report "{KEY}"'
        own = dict(result.explainers)
        if self.methods:
            built = build_explainers([name for name in self.methods if name not in own], where)
            own = {name: own.get(name) or built[name] for name in self.methods}
        if result.inspect is None or not own:
            why = (
                "Explanations are measured with the network itself, not with predictions alone or "
                "several networks that answer together."
                if result.inspect is None
                else "The recipe names no explainer whose maps could be measured."
            )
            return [Findings(KEY, TITLE, [why], data={"absent": why})]
        rivals = build_explainers([name for name in BASELINES if name not in own], where)
        explainers = {**own, **rivals}
        test, look = result.predictions["test"], result.inspect
        places, probed = (
            choose_images(test, count, 0, result.seed)
            for count in (self.images, min(self.images, self.probed))
        )
        others = [place for place in places if place not in set(probed)]
        measured = measure_explainers(
            look("test", probed), look("test", others), explainers, self.explains
        )
        shown = places[:: max(1, len(places) // SHOWN)][:SHOWN]
        pictures = [draw_maps(batch, explainers) for batch in look("test", shown)]
        return [tell(measured, estimates(measured, result), self.explains, pictures)]

    def write(self, result: Result, folder: Path) -> None:
        """Write explanation_scorecard.json, .csv and .png."""
        findings = result.section(KEY) or self.analyse(result)[0]
        write_json(folder / f"{FILE}.json", findings.data)
        for name, table in findings.files.items():
            write_csv(folder / name, table.head, table.rows)
        for picture in findings.pictures:
            with atomic_write(folder / f"{FILE}.png") as partial:
                partial.write_bytes(picture.png)

    evaluate = write


def estimates(measured: Measurements, result: Result) -> dict[str, Estimate]:
    """Return the numbers with the intervals that the result's recipe wants."""
    from skinfw_explain.scorecard.numbers import Scores, score_estimates

    metric = Scores(measured.values)
    return score_estimates(metric, measured.predictions, result.replicates, result.seed)
