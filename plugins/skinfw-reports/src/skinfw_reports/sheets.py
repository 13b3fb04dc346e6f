"""A sheet of images beside what the model looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Interval

from skinfw import Explanations, Result
from skinfw.toolkit import file_name, overlay, whole_percent
from skinfw_reports.figures import new_figure, save

RIGHT, WRONG = "#1b6e3a", "#a3221f"


@dataclass(frozen=True, kw_only=True)
class ExplanationSheet:
    """Draw each explained image beside its map, with the true and the predicted class.

    columns: pairs of image and map beside each other.
    opacity: of the map over the image, where the map is highest.
    """

    columns: Annotated[int, Interval(ge=1, le=12)] = 4
    opacity: Annotated[float, Interval(gt=0, le=1)] = 0.6

    def write(self, result: Result, folder: Path) -> None:
        """Write explanations/<explainer>-<explains>.png for every explainer of the recipe.

        Where an explainer takes the first images, the name ends with -first.
        """
        for explanations in result.explanations:
            place = folder / "explanations"
            place.mkdir(exist_ok=True)
            first = "-first" if explanations.order == "first" else ""
            name = file_name(f"{explanations.explainer}-{explanations.explains}{first}")
            self._sheet(explanations, place / f"{name}.png", result)

    def _sheet(self, explanations: Explanations, file: Path, result: Result) -> None:
        count = len(explanations.images)
        columns = min(self.columns, count)
        rows = math.ceil(count / columns)
        figure = new_figure(3.9 * columns, 2.45 * rows + 0.5)
        figure.suptitle(
            f"{explanations.explainer} for the {explanations.explains} class. "
            f"Brighter: speaks more for it. Green: right, red: wrong.   {result.name}",
            fontsize=10,
            x=0.01,
            ha="left",
        )
        for axes in (grid := figure.subplots(rows, 2 * columns, squeeze=False)).flat:
            axes.axis("off")
        for index in range(count):
            row, column = divmod(index, columns)
            left, right = grid[row, 2 * column], grid[row, 2 * column + 1]
            left.imshow(explanations.images[index])
            right.imshow(
                overlay(explanations.images[index], explanations.maps[index], self.opacity)
            )
            colour, lines = _caption(explanations, index)
            left.set_title(lines[0], fontsize=8.5, loc="left", color="black")
            right.set_title(lines[1], fontsize=8.5, loc="left", color=colour)
        save(figure, file, result)


def _caption(explanations: Explanations, index: int) -> tuple[str, tuple[str, str]]:
    """Return the colour and the two captions of an image."""
    predictions = explanations.predictions
    names, chances = predictions.classes, predictions.probabilities[index]
    true, called = predictions.true[index], predictions.predicted[index]
    left = f"{predictions.ids[index]}\ntrue {names[true]}"
    right = f"predicted {names[called]} ({whole_percent(chances[called])})"
    if called != true:
        right += f"\ntrue class given {whole_percent(chances[true])}"
    return RIGHT if called == true else WRONG, (left, right)
