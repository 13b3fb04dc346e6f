"""The pictures of the report page."""

from __future__ import annotations

import base64
import io
from typing import Any

from skinfw import Result
from skinfw_reports.sheets import overlay

OPACITY = 0.6
QUALITY = 85


def gallery(result: Result, count: int) -> list[dict[str, str]]:
    """Return the most confident mistakes among the explained images, each with its map.

    count: at most so many.
    """
    import numpy as np

    cards: dict[str, tuple[float, dict[str, str]]] = {}
    for explanations in result.explanations:
        predictions = explanations.predictions
        for place in np.flatnonzero(predictions.predicted != predictions.true).tolist():
            name = predictions.ids[place]
            chance = float(predictions.probabilities[place].max())
            true = predictions.classes[predictions.true[place]]
            predicted = predictions.classes[predictions.predicted[place]]
            image = explanations.images[place]
            seen = overlay(image, explanations.maps[place], OPACITY)
            entry = {
                "id": name,
                "true": true,
                "predicted": predicted,
                "chance": f"{chance:.0%}",
                "image": _jpeg(image),
                "map": _jpeg((255 * seen).round().astype(np.uint8)),
                "alt": f"Image {name}, which shows {true}",
                "map_alt": f"Where {explanations.explainer} sees "
                f"{explanations.explains} class in it",
            }
            cards.setdefault(name, (chance, entry))
    ordered = sorted(cards.values(), key=lambda one: -one[0])
    return [entry for _, entry in ordered[:count]]


def _jpeg(image: Any) -> str:
    """Return an image as an address that holds it."""
    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(image).save(sink, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(sink.getvalue()).decode()
