"""What a page and a model card say of a run, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skinfw import MIN_LESIONS, Result, few_lesions
from skinfw.toolkit import NETWORK_LIMITS, dataset_name
from skinfw_reports.cells import images_of, words


def about_dataset(recipe: Mapping[str, Any]) -> str:
    """Return what the data of a recipe are called."""
    return dataset_name(recipe) if "dataset" in recipe else "its data set"


def about_intervals(result: Result) -> str:
    """Return how to read the numbers and their intervals."""
    intervals = result.intervals.get("test", {})
    if not intervals:
        return f"These are the numbers of one {images_of(result)}; others would give others."
    return (
        "An interval holds what lesions without end from the same source would give in about "
        "nineteen of twenty test parts. Another training, clinic or camera is not in it."
    )


def _about_members(record: Mapping[str, Any]) -> str:
    """Tell of a run that was made of others."""
    names = ", ".join(own["name"] for own in record["members"])
    if not (combination := record.get("combination")):
        return f"The weights are the mean of those of {names}."
    weights = ", ".join(f"{weight:.3f}" for weight in combination["weights"])
    return (
        f"The networks of {names} answer together: the mean of their {combination['method']}, "
        f"with the weights {weights}. No number is of a lesion that one of them has trained on."
    )


def about_training(result: Result, evaluated_again: bool) -> str:
    """Return how long the network was trained, and what chose its weights."""
    if result.record.get("members"):
        return _about_members(result.record)
    kept = f"the weights of epoch {result.best_epoch} were kept"
    kept = f"{len(result.history)} epochs; {kept}" if result.history else kept.capitalize()
    if result.record.get("recipe", {}).get("train", {}).get("validation") == "test":
        return f"{kept}. See the marks at the top: the test part had a say in it."
    kept = f"{kept}, because its validation {words(result.select)} was the best."
    return kept if evaluated_again else f"{kept} The test part was looked at once, at the end."


def about_networks(record: Mapping[str, Any]) -> list[str]:
    """Return which network the numbers are of, where the run has two."""
    if not (refit := record.get("refit")):
        return []
    learned = "training, validation and test" if refit["on"] == "all" else "training and validation"
    return [
        "All numbers here belong to the first network of the run, best.safetensors, and "
        "none to its refit, refit.safetensors, which answers new images: once everything was "
        f"chosen, it was trained from the beginning on the {learned} part."
    ]


def about_leakage(record: Mapping[str, Any]) -> list[str]:
    """Return what was checked of the split, and what came of it."""
    split = record.get("recipe", {}).get("split", {}).get("use", "")
    told = [f'The split "{split}" divided the images. A hash of the division is in run.json.']
    if leakage := record.get("leakage"):
        looked = "their names and their pixels" if leakage["check"] == "images" else "their names"
        links = ", ".join(f"{count:,} by {words(name)}" for name, count in leakage["links"].items())
        told.append(
            f"Images were joined by {looked} into {leakage['components']:,} components"
            f"{f' ({links})' if links else ''}; none of them may be on two sides."
        )
        dropped = sum(leakage["dropped"].values())
        if dropped:
            told.append(f"{dropped:,} images were left out, so that no component is on two sides.")
        told.append(
            f"{leakage['straddling']:,} components are on two sides: the numbers are too good."
            if leakage["straddling"]
            else "No component is on two sides."
        )
    return told + [str(note) for note in record.get("notes", [])]


def limits(result: Result) -> list[str]:
    """Return what the network cannot do, and what must be known of its numbers."""
    few = [f"{name} ({count})" for name, count in few_lesions(result.predictions["test"]).items()]
    known = [*NETWORK_LIMITS]
    if few:
        known.append(
            f"Classes with fewer than {MIN_LESIONS} lesions here, whose numbers are coarse: "
            f"{', '.join(few)}."
        )
    return known + list(result.marks)
