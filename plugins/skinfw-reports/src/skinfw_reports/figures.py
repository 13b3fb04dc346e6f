"""Figures of a run: the confusion matrix and the curves of the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import Result, atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#666666"
TRAIN, VALIDATION = "#b5651d", "#1f4e79"


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """Draw test images by true and predicted class, coloured by share of the true class."""

    def write(self, result: Result, folder: Path) -> None:
        """Write confusion_matrix.png."""
        import numpy as np

        test = result.predictions["test"]
        names, count = test.classes, len(test.classes)
        matrix = np.zeros((count, count), int)
        np.add.at(matrix, (test.true, test.predicted), 1)
        rows = matrix.sum(1, keepdims=True)
        shares = matrix / np.maximum(rows, 1)
        figure = new_figure(1.8 + 0.72 * count, 1.9 + 0.66 * count)
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), images in np.ndenumerate(matrix):
            dark = shares[row, column] > 0.55
            text = f"{images:,}\n{shares[row, column]:.0%}" if images else "·"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=8.5,
                linespacing=1.15,
                color="white" if dark else "black" if images else GREY,
            )
        axes.set_xticks(range(count), names)
        axes.set_yticks(
            range(count), [f"{name}  ({n:,})" for name, n in zip(names, rows[:, 0], strict=True)]
        )
        axes.set(xlabel="predicted class", ylabel="true class (images)")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        _title(axes, "Test images", result)
        save(figure, folder / "confusion_matrix.png", result)


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Draw losses, accuracies, the selected number and the learning rate over the epochs."""

    def write(self, result: Result, folder: Path) -> None:
        """Write curves.png."""
        history = result.history
        epochs = [record["epoch"] for record in history]
        figure = new_figure(14.5, 3.4)
        loss, accuracy, chosen, rate = figure.subplots(1, 4)
        _line(loss, epochs, [record["train_loss"] for record in history], TRAIN, "training")
        _line(loss, epochs, [record["val_loss"] for record in history], VALIDATION, "validation")
        loss.legend(frameon=False, fontsize=9)
        loss.set_title("loss", fontsize=10, loc="left")
        for key, colour, label in (
            ("train_accuracy", TRAIN, "training"), ("accuracy", VALIDATION, "validation")
        ):  # fmt: skip
            values = [record.get(key, float("nan")) for record in history]
            _line(accuracy, epochs, values, colour, label)
        accuracy.legend(frameon=False, fontsize=9)
        accuracy.set_title("accuracy", fontsize=10, loc="left")
        accuracy.set_ylim(-0.02, 1.02)
        name = "balanced_accuracy" if result.select in ("val_loss", "accuracy") else result.select
        values = [record.get(name, float("nan")) for record in history]
        _line(chosen, epochs, values, VALIDATION, "")
        chosen.axvline(result.best_epoch, color=GREY, linewidth=0.8, linestyle=":")
        chosen.set_title(
            f"validation {name.replace('_', ' ')}, best epoch {result.best_epoch}",
            fontsize=10,
            loc="left",
        )
        _line(rate, epochs, [record["lr"] for record in history], GREY, "")
        rate.set_title("learning rate at the start of the epoch", fontsize=10, loc="left")
        for axes in (loss, accuracy, chosen, rate):
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.spines[["top", "right"]].set_visible(False)
        chosen.set_ylim(-0.02, 1.02)
        figure.suptitle(result.name, fontsize=10, x=0.01, ha="left")
        save(figure, folder / "curves.png", result)


def new_figure(width: float, height: float) -> Figure:
    """Return a figure that needs no display, in inches."""
    from matplotlib.figure import Figure

    return Figure((width, height), layout="constrained", dpi=130)


def save(figure: Figure, file: Path, result: Result) -> None:
    """Write a figure, the run's marks below it, and give it its name only when it is whole."""
    if result.marks:
        figure.supxlabel("\n".join(result.marks), fontsize=7.5, color=GREY)
    with atomic_write(file) as partial:
        draw(figure, partial, format="png")


def draw(figure: Figure, sink: Any, **options: Any) -> None:
    """Write a figure; the names in it may hold dollars, which begin no formula.

    options: of `savefig`.
    """
    from matplotlib import rc_context
    from matplotlib.text import Text

    with rc_context({"text.parse_math": False}):
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        figure.savefig(sink, **options)


def _line(axes: Axes, x: Sequence[Any], y: Sequence[float], colour: str, label: str) -> None:
    axes.plot(x, y, color=colour, label=label, linewidth=1.6, marker="o", markersize=3)


def _title(axes: Axes, text: str, result: Result) -> None:
    numbers = result.metrics["test"]
    measured = "   ".join(
        f"{name.replace('_', ' ')} {numbers[name]:.3f}"
        for name in ("balanced_accuracy", "accuracy")
        if name in numbers
    )
    axes.set_title(f"{text} of {result.name}\n{measured}", fontsize=10, loc="left")
