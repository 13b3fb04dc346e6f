"""report.html: what a reader must know about a run, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Interval

from skinfw import (
    Comparison,
    Findings,
    Result,
    SeedsSummary,
    SweepSummary,
    Validation,
    atomic_write,
    read_csv,
)
from skinfw_reports import drawings
from skinfw_reports.cells import (
    all_numbers,
    confusion,
    headline,
    interval_notes,
    parts_table,
    per_class,
    plain_table,
    section,
)
from skinfw_reports.comparison import comparison_content
from skinfw_reports.definitions import Glossary
from skinfw_reports.gallery import everyone, gallery, gallery_text
from skinfw_reports.seeds import seeds_content
from skinfw_reports.sentences import (
    about_dataset,
    about_intervals,
    about_leakage,
    about_networks,
    about_training,
    limits,
)
from skinfw_reports.sweep import sweep_content
from skinfw_reports.validation import validation_content, write_plot

TITLES = {
    "classes": "Results per class",
    "confusion": "Confusion matrix",
    "curves": "ROC and precision-recall",
    "decision": "Decision curve",
    "calibration": "Calibration",
    "gallery": "Gallery",
    "numbers": "All numbers",
    "training": "Training",
    "leakage": "Split and leakage",
    "card": "Model card",
    "reproducibility": "Reproducibility",
    "definitions": "What the numbers mean",
}
"""The page's own sections; what reports found follows calibration, under headings of their own."""

_LONG_CELL = 60
"""Letters from which a table of findings is one of texts, whose cells are wrapped."""

_NO_CALIBRATION = Findings(
    "calibration",
    "Calibration",
    [
        'The report "calibration" adds temperature scaling, operating points and prediction sets, '
        "all chosen on the validation part."
    ],
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Write report.html, one file that loads nothing.

    It shows the headline with its interval, first the number that chose the epoch, each class, the
    confusion matrix, ROC, precision-recall and decision curves, calibration, a gallery of images to
    choose from by class and probability, all numbers, what was trained on what, the split and its
    leakage, and a model card. What other reports of the recipe found has sections of its own. For
    `skinfw evaluate` the page is about the images that were evaluated.

    images: how many images the gallery shows at most, about 15 kB each.
    mistakes: how many of them are the most confident mistakes.
    """

    images: Annotated[int, Interval(ge=0, le=500)] = 60
    mistakes: Annotated[int, Interval(ge=0, le=100)] = 12

    def write(self, result: Result, folder: Path) -> None:
        """Write the page, and give it its name only when it is whole."""
        _render("page.html.jinja", self._content(result), folder / "report.html")

    evaluate = write

    def compare(self, comparison: Comparison, folder: Path) -> None:
        """Write comparison.html, several runs beside each other."""
        content = comparison_content(comparison)
        _render("comparison.html.jinja", content, folder / "comparison.html")

    def validate(self, validation: Validation, folder: Path) -> None:
        """Write validation.html, one run on several data sets, and its plot, validation.png."""
        content = validation_content(validation)
        _render("validation.html.jinja", content, folder / "validation.html")
        write_plot(validation, folder / "validation.png")

    def summarize(self, summary: SeedsSummary, folder: Path) -> None:
        """Write seeds.html, a recipe that was trained with several seeds."""
        _render("seeds.html.jinja", seeds_content(summary), folder / "seeds.html")

    def sweep(self, summary: SweepSummary, folder: Path) -> None:
        """Write sweep.html, the settings that a sweep tried."""
        _render("sweep.html.jinja", sweep_content(summary), folder / "sweep.html")

    def present(self, title: str, findings: Sequence[Findings], file: Path) -> None:
        """Write a page of what a command found, a section for each."""
        sections = [section(own) for own in findings]
        for table in (table for own in sections for table in own["tables"]):
            cells = [cell for row in table["rows"] for cell in row]
            table["texts"] = max(map(len, cells), default=0) > _LONG_CELL
        content = {"title": title, "sections": sections, "glossary": Glossary()}
        _render("findings.html.jinja", content, file.with_name(f"{file.name}.html"))

    def _content(self, result: Result) -> dict[str, Any]:
        """Return everything that the template names."""
        record, evaluation = result.record, result.evaluation
        recipe = record.get("recipe", {})
        test, metrics = result.predictions["test"], result.metrics.get("test", {})
        cards = gallery(result, self.images, self.mistakes)
        bounds = result.intervals.get("test", {})
        decision = drawings.net_benefit(metrics, bounds, _costs(recipe))
        others = [section(own) for own in result.findings if own.key != "calibration"]
        titles = [(key, title) for key, title in TITLES.items() if key != "decision" or decision]
        place = [key for key, _ in titles].index("calibration") + 1
        titles[place:place] = [(own["key"], own["title"]) for own in others]
        return {
            "name": _title(result),
            "backbone": recipe.get("backbone", {}).get("use", "a network"),
            "dataset": about_dataset(recipe),
            "evaluated_dataset": evaluation.get("dataset", ""),
            "evaluation_notes": evaluation.get("notes", []),
            "started": record.get("started", "").partition("T")[0],
            "version": record.get("versions", {}).get("skinfw", ""),
            "tested": {"images": len(test.ids), "lesions": len(set(test.lesions))},
            "headline": headline(result),
            "numbers": all_numbers(result),
            "interval_notes": interval_notes(result),
            "glossary": Glossary(),
            "reading": about_intervals(result),
            "networks": [] if evaluation else about_networks(record),
            "marks": list(result.marks),
            "titles": dict(titles),
            "sections": [{"key": key, "title": title} for key, title in titles],
            "classes": per_class(result),
            "confusion": confusion(test),
            "curves": drawings.operating_curves(test),
            "decision": decision,
            "reliability": drawings.reliability(test),
            "calibration": section(result.section("calibration") or _NO_CALIBRATION),
            "findings": others,
            "cards": cards,
            "gallery_text": gallery_text(result, cards),
            "class_choices": [(name, name) for name in everyone(result)[0].classes],
            "unknown_choices": any(card["unknown"] for card in cards),
            "scripts": bool(cards or any(own["scatters"] for own in others)),
            "training_text": about_training(result, bool(evaluation)),
            "refit": None if evaluation else _networks_table(result),
            "parts": parts_table(result.folder / "splits.csv", result.classes),
            "xray": _xray(record.get("xray", [])),
            "history": drawings.history(result.history, result.select, result.best_epoch),
            "leakage": about_leakage(record),
            "limits": limits(result),
            "environment": _environment(record),
            "recipe": json.dumps(recipe, indent=1),
        }


def _title(result: Result) -> str:
    """Return what the page is about: a run, or a run on the images of an evaluation."""
    if not result.evaluation:
        return result.name
    return f"{result.record.get('name', 'a run')} on {result.name}"


def _render(template: str, content: Mapping[str, Any], file: Path) -> None:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skinfw_reports", "."),
        autoescape=True,  # ids, labels and paths come from other people's tables
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(content)
    with atomic_write(file) as partial:
        partial.write_text(text, encoding="utf-8")


def _costs(recipe: Mapping[str, Any]) -> Mapping[str, float]:
    """Return the costs of mistakes by class that the metric of net benefit was given."""
    costs: dict[str, float] = {}
    for metric in recipe.get("metric", ()):
        costs |= metric.get("costs", {})
    return costs


def _networks_table(result: Result) -> dict[str, Any] | None:
    """Return what each network of a run learned and is for, where there are two."""
    if not (refit := result.record.get("refit")):
        return None
    splits = read_csv(result.folder / "splits.csv", ["lesion", "part"], own=True)
    first = splits[splits["part"] == "train"]
    rows = [
        ["best.safetensors", "train", f"{len(first):,}", f"{first['lesion'].nunique():,}",
         f"{result.best_epoch}", "the numbers of this page"],
        ["refit.safetensors", refit["on"], f"{refit['images']:,}", f"{refit['lesions']:,}",
         f"{refit['epochs']}", "answers about new images"],
    ]  # fmt: skip
    head = ["network", "trained on", "images", "lesions", "epochs", "for"]
    return plain_table("The networks of the run", head, rows)


def _environment(record: Mapping[str, Any]) -> dict[str, Any]:
    hardware, timings = record.get("hardware", {}), record.get("timings", {})
    device = hardware.get("gpu") or hardware.get("device", "")
    rows = [
        ["command", record.get("command", "")],
        ["started", record.get("started", "")],
        ["git commit", record.get("git_commit", "") or "none"],
        ["platform", record.get("platform", "")],
        ["device", f"{device}, {hardware.get('precision', '')}"],
        ["CUDA", _cuda(record.get("machine", {}))],
        ["versions", ", ".join(f"{k} {v}" for k, v in record.get("versions", {}).items())],
        ["seconds", ", ".join(f"{k} {v:,.0f}" for k, v in timings.items())],
        ["data fingerprint", record.get("data_fingerprint", "")],
    ]
    return plain_table("Where and when", ["", ""], rows)


def _cuda(machine: Mapping[str, str]) -> str:
    """Return the versions of CUDA and cuDNN that a run computed with."""
    parts = ("", machine.get("cuda")), ("cuDNN ", machine.get("cudnn"))
    return ", ".join(f"{name}{version}" for name, version in parts if version) or "none"


def _xray(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if not entries:
        return None
    rows = []
    for entry in entries:
        first, last = entry["share_of_loss"][0], entry["share_of_loss"][-1]
        share = f"{first:.0%}" if abs(first - last) < 0.005 else f"{first:.0%} to {last:.0%}"
        counts = [f"{entry[key]:,}" for key in ("images", "lesions", "drawn", "most_repeated")]
        rows.append([entry["class"], *counts, share])
    before, after = (f"{sum(entry[key] for entry in entries):,}" for key in ("images", "drawn"))
    rows.append(["all", before, "", after, "", ""])
    head = ["class", "images before", "lesions", "images after", "most often", "share of the loss"]
    caption = (
        "Training images of each class before the sampler and, in an epoch, after it; how often "
        "the most repeated one comes; and the share of the loss, with the weighting"
    )
    return plain_table(caption, head, rows)
