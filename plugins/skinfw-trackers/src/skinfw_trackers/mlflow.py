"""A run in an MLflow store, by MLflow's own client; sent twice, it stands there once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock

from skinfw_trackers.names import flat_parameters, tags
from skinfw_trackers.tracker import QueuedTracker

_PATIENCE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # what a clinic trains is nobody's business
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # the queue tries again
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_NUMBERS, _PARAMETERS, _LETTERS = 1000, 100, 6000
"""Of one request: numbers, parameters, letters of a parameter."""
_STATUS = {"done": "FINISHED", "failed": "FAILED"}
_LOCK_SECONDS = 60.0
_SQLITE = "sqlite:///"


@dataclass(kw_only=True)
class Mlflow(QueuedTracker):
    """Keep the run in an MLflow store: parameters, numbers, figures, report, weights, lineage.

    uri: of the store or the tracking server; unless given, that of `MLFLOW_TRACKING_URI`, and
        without one the file mlflow.db in the folder of the runs.
    experiment: its name; the recipe's unless given.
    model: whether the weights are sent, too.
    patience: seconds that the end of a run waits for what is not delivered yet.
    """

    uri: str = ""
    experiment: str = ""
    model: bool = True

    name: ClassVar[str] = "mlflow"
    library: ClassVar[str] = "mlflow"

    def sends_model(self) -> bool:
        """Return whether the weights are among what is sent."""
        return self.model

    def settings(self, place: Path) -> dict[str, Any]:
        """Return the settings, and the file that is the store where none is named."""
        uri = self.uri
        if uri.startswith(_SQLITE):  # `skinfw track` may be called elsewhere
            uri = _SQLITE + str(Path(uri.removeprefix(_SQLITE)).absolute())
        return {**super().settings(place), "uri": uri, "file": str(place / "mlflow.db")}


class MlflowDestination:
    """Send entries to a store; the client imports most of MLflow, so it is made at the start."""

    replays = False

    def __init__(self, settings: dict[str, Any], run: Path, queue: Path) -> None:
        """Take the settings and the run folder."""
        self._settings, self._run = settings, run

    def start(self, entry: dict[str, Any], memory: dict[str, str]) -> None:
        """Make the run in the store, or find it there again."""
        for name, value in _PATIENCE.items():
            os.environ.setdefault(name, value)
        from mlflow.tracking import MlflowClient

        named = self._settings["uri"] or os.environ.get("MLFLOW_TRACKING_URI", "")
        uri = named or f"{_SQLITE}{self._settings['file']}"
        is_file = uri.startswith(_SQLITE)
        file = Path(uri.removeprefix(_SQLITE) if is_file else self._settings["file"])
        # Runs that begin together must not make the store, an experiment or a study twice.
        with FileLock(file.with_name(".mlflow.lock"), timeout=_LOCK_SECONDS):
            self._client = MlflowClient(uri)
            experiment = self._experiment(entry, file.parent if is_file else None)
            self._id = memory.get("run") or self._find(experiment, "run", entry["run"]["id"])
            if not self._id:
                self._id = self._make(experiment, entry)
            memory["run"] = self._id
        self._client.update_run(self._id, status="RUNNING")
        self._send_parameters(entry)

    def epoch(self, entry: dict[str, Any]) -> None:
        """Send the numbers of an epoch at its step."""
        self._send_numbers(entry)

    def end(self, entry: dict[str, Any]) -> None:
        """Send the numbers of the best epoch at its step, and the files."""
        from mlflow.entities import RunTag

        self._send_numbers(entry)
        about = [RunTag(f"skinfw.{name}", text) for name, text in tags(entry["lineage"]).items()]
        self._client.log_batch(self._id, tags=about)
        folders = {"figure": "figures", "model": "model", "record": "records"}
        for name, role in entry["files"].items():
            self._client.log_artifact(self._id, str(self._run / name), folders.get(role))
        self._client.set_terminated(self._id, "FINISHED")

    def leave(self, status: str) -> None:
        """Say how a run ended that has not told its end."""
        if status != "done":
            self._client.set_terminated(self._id, _STATUS.get(status, "KILLED"))

    def _experiment(self, entry: dict[str, Any], folder: Path | None) -> str:
        """Return the id of the experiment.

        folder: of a store that is a file, beside which the files of runs are kept.
        """
        recipe = str(entry["lineage"].get("recipe") or "skinfw")
        name = self._settings["experiment"] or recipe
        if found := self._client.get_experiment_by_name(name):
            return str(found.experiment_id)
        place = folder and (folder / "mlartifacts" / re.sub(r"\W", "_", name)).absolute().as_uri()
        return str(self._client.create_experiment(name, artifact_location=place))

    def _find(self, experiment: str, tag: str, value: str) -> str:
        """Return the id of the run with a tag of ours, "" where there is none."""
        found = self._client.search_runs([experiment], f"tags.`skinfw.{tag}` = '{value}'")
        return str(found[0].info.run_id) if found else ""

    def _make(self, experiment: str, entry: dict[str, Any]) -> str:
        """Make a run, below that of its study where it has one."""
        lineage = tags(entry["lineage"])
        about = {f"skinfw.{name}": text for name, text in lineage.items()}
        about |= {"skinfw.run": entry["run"]["id"], "mlflow.source.name": "skinfw"}
        if study := lineage.get("study_id"):
            parent = self._find(experiment, "study_run", study)
            if not parent:
                own = {"skinfw.study_run": study, "mlflow.source.name": "skinfw"}
                made = self._client.create_run(experiment, tags=own, run_name=lineage["study"])
                parent = str(made.info.run_id)
                self._client.set_terminated(parent, "FINISHED")  # nobody else would
            about["mlflow.parentRunId"] = parent
        moment = int(entry["time"] * 1000)
        name = entry["run"]["name"]
        made = self._client.create_run(experiment, start_time=moment, tags=about, run_name=name)
        return str(made.info.run_id)

    def _send_parameters(self, entry: dict[str, Any]) -> None:
        from mlflow.entities import Param

        own = [
            Param(stored_name(name), text[:_LETTERS])
            for name, text in flat_parameters(entry["recipe"]).items()
        ]
        for start in range(0, len(own), _PARAMETERS):
            self._client.log_batch(self._id, params=own[start : start + _PARAMETERS])

    def _send_numbers(self, entry: dict[str, Any]) -> None:
        from mlflow.entities import Metric

        moment = int(entry["time"] * 1000)
        own = [
            Metric(stored_name(name), value, moment, entry["epoch"])
            for name, value in entry["numbers"].items()
            if value is not None
        ]
        for start in range(0, len(own), _NUMBERS):
            self._client.log_batch(self._id, metrics=own[start : start + _NUMBERS])


def stored_name(name: str) -> str:
    """Return a name as MLflow takes it: a letter that it refuses becomes its number, `_2b_`."""
    return re.sub(r"[^/\w.\- :]", lambda letter: f"_{ord(letter[0]):x}_", name)
