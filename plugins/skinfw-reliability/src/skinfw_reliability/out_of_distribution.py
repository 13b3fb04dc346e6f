"""The report on out-of-distribution images: how far each test image is from what was learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Interval

from skinfw import (
    UNKNOWN,
    Cell,
    Findings,
    FindingsTable,
    FittedCalibration,
    Result,
    SkinfwError,
    add_unknown_class,
    concatenate,
    select,
)
from skinfw_reliability.findings import estimate_cell, write_findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from skinfw import Features, Predictions

CURE = 'choose score = "one_minus_max" or "entropy"'
Score = Literal["one_minus_max", "entropy", "energy", "neighbour", "mahalanobis"]
Scores = dict[str, Any]
KEY, TITLE = "out-of-distribution", "Out of distribution"
_ABOUT = (
    "UNK is the answer to an image that looks like none of the classes. It is chosen by an "
    "out-of-distribution score beside those of the validation part, and costs some known images."
)


@dataclass(frozen=True, kw_only=True)
class OutOfDistribution:
    """Write out-of-distribution scores of each test image, and the nine columns of ISIC 2019.

    Writes out_of_distribution.csv, a row per test image; nine_classes.csv, the classes and UNK; and
    out_of_distribution.json, what UNK costs on the test images, all of which are known. Where
    `skinfw evaluate` looks at images of none of the classes, they stand in both tables, and
    out_of_distribution.json tells how well each score detects them.

    score: the one that becomes UNK.
    refused: the share of known images that may get a confidence above one half for UNK.
    features: whether features are looked at; energy, neighbour and mahalanobis need it. Every
        training image is then looked at once more.
    neighbour: which nearest training image counts.
    """

    score: Score = "one_minus_max"
    refused: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    features: bool = False
    neighbour: Annotated[int, Ge(1)] = 10

    def analyse(self, result: Result) -> list[Findings]:
        """Return the scores of each image, the nine columns, and what UNK costs and detects."""
        import numpy as np

        from skinfw_reliability.intervals import estimator
        from skinfw_reliability.nine_classes import (
            ChallengeAccuracy,
            Detection,
            unknown_confidence,
            with_unknown,
        )

        if "val" not in result.predictions:
            why = "There are no predictions of a validation part, by which scores are scaled."
            return [Findings(KEY, TITLE, [why], data={"absent": why})]
        parts = [part for part in ("test", "out_of_distribution") if part in result.predictions]
        known, scores, notes = self.scores(result, parts)
        if self.score not in scores:
            raise SkinfwError(
                f'the report "out-of-distribution" cannot make UNK of {self.score}',
                why=notes[0],
                cure=CURE,
            )
        unknown = {
            name: unknown_confidence(own, known[name], self.refused) for name, own in scores.items()
        }
        data: dict[str, Any] = {"score": self.score, "refused": self.refused}
        files = {}
        if UNKNOWN in result.classes:
            everyone = result.predictions["test"]
            notes.append("UNK is a class already: nine_classes.csv is left out")
        else:
            everyone = concatenate([add_unknown_class(result.predictions[part]) for part in parts])
            chances = with_unknown(everyone.probabilities[:, :-1], unknown[self.score])
            nine = replace(everyone, probabilities=chances)
            rows = zip(nine.ids, nine.probabilities.tolist(), strict=True)
            lines = [[name, *row] for name, row in rows]
            files["nine_classes.csv"] = FindingsTable("", ["image", *nine.classes], lines)
            estimate, test = estimator(result), result.predictions["test"]
            data |= {
                "without_unknown": estimate(ChallengeAccuracy(), test),
                "with_unknown": estimate(
                    ChallengeAccuracy(), select(nine, np.arange(len(test.ids)))
                ),
            }
            if "out_of_distribution" in parts:
                data["out_of_distribution"] = {
                    "images": len(nine.ids) - len(test.ids),
                    "with_unknown": estimate(ChallengeAccuracy(), nine),
                    "scores": {
                        name: estimate(Detection(own, unknown[name]), nine)
                        for name, own in scores.items()
                    },
                }
        files["out_of_distribution.csv"] = _scores_table(everyone, scores, unknown)
        data |= {"notes": notes, "marks": list(result.marks)}
        limit = float(np.quantile(known["one_minus_max"], 1 - self.refused))
        fitted = FittedCalibration(unknown=limit)
        return [Findings(KEY, TITLE, [_ABOUT], _tables(data), data, files, fitted)]

    def write(self, result: Result, folder: Path) -> None:
        """Write out_of_distribution.csv, nine_classes.csv and out_of_distribution.json."""
        findings = result.section(KEY) or self.analyse(result)[0]
        write_findings(findings, "out_of_distribution", folder)

    evaluate = write

    def scores(self, result: Result, parts: list[str]) -> tuple[Scores, Scores, list[str]]:
        """Return the scores of validation and of some parts, and why some scores are absent.

        parts: names of those parts, whose images follow each other in every score.
        """
        import numpy as np

        from skinfw_reliability.ood_scores import entropy, one_minus_max

        chances = {part: result.predictions[part].probabilities for part in ("val", *parts)}
        of = {
            part: {"one_minus_max": one_minus_max(own), "entropy": entropy(own)}
            for part, own in chances.items()
        }
        notes = []
        if not self.features:
            notes = ["energy, neighbour and mahalanobis need features = true"]
        elif result.features is None:
            notes = ["energy, neighbour and mahalanobis need the network, not predictions alone"]
        else:
            self._look(result.features, of)
        together = {name: np.concatenate([of[part][name] for part in parts]) for name in of["val"]}
        return of["val"], together, notes

    def _look(self, features: Callable[[str], Features], of: dict[str, Scores]) -> None:
        """Add what logits and features tell of each image of some parts."""
        from skinfw_reliability.ood_scores import energy, mahalanobis, neighbour

        known = features("train")
        for name, scores in of.items():
            part = features(name)
            scores["energy"] = energy(part.logits)
            scores["neighbour"] = neighbour(part.values, known.values, self.neighbour)
            scores["mahalanobis"] = mahalanobis(part.values, known.values, known.true)


def _scores_table(everyone: Predictions, scores: Scores, unknown: Scores) -> FindingsTable:
    """Return a row for each image: the classes, its scores, and its confidences of UNK."""
    classes = everyone.classes
    labels = zip(everyone.ids, everyone.true, everyone.predicted, strict=True)
    numbers = zip(*scores.values(), *unknown.values(), strict=True)
    rows = [
        [name, classes[true], classes[predicted], *map(float, own)]
        for (name, true, predicted), own in zip(labels, numbers, strict=True)
    ]
    header = ["id", "true", "predicted", *scores, *(f"unknown_{name}" for name in unknown)]
    return FindingsTable("", header, rows)


def _tables(data: dict[str, Any]) -> list[FindingsTable]:
    """Return what UNK costs, and where there are such images, how well they are detected."""
    tables = []
    if "without_unknown" in data:
        rows: list[list[Cell]] = [
            [
                name,
                estimate_cell(data[key]["balanced_accuracy"]),
                estimate_cell(data[key].get("predicted_unknown"))
                if key == "with_unknown"
                else "none",
            ]
            for name, key in (("without UNK", "without_unknown"), ("with UNK", "with_unknown"))
        ]
        caption = f"Known images, with UNK by {data['score'].replace('_', ' ')}"
        head = ["", "balanced accuracy of the challenge", "predicted UNK"]
        tables.append(FindingsTable(caption, head, rows))
    if ood := data.get("out_of_distribution"):
        keys = ("auroc", "ood_detected", "known_refused")
        rows = [
            [name.replace("_", " "), *(estimate_cell(one[key]) for key in keys)]
            for name, one in ood["scores"].items()
        ]
        whole = estimate_cell(ood["with_unknown"]["balanced_accuracy"])
        rows.append(["balanced accuracy of the challenge, UNK as a class", whole, "", ""])
        caption = f"{ood['images']:,} out-of-distribution images beside the known ones"
        head = ["score", "AUROC", "predicted UNK, out of distribution", "predicted UNK, known"]
        tables.append(FindingsTable(caption, head, rows))
    return tables
