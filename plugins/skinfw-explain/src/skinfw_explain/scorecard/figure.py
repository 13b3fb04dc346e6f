"""A few images with the map of every explainer, and the border of the lesion."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from skinfw import FindingsPicture, InspectedImages
from skinfw.toolkit import overlay

if TYPE_CHECKING:
    from skinfw import Explainer

SHOWN = 4


def draw_maps(batch: InspectedImages, explainers: Mapping[str, Explainer]) -> FindingsPicture:
    """Return a picture with a row for each of some images, and a column for each explainer.

    batch: images, all of which are shown.
    """
    import torch
    from matplotlib.figure import Figure

    inputs = batch.to_input(torch.from_numpy(batch.pixels.copy()))
    predicted = torch.from_numpy(batch.predictions.predicted).to(inputs.device)
    maps = {
        name: explainer(batch.model, inputs, predicted).detach().float().cpu().numpy()
        for name, explainer in explainers.items()
    }
    count = len(batch.pixels)
    figure = Figure((1.25 * (len(maps) + 1), 1.35 * count + 0.3), layout="constrained", dpi=100)
    grid = figure.subplots(count, len(maps) + 1, squeeze=False)
    for place, row in enumerate(grid):
        for axes, own in zip(row, [None, *maps.values()], strict=True):
            pixels = batch.pixels[place]
            axes.imshow(pixels if own is None else overlay(pixels, own[place]))
            axes.set(xticks=[], yticks=[])
            if (lesion := batch.lesions[place]) is not None:
                axes.contour(lesion, levels=[0.5], colors="white", linewidths=0.7)
        row[0].set_ylabel(batch.predictions.classes[batch.predictions.true[place]], fontsize=8)
    for axes, name in zip(grid[0], ["image", *maps], strict=True):
        axes.set_title(name.replace("-", "-\n", 1), fontsize=7)
    sink = BytesIO()
    figure.savefig(sink, format="png")
    caption = (
        "Some images with the map of each explainer for the predicted class; the line is the "
        "border of the lesion, where a mask tells it."
    )
    return FindingsPicture(caption, f"{count} images, {len(maps)} maps of each", sink.getvalue())
