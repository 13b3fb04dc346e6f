"""The report on the unknown: how strange each test image is to the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, Interval

from skinfw import Result, SkinfwError
from skinfw_reliability.parts import fitted_and_judged

if TYPE_CHECKING:
    from collections.abc import Callable

    from skinfw import Features, Predictions

CURE = 'choose score = "one_minus_max" or "entropy"'
Score = Literal["one_minus_max", "entropy", "energy", "neighbour", "mahalanobis"]


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """Write how strange each test image is, and nine columns as ISIC 2019 wants them.

    Writes unknown.csv, a row per test image; nine_classes.csv, the classes and UNK; and
    unknown.json, what UNK costs on the test images, all of which are known. How many strangers it
    finds can be told only on images of strangers.

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
        from skinfw_reliability.nine_classes import UNKNOWN, unknown_confidence

        _, test = fitted_and_judged(result, "unknown")
        scores, notes = self.scores(result)
        if self.score not in scores["test"]:
            raise SkinfwError(
                f'the report "unknown" cannot make UNK of {self.score}', why=notes[0], cure=CURE
            )
        unknown = {
            name: unknown_confidence(own, scores["val"][name], self.refused)
            for name, own in scores["test"].items()
        }
        header = ["id", "true", "predicted", *unknown, *(f"unknown_{name}" for name in unknown)]
        said = zip(test.ids, test.true, test.predicted, strict=True)
        numbers = zip(*scores["test"].values(), *unknown.values(), strict=True)
        rows = [
            [name, test.classes[true], test.classes[called], *map(float, own)]
            for (name, true, called), own in zip(said, numbers, strict=True)
        ]
        write_csv(header, rows, folder / "unknown.csv")
        about: dict[str, Any] = {"score": self.score, "refused": self.refused}
        if UNKNOWN in test.classes:
            notes.append("UNK is a class already: nine_classes.csv is left out")
        else:
            about |= self.nine_classes(test, unknown[self.score], folder)
        about |= {"notes": notes, "marks": list(result.marks)}
        write_json(about, folder / "unknown.json")

    def scores(self, result: Result) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Return the scores of validation and test by name, and why some are absent."""
        found = {part: self._of(result.predictions[part]) for part in ("val", "test")}
        if not self.features:
            return found, ["energy, neighbour and mahalanobis need features = true"]
        if result.features is None:
            lacks = "energy, neighbour and mahalanobis need the network, not predictions alone"
            return found, [lacks]
        beside = self._of_features(result.features)
        return {part: own | beside[part] for part, own in found.items()}, []

    def nine_classes(self, test: Predictions, unknown: Any, folder: Path) -> dict[str, Any]:
        """Write nine_classes.csv, and return what UNK costs on known images.

        unknown: the confidence of UNK, [N].
        """
        from skinfw_reliability.files import write_csv
        from skinfw_reliability.intervals import estimates
        from skinfw_reliability.nine_classes import UNKNOWN, ChallengeAccuracy, with_unknown

        confidences = with_unknown(test.probabilities, unknown)
        nine = replace(test, probabilities=confidences, classes=(*test.classes, UNKNOWN))
        lines = zip(nine.ids, nine.probabilities.tolist(), strict=True)
        rows = [[name, *row] for name, row in lines]
        write_csv(["image", *nine.classes], rows, folder / "nine_classes.csv")
        return {
            "without_unknown": estimates(ChallengeAccuracy(), test),
            "with_unknown": estimates(ChallengeAccuracy(), nine),
        }

    def _of(self, part: Predictions) -> dict[str, Any]:
        """Return what predictions alone tell of each image."""
        from skinfw_reliability.strangeness import entropy, one_minus_max

        found = part.probabilities
        return {"one_minus_max": one_minus_max(found), "entropy": entropy(found)}

    def _of_features(self, features: Callable[[str], Features]) -> dict[str, dict[str, Any]]:
        """Return what logits and features tell of each image of validation and test."""
        from skinfw_reliability.strangeness import energy, mahalanobis, neighbour

        known, found = features("train"), {}
        for name in ("val", "test"):
            part = features(name)
            found[name] = {
                "energy": energy(part.logits),
                "neighbour": neighbour(part.values, known.values, self.neighbour),
                "mahalanobis": mahalanobis(part.values, known.values, known.true),
            }
        return found
