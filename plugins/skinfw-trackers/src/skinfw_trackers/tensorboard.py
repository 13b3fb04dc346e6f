"""A run as event files of TensorBoard, written by TensorBoard's own writer, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from skinfw_trackers.folders import FolderTracker, run_place
from skinfw_trackers.names import flat_parameters, tags


@dataclass(kw_only=True)
class TensorBoard(FolderTracker):
    """Write event files for `tensorboard --logdir`: numbers, figures, parameters, lineage.

    TensorBoard keeps 32 bits of a number.

    folder: where a folder for each run is made; unless given, they stand in the run folder.
    patience: seconds that the end of a run waits for what is not delivered yet.
    """

    name: ClassVar[str] = "tensorboard"
    library: ClassVar[str] = "tensorboard"


class TensorBoardDestination:
    """Append to an event file; a new process begins a new one, which TensorBoard joins."""

    replays = False

    def __init__(self, settings: dict[str, Any], run: Path, queue: Path) -> None:
        """Take the folders of the run and of its queue."""
        self._settings, self._run, self._queue = settings, run, queue

    def start(self, entry: dict[str, Any], memory: dict[str, str]) -> None:
        """Open an event file; the first one has the parameters."""
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(run_place(self._settings, self._queue, entry)))
        if "began" not in memory:
            parameters = flat_parameters(entry["recipe"])
            self._hyperparameters(parameters, entry["time"])
            self._text("parameters", parameters, entry)
            self._text("lineage", tags(entry["lineage"]), entry)
            self._writer.flush()
            memory["began"] = "yes"

    def epoch(self, entry: dict[str, Any]) -> None:
        """Write the numbers of an epoch at its step."""
        self._numbers(entry)
        self._writer.flush()

    def end(self, entry: dict[str, Any]) -> None:
        """Write the numbers of the best epoch at its step, the figures, and where the rest is."""
        self._numbers(entry)
        for name, role in entry["files"].items():
            if role == "figure":
                self._figure(name, entry)
        self._text("source", tags(entry["lineage"]), entry)
        files = {name: str(self._run / name) for name in entry["files"]}
        self._text("files", files, entry)
        self._writer.flush()

    def leave(self, status: str) -> None:
        """Close the event file."""
        self._writer.close()

    def _numbers(self, entry: dict[str, Any]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in entry["numbers"].items()
            if value is not None
        ]
        self._add(Summary(value=values), entry)

    def _figure(self, name: str, entry: dict[str, Any]) -> None:
        """Add a PNG file as it is."""
        from PIL import Image
        from tensorboard.compat.proto.summary_pb2 import Summary

        file = self._run / name
        with Image.open(file) as picture:
            width, height = picture.size
        image = Summary.Image(
            height=height, width=width, colorspace=4, encoded_image_string=file.read_bytes()
        )
        tag = f"figures/{Path(name).stem}"
        self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), entry)

    def _text(self, tag: str, rows: dict[str, str], entry: dict[str, Any]) -> None:
        """Add a table of names and texts, in the Markdown that TensorBoard shows."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.text.metadata import create_summary_metadata
        from tensorboard.util.tensor_util import make_tensor_proto

        cells = {name: text.replace("|", "\\|").replace("\n", " ") for name, text in rows.items()}
        lines = ["| name | value |", "|---|---|"]
        lines += [f"| {name} | {text} |" for name, text in cells.items()]
        value = Summary.Value(
            tag=tag,
            metadata=create_summary_metadata(display_name=tag, description=""),
            tensor=make_tensor_proto("\n".join(lines)),
        )
        self._add(Summary(value=[value]), entry)

    def _hyperparameters(self, parameters: dict[str, str], moment: float) -> None:
        """Add the recipe to the table of all runs under HPARAMS."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        # The table is compiled with TensorFlow's classes where that is there; bytes fit both.
        summary = hparams_pb(parameters, start_time_secs=moment).SerializeToString()
        event = Event(wall_time=moment)
        event.summary.ParseFromString(summary)
        self._writer.add_event(event)

    def _add(self, summary: Any, entry: dict[str, Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=entry["time"], step=entry["epoch"], summary=summary)
        self._writer.add_event(event)
