"""The report on the unknown: how strange each test image is to the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Interval

from skinfw import UNKNOWN, Result, SkinfwError, chained

if TYPE_CHECKING:
    from collections.abc import Callable

    from skinfw import Features, Predictions
    from skinfw_reliability.intervals import Estimate

CURE = 'choose score = "one_minus_max" or "entropy"'
Score = Literal["one_minus_max", "entropy", "energy", "neighbour", "mahalanobis"]
Scores = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Write how strange each test image is, and nine columns as ISIC 2019 wants them.

    Writes unknown.csv, a row per test image; nine_classes.csv, the classes and UNK; and
    unknown.json, what UNK costs on the test images, all of which are known. Where `skinfw evaluate`
    has judged images of none of the classes, they stand in both tables, and unknown.json tells how
    well each score finds them.

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

    def write(self, result: Result, folder: Path) -> None:
        """Write unknown.csv, nine_classes.csv and unknown.json."""
        from skinfw_reliability.files import write_csv, write_json
        from skinfw_reliability.intervals import estimator
        from skinfw_reliability.nine_classes import ChallengeAccuracy, unknown_confidence

        if "val" not in result.predictions:
            why = (
                "The run kept no predictions of a validation part: what is strange is told by them."
            )
            write_json({"absent": why}, folder / "unknown.json")
            return
        scores, notes = self.scores(result)
        if self.score not in scores["test"]:
            raise SkinfwError(
                f'the report "unknown" cannot make UNK of {self.score}', why=notes[0], cure=CURE
            )
        about: dict[str, Any] = {"score": self.score, "refused": self.refused}
        known = scores.pop("val")
        unknown = {
            part: {name: unknown_confidence(own, known[name], self.refused)
                   for name, own in found.items()}
            for part, found in scores.items()
        }  # fmt: skip
        judged = [result.predictions[part] for part in scores]
        write_csv(*self._table(judged, scores, unknown), folder / "unknown.csv")
        if UNKNOWN in result.classes:
            notes.append("UNK is a class already: nine_classes.csv is left out")
        else:
            wanted = [unknown[part][self.score] for part in scores]
            nine = [self._nine(result, *one) for one in zip(judged, wanted, strict=True)]
            everyone = chained(nine)
            lines = zip(everyone.ids, everyone.probabilities.tolist(), strict=True)
            rows = [[name, *row] for name, row in lines]
            write_csv(["image", *everyone.classes], rows, folder / "nine_classes.csv")
            estimate = estimator(result)
            about |= {
                "without_unknown": estimate(ChallengeAccuracy(), judged[0]),
                "with_unknown": estimate(ChallengeAccuracy(), nine[0]),
            }
            if "strangers" in scores:
                about["strangers"] = self._found(everyone, scores, unknown, estimate)
        about |= {"notes": notes, "marks": list(result.marks)}
        write_json(about, folder / "unknown.json")

    evaluate = write

    def scores(self, result: Result) -> tuple[Scores, list[str]]:
        """Return the scores of each part by name, and why some are absent."""
        from skinfw_reliability.strangeness import entropy, one_minus_max

        parts = [part for part in ("val", "test", "strangers") if part in result.predictions]
        said = {part: result.predictions[part].probabilities for part in parts}
        found = {
            part: {"one_minus_max": one_minus_max(own), "entropy": entropy(own)}
            for part, own in said.items()
        }
        if not self.features:
            return found, ["energy, neighbour and mahalanobis need features = true"]
        if result.features is None:
            lacks = "energy, neighbour and mahalanobis need the network, not predictions alone"
            return found, [lacks]
        beside = self._of_features(result.features, parts)
        return {part: own | beside[part] for part, own in found.items()}, []

    def _nine(self, result: Result, part: Predictions, unknown: Any) -> Predictions:
        """Return predictions with UNK, confidences [N], behind the network's classes."""
        from skinfw_reliability.nine_classes import with_unknown

        confidences = with_unknown(part.probabilities[:, : len(result.classes)], unknown)
        return replace(part, probabilities=confidences, classes=(*result.classes, UNKNOWN))

    def _found(
        self, everyone: Predictions, scores: Scores, unknown: Scores, estimate: Estimate
    ) -> dict[str, Any]:
        """Return how well each score finds strangers, and the challenge's score with them.

        everyone: known images and strangers, with UNK.
        scores, unknown: of both parts.
        estimate: from `estimator`.
        """
        import numpy as np

        from skinfw_reliability.nine_classes import ChallengeAccuracy, Detection

        def both(found: Scores, name: str) -> Any:
            return np.concatenate([own[name] for own in found.values()])

        return {
            "images": len(scores["strangers"][self.score]),
            "scores": {
                name: estimate(Detection(both(scores, name), both(unknown, name)), everyone)
                for name in scores["strangers"]
            },
            "with_unknown": estimate(ChallengeAccuracy(), everyone),
        }

    def _table(
        self, judged: list[Predictions], scores: Scores, unknown: Scores
    ) -> tuple[list[str], list[list[Any]]]:
        """Return the header and the rows of unknown.csv."""
        names = list(scores["test"])
        rows = []
        for part, own, more in zip(judged, scores.values(), unknown.values(), strict=True):
            numbers = zip(*(own[n] for n in names), *(more[n] for n in names), strict=True)
            said = zip(part.ids, part.true, part.predicted, numbers, strict=True)
            rows += [
                [name, part.classes[true], part.classes[called], *map(float, values)]
                for name, true, called, values in said
            ]
        return ["id", "true", "predicted", *names, *(f"unknown_{name}" for name in names)], rows

    def _of_features(self, features: Callable[[str], Features], parts: list[str]) -> Scores:
        """Return what logits and features tell of each image of some parts."""
        from skinfw_reliability.strangeness import energy, mahalanobis, neighbour

        known, found = features("train"), {}
        for name in parts:
            part = features(name)
            found[name] = {
                "energy": energy(part.logits),
                "neighbour": neighbour(part.values, known.values, self.neighbour),
                "mahalanobis": mahalanobis(part.values, known.values, known.true),
            }
        return found
