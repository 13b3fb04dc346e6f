"""The report on shortcuts: what the network answers by that is no lesion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Interval

from skinfw import (
    MALIGNANT,
    ClassName,
    Estimate,
    Findings,
    Result,
    atomic_write,
    confidence_intervals,
    select,
    write_csv,
    write_json,
)

if TYPE_CHECKING:
    from skinfw import Predictions
    from skinfw.metrics import WeightedMetric

KEY, TITLE = "shortcuts", "Shortcuts"
_SHOWN = 4  # images in the figure, of as many classes


@dataclass(frozen=True, kw_only=True)
class Shortcuts:
    """Ask whether the network answers by something else than the lesion.

    Test images are shown to the network once more: with the lesion painted over by skin, with the
    lesion alone, and with marks drawn on them, such as a ruler. As a control, the paint of each
    mark is cut into tiles and scattered. Writes shortcuts.json, shortcuts.csv with every number and
    its 95 % interval over lesions, and shortcuts.png.

    A mark is a shortcut to a class where it raises the chance of the class by more than `least` on
    images of other classes: on the picture as it is, on its skin without the lesion, and there
    beyond its control. What is around the lesion is one where pictures without a lesion still tell
    malignant from benign with an AUC above `least_auc`. The lower ends of the intervals decide.

    images: how many test images are looked at, evenly over the classes; 0 takes all.
    marks: ops of the kind augment that draw, each with the parameter `probability`; empty takes
        ruler-ticks, ink-marks, hair, dark-corners and gel-bubbles, as far as they are installed.
    malignant: the malignant classes; empty takes those of MEL, BCC, SCC, AK and AKIEC that the data
        set has.
    least: how much a mark must raise a chance.
    least_auc: what pictures without a lesion must reach.
    """

    images: Annotated[int, Ge(0)] = 64
    marks: tuple[str, ...] = ()
    malignant: tuple[ClassName, ...] = ()
    least: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    least_auc: Annotated[float, Interval(ge=0.5, lt=1)] = 0.6

    def __post_init__(self) -> None:
        """Refuse a mark that cannot be drawn before hours of training."""
        if self.marks:
            from skinfw_shortcuts.marks import build_marks

            build_marks(self.marks)

    def analyse(self, result: Result) -> list[Findings]:
        """Return how answers change with the pictures, and which shortcuts were found."""
        import numpy as np

        from skinfw.toolkit import choose_images
        from skinfw_shortcuts.marks import build_marks
        from skinfw_shortcuts.numbers import Answers, Changes, Discrimination
        from skinfw_shortcuts.tables import tell
        from skinfw_shortcuts.verdicts import mark_verdicts, surroundings_verdict
        from skinfw_shortcuts.versions import Versions

        if result.predict_changed is None:
            why = "Shortcuts need the network, not predictions alone."
            return [Findings(KEY, TITLE, [why], data={"absent": why})]
        test = result.predictions["test"]
        count = min(self.images or len(test.ids), len(test.ids))
        places = choose_images(test, count, 0, result.seed)
        first = dict(zip(test.true[places[::-1]].tolist(), places[::-1], strict=True))
        shown = [first[label] for label in sorted(first)][:_SHOWN]
        versions = Versions(build_marks(self.marks), result.seed, shown)
        chances = result.predict_changed("test", places, versions)
        named = self.malignant or [name for name in MALIGNANT if name in test.classes]
        answers = Answers(
            chances,
            versions.names,
            tuple(versions.marks),
            np.array([bool(versions.masks[place]) for place in places]),
            [test.classes.index(name) for name in named],
        )
        own = select(test, np.array(places, int))
        numbers = _estimates(Changes(answers), own, result)
        if answers.told.any():
            divided = select(own, np.flatnonzero(answers.told))
            numbers |= _estimates(Discrimination(answers), divided, result)
        verdicts = [
            *mark_verdicts(numbers, answers, own.classes, self.least),
            *surroundings_verdict(numbers, self.least_auc),
        ]
        settings = {
            "malignant": list(named),
            "least": self.least,
            "least_auc": self.least_auc,
            "marks": list(result.marks),
        }
        return [tell(own, answers, numbers, verdicts, versions, places, settings)]

    def write(self, result: Result, folder: Path) -> None:
        """Write shortcuts.json, shortcuts.csv and shortcuts.png."""
        findings = result.section(KEY) or self.analyse(result)[0]
        write_json(folder / "shortcuts.json", findings.data)
        for name, table in findings.files.items():
            write_csv(folder / name, table.head, table.rows)
        for picture in findings.pictures:
            with atomic_write(folder / "shortcuts.png") as partial:
                partial.write_bytes(picture.png)

    evaluate = write


def _estimates(metric: WeightedMetric, own: Predictions, result: Result) -> dict[str, Estimate]:
    """Return the numbers of a metric with the intervals that the result's recipe wants."""
    ends = confidence_intervals(metric, own, result.replicates, result.seed)
    return {
        name: Estimate(value, *ends.get(name, (math.nan, math.nan)))
        for name, value in metric(own).items()
    }
