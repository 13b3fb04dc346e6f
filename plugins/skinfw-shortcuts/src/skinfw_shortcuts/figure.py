"""A few images in all versions, with what the network says of each."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from skinfw import FindingsPicture, Predictions
from skinfw_shortcuts.numbers import Answers
from skinfw_shortcuts.versions import Versions

_CAPTION = (
    "Some test images as they are, without their lesion, the lesion alone, and each mark on the "
    "picture, on its skin, and its paint scattered there. Below each stands the chance of "
    "malignancy, or where no class is malignant, of the true class."
)


def draw_versions(
    own: Predictions, answers: Answers, versions: Versions, places: Sequence[int]
) -> FindingsPicture:
    """Return a picture with a row for each image that is shown, and a column for each version.

    places: of the images in the test part.
    """
    from matplotlib.figure import Figure

    names = versions.names
    figure = Figure((0.95 * len(names), 1.2 * len(versions.shown)), layout="constrained", dpi=100)
    grid = figure.subplots(len(versions.shown), len(names), squeeze=False)
    for row, place in zip(grid, versions.shown, strict=True):
        at = places.index(place)
        for axes, picture, chances in zip(
            row, versions.kept[place], answers.chances[at], strict=True
        ):
            axes.imshow(picture)
            axes.set(xticks=[], yticks=[])
            chance = chances[list(answers.malignant) or [own.true[at]]].sum()
            axes.set_xlabel(f"{chance:.0%}", fontsize=7)
        row[0].set_ylabel(own.classes[own.true[at]], fontsize=8)
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name.replace(" ", "\n", 1), fontsize=6.5)
    sink = BytesIO()
    figure.savefig(sink, format="png")
    alt = f"{len(versions.shown)} images in {len(names)} versions"
    return FindingsPicture(_CAPTION, alt, sink.getvalue())
