"""What an epoch will show of each class, and what share of the loss each class will have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skinfw.interfaces.values import Draw

Floats = npt.NDArray[np.float64]


def xray(
    rows: pd.DataFrame, classes: Sequence[str], draw: Draw, weights: Floats
) -> list[dict[str, Any]]:
    """Return what can be known of each class before training.

    rows: the training part, with columns label and lesion.
    draw: of the first epoch.
    weights: of the classes in each epoch, [E, C].
    Returns for each class its images, its lesions, how many images of it an epoch shows, how often
    the most repeated one of them comes, and its share of the loss in each epoch, were all images
    equally hard.
    """
    labels = rows["label"].map({name: place for place, name in enumerate(classes)}).to_numpy()
    times = np.bincount(draw.shown, minlength=len(rows))
    drawn = np.bincount(labels, times, len(classes))
    parts = weights * drawn
    shares = parts / np.maximum(parts.sum(1, keepdims=True), 1e-12)
    entries = []
    for place, name in enumerate(classes):
        own = labels == place
        entries.append(
            {
                "class": name,
                "images": int(own.sum()),
                "lesions": int(rows.loc[own, "lesion"].nunique()),
                "drawn": int(drawn[place]),
                "most_repeated": int(times[own].max(initial=0)),
                "share_of_loss": [round(float(share), 4) for share in shares[:, place]],
            }
        )
    return entries


def xray_lines(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Return the lines that show it.

    entries: from `xray`.
    """
    width = max(5, *(len(entry["class"]) for entry in entries))
    lines = [
        f"      {'class':{width}}  images  lesions   drawn  most often  share of the loss",
    ]
    for entry in entries:
        first, last = entry["share_of_loss"][0], entry["share_of_loss"][-1]
        share = f"{first:.0%}" if abs(first - last) < 0.005 else f"{first:.0%} to {last:.0%}"
        lines.append(
            f"      {entry['class']:{width}}  {entry['images']:6,}  {entry['lesions']:7,}  "
            f"{entry['drawn']:6,}  {entry['most_repeated']:10,}  {share}"
        )
    return lines
