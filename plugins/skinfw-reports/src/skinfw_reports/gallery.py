"""The gallery of the report page: which images it shows, and what readers choose them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import Predictions, Result, add_unknown_class, concatenate
from skinfw.toolkit import combine, overlay, whole_percent
from skinfw_reports.thumbnails import jpeg_address, thumbnail

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SIDE, QUALITY = 224, 80


@dataclass(frozen=True)
class _Explained:
    """Hold an explained image, and what its map says."""

    image: Any
    map: Any
    said: str


def gallery(result: Result, images: int, mistakes: int) -> list[dict[str, Any]]:
    """Return images with their answers, the surest answer first.

    images: how many there are at most.
    mistakes: how many of them are the most confident mistakes, as far as there are so many.
    Explained images have their map. Without the network at hand there are these alone.
    """
    predictions, parts = everyone(result)
    explained = _explained(result)
    chosen = choose(predictions, images, mistakes, list(explained))
    if result.images is None:
        chosen = [place for place in chosen if place in explained]
    unknown = combine(own.calibration for own in result.findings).may_be_unknown(
        predictions.probabilities
    )

    def seen(place: int) -> _Explained:
        if place in explained:
            return explained[place]
        part, own = parts[place]
        assert result.images is not None
        return _Explained(result.images(part, [own])[0], None, "")

    return [
        _card(predictions, place, seen(place), bool(unknown is not None and unknown[place]))
        for place in chosen
    ]


def everyone(result: Result) -> tuple[Predictions, list[tuple[str, int]]]:
    """Return the answers about the test part and, behind it, about images of none of the classes.

    The second list tells the part of each, and its place there.
    """
    parts = [part for part in ("test", "out_of_distribution") if part in result.predictions]
    places = [(part, own) for part in parts for own in range(len(result.predictions[part].ids))]
    if len(parts) == 1:
        return result.predictions["test"], places
    return concatenate([add_unknown_class(result.predictions[part]) for part in parts]), places


def choose(predictions: Predictions, images: int, mistakes: int, explained: list[int]) -> list[int]:
    """Return positions of images, the surest answer first.

    The most confident mistakes are among them, then those that are explained, then a spread: from
    each true class in turn, evenly from the surest answer to the least sure one.
    """
    import numpy as np

    sure = predictions.probabilities.max(1)
    order = np.argsort(-sure, kind="stable")
    wrong = order[(predictions.predicted != predictions.true)[order]]
    chosen = dict.fromkeys([*wrong[:mistakes].tolist(), *explained][:images])
    queues = [_outward(order[predictions.true[order] == label].tolist())
              for label in range(len(predictions.classes))]  # fmt: skip
    while len(chosen) < images and any(queues):
        for queue in queues:
            fresh = next((one for one in queue if one not in chosen), None)
            queue[:] = queue[queue.index(fresh) + 1 :] if fresh is not None else []
            if fresh is not None and len(chosen) < images:
                chosen[fresh] = None
    return sorted(chosen, key=lambda place: (-sure[place], place))


def _outward(ordered: list[int]) -> list[int]:
    """Return a list so that every beginning of it is spread evenly over the whole.

    The ends come first, then the middle of every gap, and so on (van der Corput 1935).
    """
    count, taken = len(ordered), dict[int, None]()
    parts = 1
    while len(taken) < count:
        for cut in range(parts + 1):
            taken[round(cut * (count - 1) / parts)] = None
        parts *= 2
    return [ordered[place] for place in taken]


def _explained(result: Result) -> dict[int, _Explained]:
    """Return the images that explainers looked at, by their place in the test part."""
    places = {name: place for place, name in enumerate(result.predictions["test"].ids)}
    explained: dict[int, _Explained] = {}
    for own in result.explanations:
        said = f"where {own.explainer} sees the {own.explains} class"
        for name, image, heat in zip(own.predictions.ids, own.images, own.maps, strict=True):
            if name in places:
                explained.setdefault(places[name], _Explained(image, heat, said))
    return explained


def _card(predictions: Predictions, place: int, seen: _Explained, unknown: bool) -> dict[str, Any]:
    """Return what the template shows of one image."""
    import numpy as np

    name, chances = predictions.ids[place], predictions.probabilities[place]
    true = predictions.classes[predictions.true[place]]
    predicted = predictions.classes[predictions.predicted[place]]
    heat: npt.NDArray[np.uint8] | None = None
    if seen.map is not None:
        heat = (255 * overlay(seen.image, seen.map)).round().astype(np.uint8)
    return {
        "id": name,
        "true": true,
        "predicted": predicted,
        "right": true == predicted,
        "unknown": unknown,
        "percent": f"{100 * chances.max():.2f}",
        "chance": whole_percent(chances.max()),
        "true_chance": whole_percent(chances[predictions.true[place]]),
        "image": jpeg_address(thumbnail(np.asarray(seen.image), SIDE, QUALITY)),
        "map": jpeg_address(thumbnail(heat, SIDE, QUALITY)) if heat is not None else "",
        "alt": f"Image {name}, which shows {true}",
        "map_alt": f"The same image, brighter {seen.said}",
    }


def gallery_text(result: Result, cards: list[dict[str, Any]]) -> list[str]:
    """Return how many images the network has wrong, and which of all images are shown."""
    test = result.predictions["test"]
    evaluated_again = bool(result.evaluation)
    where = "these images" if evaluated_again else "the test part"
    wrong = int((test.predicted != test.true).sum())
    said = [f"{wrong:,} of {len(test.ids):,} images are classified wrongly."]
    if not wrong:
        said = [f"The network makes no mistake on {where}."]
    mapped = any(card["map"] for card in cards)
    if result.images is None:
        said.append("Images that were not explained would need the network.")
    elif len(cards) < len(test.ids):
        explained = "those that were explained, " if mapped else ""
        said.append(
            f"{len(cards):,} images are shown: the most confident mistakes, {explained}and of each "
            "class a spread from the surest answer to the least sure one."
        )
    if cards:
        said.append("Probabilities are as the network gives them, without temperature.")
    if mapped:
        said.append("Beside an explained image is what spoke for the answer, brighter for more.")
    elif evaluated_again:
        said.append("Images are explained in the run's own report alone.")
    return said
