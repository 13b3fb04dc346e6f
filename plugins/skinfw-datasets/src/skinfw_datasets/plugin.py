"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, Component, hookimpl
from skinfw_datasets.points import POINTS

SKINFW_API = 1
_CRITERIA = {name: ["absent", value] for name, (value, _) in POINTS.items()}


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "dataset",
        "derm7pt",
        "skinfw_datasets.derm7pt:Derm7pt",
        "Derm7PT in its official layout: five groups of diagnoses, seven-point criteria.",
        example={"root": "release_v0"},
    )
    yield Component(
        "dataset",
        "folder",
        "skinfw_datasets.own:Folder",
        "Your own images: one folder per class.",
        example={"root": "images"},
    )
    yield Component(
        "dataset",
        "annotations",
        "skinfw_datasets.annotations:Annotations",
        "The annotation JSON of Yao et al.'s system.",
        example={"train": "train.json"},
    )
    yield Component(
        "dataset",
        "csv",
        "skinfw_datasets.own:CsvTable",
        "Your own images: a CSV with ids or paths, labels and whatever else is known.",
        example={"file": "images.csv"},
    )
    yield Component(
        "dataset",
        "shards",
        "skinfw_datasets.shards:Shards",
        "Images in few large files, as `skinfw data shard` writes them.",
        example={"root": "shards"},
    )
    yield Component(
        "dataset",
        "merged",
        "skinfw_datasets.merged:Merged",
        "Several data sets as one: what [[dataset]] comes to, which no recipe names.",
    )
    yield Component(
        "metric",
        "seven-point",
        "skinfw_datasets.seven_point:SevenPoint",
        "How well a network reads the criteria of the seven-point checklist, and its score.",
        example={"auxiliary": _CRITERIA},
    )
    yield Component(
        "report",
        "seven-point",
        "skinfw_datasets.seven_point:SevenPointTable",
        "seven_point.csv: criteria and score beside the diagnosis.",
        example={"auxiliary": _CRITERIA},
    )


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "data convert",
        "skinfw_datasets.command:convert",
        "Write the parts of a data set as the annotation JSON of Yao et al.",
    )
    yield Command(
        "data shard",
        "skinfw_datasets.shard_command:shard",
        "Write the images of a data set into few large files, and their index.",
    )
