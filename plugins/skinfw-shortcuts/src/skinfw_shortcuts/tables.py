"""What the report on shortcuts tells a reader."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from skinfw import Cell, Estimate, Findings, FindingsTable, Predictions
from skinfw_shortcuts.figure import draw_versions
from skinfw_shortcuts.numbers import Answers
from skinfw_shortcuts.verdicts import SURROUNDINGS, Verdict
from skinfw_shortcuts.versions import ONLY, REMOVED, SAME, Versions

KEY, TITLE = "shortcuts", "Shortcuts"
_ABOUT = (
    "Does the network answer by the lesion, or by something else in the picture? It was shown test "
    "images without their lesion, the lesion alone, and images on which marks were drawn."
)
_BLIND = (
    "What is not drawn here is not looked for: not found says nothing of other marks, cameras and "
    "clinics."
)


def tell(
    own: Predictions,
    answers: Answers,
    numbers: Mapping[str, Estimate],
    verdicts: Iterable[Verdict],
    versions: Versions,
    places: Sequence[int],
    settings: Mapping[str, Any],
) -> Findings:
    """Return the findings: sentences, tables, files and a picture.

    own: the predictions of the images that were looked at, as they are.
    answers: to their versions.
    numbers: all that was measured.
    places: of the images in the test part.
    settings: of the report, for shortcuts.json.
    """
    verdicts = list(verdicts)
    sources = Counter(versions.masks.values())
    data = {
        "verdicts": [asdict(one) | {"verdict": one.word} for one in verdicts],
        "images": len(own.ids),
        "lesions": len(set(own.lesions)),
        "masks": sources["mask"],
        "segmentations": sources["segmentation"],
        "not_told_apart": sources[""],
        **settings,
    }
    head = ["number", "value", "low", "high"]
    rows: list[list[Cell]] = [[name, one.value, one.low, one.high] for name, one in numbers.items()]
    files = {"shortcuts.csv": FindingsTable("", head, rows)}
    tables = [_verdicts(verdicts), _marks(verdicts, numbers)]
    tables += [_without(numbers), *_flips(own.classes, answers, numbers)]
    return Findings(
        KEY,
        TITLE,
        [_ABOUT, _looked_at(own, sources), _summary(verdicts), _BLIND],
        tables,
        data,
        files,
        pictures=[draw_versions(own, answers, versions, places)],
    )


def _looked_at(own: Predictions, sources: Counter[str]) -> str:
    known = [
        f"{sources[name]:,} by {words}"
        for name, words in (
            ("mask", "the data set's masks"),
            ("segmentation", "a threshold on the distance to the colour of the skin"),
        )
        if sources[name]
    ]
    text = f"{len(own.ids):,} images of {len(set(own.lesions)):,} lesions were looked at"
    text += f"; the lesion is known of {' and '.join(known)}" if known else ""
    if sources[""]:
        text += f"; of {sources['']:,} lesion and skin could not be told apart"
    return text + "."


def _summary(verdicts: Sequence[Verdict]) -> str:
    found = [f"{one.shortcut} (towards {one.towards})" for one in verdicts if one.word == "found"]
    if found:
        return f"Found: {', '.join(found)}."
    measured = any(one.word == "not found" for one in verdicts)
    return "No shortcut was found." if measured else "Without intervals there is no verdict."


def _verdicts(verdicts: Sequence[Verdict]) -> FindingsTable:
    rows: list[list[Cell]] = []
    for one in verdicts:
        asked = "AUC without the lesion" if one.shortcut == SURROUNDINGS else "least rise"
        rows.append(
            [one.shortcut, one.word, one.towards, asked, _cell(one.estimate), f"{one.bound:g}"]
        )
    head = ["shortcut", "verdict", "towards", "measured by", "value", "found above"]
    return FindingsTable("Found where the lower end of the interval is above the bound", head, rows)


def _marks(verdicts: Sequence[Verdict], numbers: Mapping[str, Estimate]) -> FindingsTable:
    rows = [
        [
            f"{one.shortcut}, {one.towards}",
            *(
                _cell(numbers[f"{name}/{one.shortcut}/to {one.towards}"])
                for name in (
                    "rise",
                    "rise_on_skin",
                    "rise_of_scattered",
                    "rise_beyond_scattered",
                )
            ),
        ]
        for one in verdicts
        if one.shortcut != SURROUNDINGS
    ]
    head = [
        "mark, towards",
        "on the picture",
        "on its skin",
        "scattered on its skin",
        "beyond that",
    ]
    caption = "How much marks raise the chance of a class, in images of other classes"
    return FindingsTable(caption, head, rows)


def _without(numbers: Mapping[str, Estimate]) -> FindingsTable:
    rows: list[list[Cell]] = []
    for version in (SAME, REMOVED, ONLY):
        change = numbers.get(f"malignant_change/{version}/all")
        rows.append(
            [
                version,
                *(
                    _cell(numbers.get(f"{name}/{version}"))
                    for name in ("malignant_auc", "macro_auc")
                ),
                _cell(change) if change else "",
            ]
        )
    head = ["picture", "AUC, malignant", "macro AUC", "change of the chance of malignancy"]
    return FindingsTable("What is left without the lesion, and without what is around", head, rows)


def _flips(
    classes: Sequence[str], answers: Answers, numbers: Mapping[str, Estimate]
) -> Iterable[FindingsTable]:
    """Yield how often answers turn to malignant, and away from it, by the true class."""
    if not answers.malignant:
        return
    versions = [REMOVED, ONLY, *answers.marks]
    for name, words in (("to", "become malignant"), ("from", "are no longer malignant")):
        rows = [
            [group, *(_cell(numbers[f"{name}_malignant/{one}/{group}"]) for one in versions)]
            for group in ("all", *classes)
        ]
        yield FindingsTable(f"Share of answers that {words}", ["class", *versions], rows)


def _cell(estimate: Estimate | None) -> Cell:
    if estimate is None or math.isnan(estimate.value):
        return "not measured"
    return estimate
