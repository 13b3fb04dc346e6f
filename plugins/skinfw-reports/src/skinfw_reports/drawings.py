"""Drawings of the report page, as SVG that stands in the page itself."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw_reports.cells import number, words
from skinfw_reports.figures import GREY, TRAIN, VALIDATION, draw, new_figure

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from skinfw import Predictions

POINTS = 200
BINS = 15  # as many as the metric ece has


@dataclass(frozen=True)
class Drawing:
    """Hold a drawing for the page.

    svg: the element.
    alt: what it shows, for who cannot see it.
    caption: what stands below it.
    """

    svg: Markup
    alt: str
    caption: str


def operating_curves(predictions: Predictions) -> list[Drawing]:
    """Return the ROC curve and the precision over the recall of each class against the rest."""
    import numpy as np
    from sklearn.metrics import auc, precision_recall_curve, roc_curve

    roc, recall = new_figure(8.6, 4.2), new_figure(8.6, 4.2)
    left, right = roc.subplots(), recall.subplots()
    said_roc, said_recall = [], []
    for label, name in enumerate(predictions.classes):
        positive = predictions.true == label
        if positive.all() or not positive.any():
            continue
        scores = predictions.probabilities[:, label]
        false, true, _ = roc_curve(positive, scores)
        area = auc(false, true)
        left.plot(*_thin(false, true), linewidth=1.5, label=f"{name}  {area:.3f}")
        said_roc.append(f"{name} {area:.3f}")
        precision, sensitivity, _ = precision_recall_curve(positive, scores)
        mean = -np.sum(np.diff(sensitivity) * precision[:-1])
        right.plot(
            *_thin(sensitivity, precision),
            linewidth=1.5,
            label=f"{name}  {mean:.3f}  ({positive.mean():.1%})",
        )
        said_recall.append(f"{name} {mean:.3f}")
    left.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    left.set(xlabel="1 - specificity", ylabel="sensitivity")
    right.set(xlabel="sensitivity (recall)", ylabel="precision")
    for axes, title in ((left, "AUC"), (right, "average precision (share of the images)")):
        _tidy(axes)
        axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.02, 0.5),
                    title=title, title_fontsize=9, alignment="left")  # fmt: skip
    return [
        Drawing(
            svg(roc, "roc"),
            f"ROC curves of each class against the rest. AUC: {', '.join(said_roc)}.",
            "Each class against the rest, at all thresholds.",
        ),
        Drawing(
            svg(recall, "recall"),
            f"Precision over recall of each class. Average precision: {', '.join(said_recall)}.",
            "What share of the calls is right, at all thresholds. Chance level is a class's share.",
        ),
    ]


def net_benefit(
    numbers: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    costs: Mapping[str, float],
) -> list[Drawing]:
    """Return the decision curve of malignant against benign, if that was measured.

    numbers, intervals: of the test part; `net_benefit/0.10` and `net_benefit_of_all/0.10` count.
    costs: by class, of a mistake on one of its images, where they are not all 1.
    """
    keys = [name for name in numbers if name.startswith("net_benefit/")]
    chances = [float(name.partition("/")[2]) for name in keys]
    own = [numbers[name] for name in keys]
    everyone = [numbers[f"net_benefit_of_all/{name.partition('/')[2]}"] for name in keys]
    if len(keys) < 2 or any(value != value for value in own):
        return []
    figure = new_figure(8.6, 4.0)
    axes = figure.subplots()
    sure = all(name in intervals for name in keys)
    if sure:
        low, high = zip(*(intervals[name] for name in keys), strict=True)
        axes.fill_between(chances, low, high, color=VALIDATION, alpha=0.15, linewidth=0)
    axes.plot(
        chances, own, color=VALIDATION, marker="o", markersize=3, label="what the network suspects"
    )
    axes.plot(chances, everyone, color=TRAIN, linestyle="--", label="every lesion")
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":", label="no lesion")
    axes.set(xlabel="chance of malignancy at which one acts", ylabel="net benefit")
    axes.set_ylim(bottom=min(-0.05, *own))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, title="acting on", title_fontsize=9, alignment="left")
    better = [f"{chance:.0%}" for chance, mine, all_ in zip(chances, own, everyone, strict=True)
              if mine > max(all_, 0)]  # fmt: skip
    prices = ", ".join(f"{name} {cost:g}" for name, cost in costs.items())
    priced = f"A mistake costs {prices}, of other classes 1. " if costs else ""
    said = ", ".join(better) if better else "no chance that was looked at"
    return [
        Drawing(
            svg(figure, "benefit"),
            f"Net benefit of malignant against benign. The network is better than acting on every "
            f"lesion and on none at {said}.",
            "Decision curve, malignant against benign: true positives less false ones at the price "
            f"of the chance at which one acts, per image{', with 95 % intervals' if sure else ''}. "
            f"{priced}It takes the probabilities at their word, and malignant lesions as frequent "
            "as here.",
        )
    ]


def reliability(predictions: Predictions) -> Drawing:
    """Return how often images are right that the network is so and so sure of."""
    import numpy as np

    from skinfw.metrics import calibration_error, width_bins

    sure = predictions.probabilities.max(1)
    right = predictions.predicted == predictions.true
    places = width_bins(sure, BINS)
    counts = np.bincount(places, minlength=BINS)
    there = counts > 0
    means = np.bincount(places, sure, BINS)[there] / counts[there]
    hits = np.bincount(places, right, BINS)[there] / counts[there]
    figure = new_figure(5.2, 4.0)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    axes.scatter(means, hits, s=12 + 300 * counts[there] / counts.sum(), color=VALIDATION)
    axes.set(xlabel="probability of the predicted class", ylabel="share that is right")
    _tidy(axes)
    gap = float(calibration_error(predictions, np.ones((len(sure), 1)), BINS)[0])
    middle = "above" if sure.mean() > right.mean() else "below"
    return Drawing(
        svg(figure, "reliability"),
        f"Reliability diagram. On average the probability is {sure.mean():.2f} and the accuracy "
        f"{right.mean():.2f}; the mean gap is {gap:.3f}.",
        f"Dots on the line would be honest probabilities; their size is the number of images. The "
        f"mean probability lies {middle} the accuracy; the mean gap (ECE) is {gap:.3f}.",
    )


def history(records: Sequence[Mapping[str, float]], select: str, best: int) -> list[Drawing]:
    """Return losses, accuracies and the selected number over the epochs, if these are known."""
    if not records:
        return []
    epochs = [record["epoch"] for record in records]
    selected = "balanced_accuracy" if select in ("val_loss", "accuracy") else select
    figure = new_figure(9.4, 3.0)
    drawn: dict[str, dict[str, str]] = {
        "loss": {"train": "train_loss", "val": "val_loss"},
        "accuracy": {"train": "train_accuracy", "val": "accuracy"},
        f"validation {words(selected)}": {"val": selected},
    }
    for axes, (title, lines) in zip(figure.subplots(1, 3), drawn.items(), strict=True):
        for part, name in lines.items():
            values = [record.get(name, math.nan) for record in records]
            colour = TRAIN if part == "train" else VALIDATION
            axes.plot(epochs, values, color=colour, marker="o", markersize=3, label=part)
        if len(lines) > 1:
            axes.legend(frameon=False, fontsize=9)
        axes.axvline(best, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    last = records[-1]
    train, validation = (number(last.get(key, math.nan)) for key in ("train_accuracy", "accuracy"))
    return [
        Drawing(
            svg(figure, "history"),
            f"Over {len(records)} epochs the training loss ends at {last['train_loss']:.3f} and "
            f"the validation loss at {last['val_loss']:.3f}. The accuracies end at "
            f"{train} in training and {validation} in validation. Epoch {best} has the "
            f"best validation {'loss' if select == 'val_loss' else words(select)}.",
            f"The dotted line is epoch {best}, whose weights were kept. The training accuracy is "
            "that of the images as they were shown, while the network learned.",
        )
    ]


def svg(figure: Figure, name: str) -> Markup:
    """Return a figure as an element without a document around it; its letters stay letters.

    name: keeps its ids apart from those of other figures on the page.
    """
    from markupsafe import Markup
    from matplotlib import rc_context

    sink = io.StringIO()
    # The salt makes the same figure the same text.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "skinfw"}):
        draw(figure, sink, format="svg", metadata={"Date": None, "Creator": None})
    text = sink.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    return Markup(text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))


def _thin(x: Any, y: Any) -> tuple[Any, Any]:
    """Keep at most so many points of a curve, its ends among them."""
    import numpy as np

    if len(x) <= POINTS:
        return x, y
    kept = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
    return x[kept], y[kept]


def _tidy(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.spines[["top", "right"]].set_visible(False)
