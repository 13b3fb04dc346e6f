"""The runs that are put together: read, and refused where they cannot answer as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skinfw import RecipeError, read_csv
from skinfw.toolkit import (
    TrainedModel,
    data_sources,
    display_path,
    file_digest,
    load_trained_model,
    read_run,
)

if TYPE_CHECKING:
    import pandas as pd

Network = Literal["best", "refit"]


@dataclass(frozen=True)
class Member:
    """Hold one of the runs.

    model: what its record tells of its network.
    record: run.json.
    splits: which image is in which part of it.
    """

    model: TrainedModel
    record: Mapping[str, Any]
    splits: pd.DataFrame

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.model.path.resolve().name

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        """What reads each of its data sets."""
        return data_sources(self.model.tables["dataset"])

    @property
    def learners(self) -> list[Member]:
        """The runs in which its networks have learned: those of an ensemble, or itself."""
        return [read_member(own.path, own.trust, own.network) for own in self.model.members] or [
            self
        ]

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts of its data that its network was trained on."""
        return self.model.learned if self.model.network == "refit" else ("train",)

    @property
    def chosen_parts(self) -> tuple[str, ...]:
        """The part of its data that chose its epoch; a run made of others calls it "val"."""
        made = bool(self.record.get("members"))
        return ("val",) if made else (str(self.model.tables["train"]["validation"]),)

    def entry(self) -> dict[str, str]:
        """Return what run.json tells of it."""
        digest = file_digest(self.model.weights)
        return {"name": self.name, "sha256": digest, "network": self.model.network}


def read_members(
    runs: Sequence[Path], trust: bool = False, network: Network = "best"
) -> list[Member]:
    """Read runs of single networks, all of the same classes.

    runs: their folders.
    trust: whether Python files that they name may be imported unseen.
    network: which one of each run; those of their numbers unless given.
    Raises RecipeError for runs that cannot answer as one.
    """
    members = [read_member(run, trust, network) for run in runs]
    first = members[0]
    weights: dict[str, Member] = {}
    for own in members:
        if own.model.members:
            raise RecipeError(
                f"{own.name} is an ensemble already",
                display_path(own.model.path),
                "the members of an ensemble are single networks",
                "name its members instead: they are the runs that it was made of",
            )
        if own.model.classes != first.model.classes:
            raise RecipeError(
                f"{own.name} and {first.name} answer different classes",
                display_path(own.model.path),
                f"{', '.join(own.model.classes)}; and {', '.join(first.model.classes)}",
                "name runs of the same classes in the same order",
            )
        same = weights.setdefault(own.entry()["sha256"], own)
        if same is not own:
            raise RecipeError(
                f"{own.name} and {same.name} are the same network",
                display_path(own.model.path),
                "it would count twice",
                "name each run once; runs of one recipe differ by --set seed=N",
            )
    return members


def read_member(run: Path, trust: bool = False, network: Network = "best") -> Member:
    """Read a run, with one of its networks.

    Raises RecipeError where it is not done.
    """
    record = read_run(run)
    if record.get("status") != "done":
        raise RecipeError(
            f"the run is {record.get('status')}",
            display_path(run),
            "its weights and its numbers may still change",
            f"skinfw run {display_path(run)} --resume",
        )
    model = load_trained_model(run, trust=trust, network=network)
    splits = read_csv(model.path / "splits.csv", ["id", "lesion", "label", "part"], own=True)
    if "component" not in splits:  # as older versions wrote it
        splits["component"] = splits["lesion"]
    return Member(model, record, splits)
