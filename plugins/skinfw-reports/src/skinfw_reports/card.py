"""README.md: a model card beside the weights, in the form that the Hugging Face Hub reads."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import Result, atomic_write
from skinfw_reports.cells import headline, parts_table, per_class, plain_table
from skinfw_reports.sentences import (
    about_dataset,
    about_intervals,
    about_leakage,
    about_networks,
    about_training,
    limits,
)

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

_TEMPLATE = Path(__file__).with_name("card.md.jinja")
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]|#"})


@dataclass(frozen=True, kw_only=True)
class Card:
    """Write README.md, the model card of the run's network (Mitchell et al. 2019).

    Its head has the numbers of the test part as the Hugging Face Hub reads them; its text what the
    network is for, its limits, the first numbers and those of each class with their intervals, and
    on what it was trained.
    Nothing is sent anywhere, and no licence is stated: both are for the owner of the weights.
    """

    def write(self, result: Result, folder: Path) -> None:
        """Write the card, and give it its name only when it is whole."""
        from huggingface_hub import ModelCard, ModelCardData

        recipe = result.record.get("recipe", {})
        data = ModelCardData(
            library_name="skinfw",
            pipeline_tag="image-classification",
            tags=["dermoscopy", "skin-lesion"],
            model_name=result.name,
            eval_results=_results(result),
        )
        classes = per_class(result)
        numbers = [[one["label"], one["value"], one["interval"]] for one in headline(result)]
        first = plain_table("First of all", ["number", "value", "95 % interval"], numbers)
        card = ModelCard.from_template(
            data,
            str(_TEMPLATE),
            name=plain_text(result.name),
            backbone=plain_text(recipe.get("backbone", {}).get("use", "a network")),
            dataset=plain_text(about_dataset(recipe)),
            version=result.record.get("versions", {}).get("skinfw", ""),
            size=recipe.get("image", {}).get("size"),
            classes=", ".join(map(plain_text, result.classes)),
            limits=[plain_text(text) for text in limits(result)],
            results=[about_intervals(result), *classes["notes"]],
            tables=[table_text(table) for table in (first, classes["table"])],
            training=[about_training(result, False), *about_networks(result.record)],
            leakage=[plain_text(text) for text in about_leakage(result.record)],
            parts=table_text(parts_table(result.folder / "splits.csv", result.classes)),
        )
        with atomic_write(folder / "README.md") as partial:
            partial.write_text(f"{card}\n", encoding="utf-8")


def _results(result: Result) -> list[EvalResult]:
    """Return the numbers of the test part that are not of single classes, if they were measured."""
    from huggingface_hub import EvalResult

    dataset = about_dataset(result.record.get("recipe", {}))
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split="test",
            metric_type=name,
            metric_value=value,
        )
        for name, value in result.metrics["test"].items()
        if "/" not in name and not math.isnan(value)
    ]


def table_text(table: dict[str, Any]) -> str:
    """Return a table of the page as Markdown."""
    head, rows = table["head"], table["rows"]
    lines = [_row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join([f"{plain_text(table['caption'])}:", "", *lines])


def plain_text(text: str) -> str:
    """Return a text that Markdown shows as it is: names come from other people's tables."""
    line = " ".join(text.split())
    return html.escape(line, quote=False).translate(_MARKS)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell == '---' else plain_text(cell) for cell in cells)} |"
