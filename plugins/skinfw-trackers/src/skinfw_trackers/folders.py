"""Trackers that write files: where those of a run go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinfw_trackers.tracker import QueuedTracker


@dataclass(kw_only=True)
class FolderTracker(QueuedTracker):
    """Have a folder for all runs, or stand in each run's own."""

    folder: str = ""

    def settings(self, place: Path) -> dict[str, Any]:
        """Return where the files go, "" for the queue's own folder."""
        return {"folder": self.folder and str(Path(self.folder).resolve())}


def run_place(settings: dict[str, Any], queue: Path, entry: dict[str, Any]) -> Path:
    """Return the folder for the files of a run, below that of its study where it has one.

    settings: of a `FolderTracker`.
    queue: the folder of the queue, where no other one is named.
    entry: the first one of the run.
    """
    if not settings["folder"]:
        return queue
    study = str(entry["lineage"].get("study") or "")
    return Path(settings["folder"]) / Path(study).name / Path(entry["run"]["name"]).name
