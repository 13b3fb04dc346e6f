"""The table of answers, written as they come."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from skinfw import CsvWriter, FittedCalibration, SkinfwError
from skinfw.metrics import Floats
from skinfw.toolkit import Outcome, unwritable
from skinfw_inference.challenges import Challenge


@dataclass(frozen=True)
class Columns:
    """Hold what the table says of an image.

    classes: of the network.
    calibration: what was fitted on validation images, or nothing.
    challenge: whose columns the table has instead; nothing for those of skinfw.
    """

    classes: Sequence[str]
    calibration: FittedCalibration
    challenge: Challenge | None = None

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        if self.challenge:
            return self.challenge.header
        sets = ["prediction_set"] if self.calibration.limits else []
        unknown = [] if math.isnan(self.calibration.unknown) else ["may_be_unknown"]
        return ["id", "predicted", *self.classes, *sets, *unknown]

    def row(self, name: str, chances: Floats) -> list[str]:
        """Return the cells of an image.

        name: its id.
        chances: its probabilities [C], as the network gives them.
        """
        if self.challenge:
            limit = self.calibration.unknown
            values = self.challenge.confidences(chances, self.classes, limit)
            return [name, *(f"{value:.8f}" for value in values)]
        own = chances[None]
        cells = [f"{value:.8f}" for value in self.calibration.scale(own)[0]]
        sets = self.calibration.prediction_sets(own, self.classes)
        unknown = self.calibration.may_be_unknown(own)
        return [
            name,
            self.classes[int(chances.argmax())],
            *cells,
            *([" ".join(sets[0])] if sets else []),
            *([str(bool(unknown[0])).lower()] if unknown is not None else []),
        ]


def write_answers(
    answers: Iterable[Outcome],
    ids: Mapping[str, str],
    columns: Columns,
    out: Path,
    told: Callable[[str, Outcome], None],
) -> Path | None:
    """Write a row per image as the answers come.

    answers: in the order of `ids`.
    ids: by path.
    columns: of the table.
    out: the table; it gets its name when it is complete. Until then, and where it is stopped, the
        rows are in the same name with the ending .partial.
    told: hears of each path and its answer once its row is written.
    Returns the table of the images that failed, or None where none did.
    """
    losses, failed = out.with_name(f"{out.stem}.failed.csv"), 0
    with _open_partial(out) as good, _open_partial(losses) as bad:
        rows, failures = CsvWriter(good), CsvWriter(bad)
        rows.writerow(columns.header)
        failures.writerow(["id", "path", "reason"])
        for (path, name), outcome in zip(ids.items(), answers, strict=True):
            if isinstance(outcome, SkinfwError):
                failed += 1
                failures.writerow([name, path, reason(outcome)])
            else:
                rows.writerow(columns.row(name, outcome))
            told(path, outcome)
    if failed:
        return losses
    losses.unlink()
    return None


def reason(error: SkinfwError) -> str:
    """Return in one line why an image failed."""
    return error.why or error.what


@contextmanager
def _open_partial(target: Path) -> Iterator[TextIO]:
    """Open a file under another name, and give it its own once it is complete and on the disk."""
    partial = target.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="", buffering=1) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)  # half a table would only keep a full disk full
        raise unwritable(target, error) from error
