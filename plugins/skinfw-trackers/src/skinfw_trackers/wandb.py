"""A run in Weights & Biases, by its own client."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from skinfw_trackers.names import tags
from skinfw_trackers.tracker import QueuedTracker

_INIT_SECONDS = 30.0


@dataclass(kw_only=True)
class Wandb(QueuedTracker):
    """Send the run to Weights & Biases: parameters, numbers, figures, report, weights, lineage.

    Of the machine only its system and the version of Python are sent, and no output. Runs of a
    study are a group.

    project: its name; the recipe's unless given.
    entity: the user or team; the account's own unless given.
    mode: "online", or "offline" for `wandb sync` to send later; that of `WANDB_MODE` unless given.
    model: whether the weights are sent, too.
    patience: seconds that the end of a run waits for what is not delivered yet.
    """

    project: str = ""
    entity: str = ""
    mode: Literal["", "online", "offline"] = ""
    model: bool = True

    name: ClassVar[str] = "wandb"
    library: ClassVar[str] = "wandb"

    def sends_model(self) -> bool:
        """Return whether the weights are among what is sent."""
        return self.model


class WandbDestination:
    """Send entries to a run; what the server has already of it, it leaves out."""

    replays = True

    def __init__(self, settings: dict[str, Any], run: Path, queue: Path) -> None:
        """Take the folders of the run and of its queue."""
        self._settings, self._run, self._queue = settings, run, queue

    def start(self, entry: dict[str, Any], memory: dict[str, str]) -> None:
        """Begin the run, or go on with it."""
        import wandb

        lineage = tags(entry["lineage"])
        memory.setdefault("run", entry["run"]["id"])
        self._sent = wandb.init(
            project=self._settings["project"] or lineage.get("recipe") or "skinfw",
            entity=self._settings["entity"] or None,
            mode=self._settings["mode"] or None,
            id=memory["run"],
            resume="allow",
            name=entry["run"]["name"],
            group=lineage.get("study"),
            job_type=entry["lineage"].get("word"),
            config={**entry["recipe"], "lineage": lineage},
            dir=str(self._queue),
            settings=wandb.Settings(
                console="off",
                disable_git=True,
                disable_job_creation=True,
                host="skinfw",
                init_timeout=_INIT_SECONDS,
                save_code=False,
                silent=True,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )

    def epoch(self, entry: dict[str, Any]) -> None:
        """Send the numbers of an epoch at its step."""
        numbers = {name: value for name, value in entry["numbers"].items() if value is not None}
        self._sent.log({"epoch": entry["epoch"], **numbers}, step=entry["epoch"])

    def end(self, entry: dict[str, Any]) -> None:
        """Send the numbers of the best epoch as the summary, and the files; wait for the last."""
        import wandb

        self._sent.config.update({"lineage_end": tags(entry["lineage"])}, allow_val_change=True)
        self._sent.summary.update({"best_epoch": entry["epoch"], **entry["numbers"]})
        shown: dict[str, Any] = {}
        model = wandb.Artifact(re.sub(r"[^\w.-]", "_", f"model-{self._sent.id}"), "model")
        for name, role in entry["files"].items():
            file = str(self._run / name)
            if role == "figure":
                shown[f"figures/{Path(name).stem}"] = wandb.Image(file)
            elif role == "report":
                shown["report"] = wandb.Html(Path(file).read_text("utf-8"), inject=False)
            else:
                model.add_file(file, policy="immutable")  # or it would be copied first
        self._sent.log(shown)
        self._sent.log_artifact(model)
        self._sent.finish()

    def leave(self, status: str) -> None:
        """Close a run that has not told its end."""
        if status != "done":
            self._sent.finish(exit_code=1)
