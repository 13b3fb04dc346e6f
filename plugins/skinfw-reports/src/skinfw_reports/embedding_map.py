"""The report on embeddings: the test images on a plane, and how far that is to be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from skinfw import (
    Cell,
    Estimate,
    Findings,
    FindingsScatter,
    FindingsTable,
    Result,
    ScatterPoint,
    confidence_intervals,
    select,
    write_csv,
    write_json,
)
from skinfw.toolkit import whole_percent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw import Predictions
    from skinfw.metrics import WeightedMetric

    Floats = npt.NDArray[np.floating[Any]]

KEY, TITLE = "embedding-map", "Embedding map"
LEAST = 20
"""How many images a map needs; of fewer, neighbours say nothing."""
SIDE, QUALITY = 96, 72
_TOGETHER = 32  # images that are read before they become thumbnails
_ABOUT = (
    "Each point is a test image, put by t-SNE where its neighbours are the images that the network "
    "sees alike, by what flows into its last layer. Only who is next to whom has a meaning: axes, "
    "sizes of groups and distances between far groups have none."
)


@dataclass(frozen=True, kw_only=True)
class EmbeddingMap:
    """Lay test images on a plane by what the network sees in them, and tell how far to trust it.

    Test images, evenly of the classes, are looked at once more; what flows into the network's last
    layer becomes a plane by t-SNE (van der Maaten and Hinton 2008). The page shows it, each image
    on demand. Writes embedding_map.csv, where each image lies, and embedding_map.json: how many
    neighbours on the plane are neighbours in truth (trustworthiness, Venna and Kaski 2001), and how
    often the nearest images of other lesions are of the same class, beside the network's own
    answers, with 95 % intervals over lesions.

    images: how many test images there are at most.
    neighbours: how many nearest images count.
    """

    images: Annotated[int, Interval(ge=50, le=5000)] = 600
    neighbours: Annotated[int, Interval(ge=1, le=20)] = 10

    def analyse(self, result: Result) -> list[Findings]:
        """Return the plane, and how far it is to be trusted."""
        import numpy as np

        from skinfw.toolkit import NoFeaturesError, choose_images
        from skinfw_reports.embedding import project

        test = result.predictions["test"]
        if result.features is None or result.images is None:
            return _absent("The map needs the network, not predictions alone.")
        if len(test.ids) < LEAST:
            return _absent(f"A map needs at least {LEAST} test images; there are {len(test.ids)}.")
        places = choose_images(test, min(self.images, len(test.ids)), 0, result.seed)
        try:
            values = result.features("test", places).values
        except NoFeaturesError as error:
            return _absent(f"There is no map: {error.what}; {error.why}.")
        own, plane = select(test, np.array(places, int)), project(values, result.seed)
        neighbours = min(self.neighbours, (len(own.ids) - 1) // 2)
        numbers = _numbers(own, values, plane, neighbours, result)
        shown = f"All {len(own.ids):,} test images are shown."
        if len(own.ids) < len(test.ids):
            shown = (
                f"{len(own.ids):,} of {len(test.ids):,} test images are shown, evenly of the "
                "classes as far as they have images."
            )
        verdict = _verdict(numbers)
        text = [one for one in (_ABOUT, shown, verdict, _outvoted(own, neighbours)) if one]
        data = {"images": len(own.ids), "of": len(test.ids), "neighbours": neighbours, **numbers}
        return [
            Findings(
                KEY,
                TITLE,
                text,
                _tables(numbers, neighbours),
                {**data, "marks": list(result.marks)},
                {"embedding_map.csv": _file(own, plane)},
                scatters=[_scatter(own, plane, _thumbnails(result, places), verdict)],
            )
        ]

    def write(self, result: Result, folder: Path) -> None:
        """Write embedding_map.json and embedding_map.csv."""
        findings = result.section(KEY) or self.analyse(result)[0]
        write_json(folder / "embedding_map.json", findings.data)
        for name, table in findings.files.items():
            write_csv(folder / name, table.head, table.rows)

    evaluate = write


def _absent(why: str) -> list[Findings]:
    return [Findings(KEY, TITLE, [why], data={"absent": why})]


def _thumbnails(result: Result, places: list[int]) -> list[bytes]:
    """Return small images of the test part as JPEG files."""
    from skinfw_reports.thumbnails import thumbnail

    assert result.images is not None
    files = []
    for start in range(0, len(places), _TOGETHER):
        for image in result.images("test", places[start : start + _TOGETHER]):
            files.append(thumbnail(image, SIDE, QUALITY))
    return files


def _scatter(own: Predictions, plane: Floats, images: list[bytes], verdict: str) -> FindingsScatter:
    """Return the map; `images` are JPEG files."""
    points = []
    for place, (name, image) in enumerate(zip(own.ids, images, strict=True)):
        true, predicted = own.classes[own.true[place]], own.classes[own.predicted[place]]
        chance = float(own.probabilities[place].max())
        text = f"{name} shows {true}, predicted {predicted} ({whole_percent(chance)})"
        x, y = map(float, plane[place])
        points.append(ScatterPoint(x, y, true, true != predicted, text, image))
    return FindingsScatter(
        "Test images by true class; a ring marks a mistake of the network.",
        f"Map of {len(own.ids):,} test images of {len(own.classes)} classes. {verdict}",
        own.classes,
        "mistake",
        points,
    )


def _file(own: Predictions, plane: Floats) -> FindingsTable:
    """Return where each image lies."""
    called = zip(own.ids, own.true.tolist(), own.predicted.tolist(), plane, strict=True)
    rows = [
        [name, own.classes[true], own.classes[predicted], *map(float, at)]
        for name, true, predicted, at in called
    ]
    return FindingsTable("", ["id", "true", "predicted", "x", "y"], rows)


def _numbers(
    own: Predictions, values: Floats, plane: Floats, neighbours: int, result: Result
) -> dict[str, Any]:
    """Return the trustworthiness, who tells the classes how well, and how much worse than it.

    own: the network's answers about the images of the map.
    """
    from skinfw.toolkit import difference_intervals
    from skinfw_reports.embedding import (
        BalancedAccuracy,
        Trustworthiness,
        neighbour_shares,
        trust_of_images,
    )

    def estimate(metric: WeightedMetric, predictions: Predictions) -> dict[str, Any]:
        (value,) = metric(predictions).values()
        ends = confidence_intervals(metric, predictions, result.replicates, result.seed)
        return _estimate(value, next(iter(ends.values()), None))

    metric, name = BalancedAccuracy(), "balanced_accuracy"
    numbers: dict[str, Any] = {
        "trustworthiness": estimate(
            Trustworthiness(trust_of_images(values, plane, neighbours)), own
        ),
        "network": {name: estimate(metric, own)},
    }
    for where, seen in (("embeddings", values), ("map", plane)):
        answers = replace(own, probabilities=neighbour_shares(seen, own, neighbours))
        less = metric(answers)[name] - metric(own)[name]
        ends = None
        if result.replicates:
            asked = metric, answers, own, result.replicates, result.seed
            ends = difference_intervals(*asked)[name]
        numbers[where] = {name: estimate(metric, answers), "difference": _estimate(less, ends)}
    return numbers


def _estimate(value: float, ends: Any) -> dict[str, Any]:
    low, high = ends or (float("nan"), float("nan"))
    estimate = {"value": float(value), "low": low, "high": high}
    return {**estimate, "no_interval": ends.reason} if ends and ends.reason else estimate


def _cell(numbers: dict[str, Any]) -> Estimate:
    remark = "no interval" if "no_interval" in numbers else ""
    return Estimate(numbers["value"], numbers["low"], numbers["high"], remark)


def _tables(numbers: dict[str, Any], neighbours: int) -> list[FindingsTable]:
    rows: list[list[Cell]] = [["the network", _cell(numbers["network"]["balanced_accuracy"]), ""]]
    for where, said in (("embeddings", "in the embeddings"), ("map", "on the map")):
        cells = [_cell(numbers[where][name]) for name in ("balanced_accuracy", "difference")]
        rows.append([f"{neighbours} nearest images {said}", *cells])
    head = ["who answers", "balanced accuracy", "less the network's"]
    caption = "How well the nearest images of other lesions tell the class of an image"
    kept: list[list[Cell]] = [["trustworthiness", _cell(numbers["trustworthiness"])]]
    return [
        FindingsTable("How far the map is to be trusted", ["number", "value"], kept),
        FindingsTable(caption, head, rows),
    ]


def _verdict(numbers: dict[str, Any]) -> str:
    """Return in words how far the map is to be trusted."""
    trust, lost = numbers["trustworthiness"], numbers["map"]["difference"]
    told = (
        f"Its trustworthiness is {trust['value']:.2f}; 1 would mean that all neighbours on the map "
        "are neighbours in the embeddings."
    )
    if lost["high"] < 0:
        embedded = numbers["embeddings"]["difference"]["high"] < 0
        where = "so do those in the embeddings" if embedded else "those in the embeddings do not"
        return f"{told} Neighbours on it tell the classes worse than the network does; {where}."
    if lost["low"] > 0:
        return f"{told} Neighbours on it tell the classes better than the network does."
    if lost["low"] == lost["low"]:
        return (
            f"{told} Whether neighbours on it tell the classes worse than the network does, these "
            "lesions cannot show."
        )
    return told


def _outvoted(own: Predictions, neighbours: int) -> str:
    """Return which classes have too few images to be the most frequent among neighbours."""
    counts = {name: int((own.true == place).sum()) for place, name in enumerate(own.classes)}
    few = [f"{name} ({count})" for name, count in counts.items() if 0 < count <= neighbours / 2]
    if not few:
        return ""
    return f"Too few images to win among {neighbours} neighbours: {', '.join(few)}."
