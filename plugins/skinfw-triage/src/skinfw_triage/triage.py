"""The report on triage: who decides, what it costs, and what is missed at most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Interval, Lt

from skinfw import (
    MALIGNANT,
    ClassName,
    Findings,
    Result,
    SkinfwError,
    write_csv,
    write_json,
)

if TYPE_CHECKING:
    from skinfw_triage.costs import Costs

Cost = Annotated[float, Interval(gt=0, le=1e9)]
Share = Annotated[float, Interval(ge=0, le=1)]
Chance = Annotated[float, Gt(0), Lt(1)]
KEY, TITLE = "triage", "Triage"
_ABSENT = (
    "There are no predictions of a validation part that were made alike and are apart from the "
    "images that are evaluated: what would be fitted on these says nothing about others."
)
_ONE_KIND = (
    "The validation part shows {malignant:,} malignant and {benign:,} benign lesions. Without both "
    "kinds nothing can be fitted."
)


@dataclass(frozen=True, kw_only=True)
class Triage:
    """Measure what it costs to let the network decide about a lesion, a reader, or both.

    Writes triage.json, triage_curve.csv and triage.png; where nothing can be fitted, only why.
    Each lesion gets one decision: to be dismissed, biopsied, or deferred to a reader, who then
    dismisses it or has it biopsied. Its chance of malignancy is the sum over the malignant classes,
    and the mean over its images. All rules are fitted on validation and measured on test. These are
    numbers for costs that you state, and no advice.

    missed: cost of a malignant lesion that is dismissed, in any unit.
    biopsy: cost of a benign lesion that is biopsied.
    referral: cost of each lesion that the reader looks at.
    prevalence: the share of lesions that is malignant where the network would be used.
    reader_sensitivity: the share of malignant lesions that the reader has biopsied.
    reader_specificity: the share of benign lesions that the reader dismisses.
    miss_rate: the share of malignant lesions that the network may dismiss alone.
    confidence: with which the second bound of that share holds; the first holds on average.
    malignant: the malignant classes; empty takes those of MEL, BCC, SCC, AK and AKIEC that the data
        set has, as the metric `malignancy` does.
    """

    missed: Cost
    biopsy: Cost
    referral: Annotated[float, Interval(ge=0, le=1e9)]
    prevalence: Chance
    reader_sensitivity: Share
    reader_specificity: Share
    miss_rate: Chance = 0.05
    confidence: Chance = 0.95
    malignant: tuple[ClassName, ...] = ()

    def analyse(self, result: Result) -> list[Findings]:
        """Return the rules with their numbers, the bounds, and the curve of costs."""
        from skinfw_triage import tables
        from skinfw_triage.lesions import lesions_of
        from skinfw_triage.study import Study

        names = self._malignant(result.classes)
        if "val" not in result.predictions:
            return [Findings(KEY, TITLE, [_ABSENT], data={"absent": _ABSENT})]
        val, test = (lesions_of(result.predictions[part], names) for part in ("val", "test"))
        if not all(val.counts.values()):
            absent = _ONE_KIND.format(**val.counts)
            return [Findings(KEY, TITLE, [absent], data={"absent": absent})]
        seed = result.seed if result.replicates else None
        study = Study(self.costs, self.miss_rate, self.confidence, val, test, seed)
        data = {
            "malignant": names,
            "marks": list(result.marks),
            **study.data({"recipe": self.prevalence, "validation": val.prevalence}),
        }
        shown = [
            tables.costs_table(data, "recipe"),
            tables.errors_table(data),
            tables.bounds_table(data),
            tables.curve_table(data),
            tables.costs_table(data, "validation"),
        ]
        files = {"triage_curve.csv": tables.curve_file(data)}
        return [Findings(KEY, TITLE, tables.about(data), shown, data, files)]

    def write(self, result: Result, folder: Path) -> None:
        """Write triage.json, triage_curve.csv and triage.png."""
        from skinfw_triage.figure import draw

        findings = result.section(KEY) or self.analyse(result)[0]
        write_json(folder / "triage.json", findings.data)
        for file, table in findings.files.items():
            write_csv(folder / file, table.head, table.rows)
        if "absent" not in findings.data:
            title = f"Cost of triage on the test lesions of {result.name}"
            draw(findings.data, title, folder / "triage.png")

    evaluate = write

    @property
    def costs(self) -> Costs:
        """The costs, with what the reader is worth."""
        from skinfw_triage.costs import Costs

        return Costs(
            self.missed,
            self.biopsy,
            self.referral,
            self.reader_sensitivity,
            self.reader_specificity,
        )

    def _malignant(self, classes: tuple[str, ...]) -> list[str]:
        """Return the malignant classes; there must be both kinds."""
        names = [name for name in self.malignant or MALIGNANT if name in classes]
        if not names or len(set(names)) == len(classes):
            kind = "benign" if names else "malignant"
            raise SkinfwError(
                f'the report "triage" knows no {kind} class among {", ".join(classes)}',
                why="it weighs malignant lesions against benign ones",
                cure='name the malignant ones, such as malignant = ["melanoma"]',
            )
        return list(dict.fromkeys(names))
