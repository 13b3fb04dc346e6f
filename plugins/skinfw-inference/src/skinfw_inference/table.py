"""The table of answers, written as they come."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from skinfw import SkinfwError
from skinfw.toolkit import unwritable
from skinfw_inference.predict import Answer


def write_answers(
    answers: Iterable[Answer],
    ids: Sequence[str],
    classes: Sequence[str],
    out: Path,
    told: Callable[[Answer], None],
    submission: bool = False,
) -> Path | None:
    """Write a row per image as the answers come.

    answers: in the order of `ids`.
    classes: the columns.
    out: the table; it gets its name when it is complete. Until then, and where it is stopped, the
        rows are in the same name with the ending .partial.
    told: hears of each answer once its row is written.
    submission: write what the ISIC challenges take, the column image and one for each class.
    Returns the table of the images that failed, or None where none did.
    """
    losses, failed = out.with_name(f"{out.stem}.failed.csv"), 0
    with _open_partial(out) as good, _open_partial(losses) as bad:
        rows, failures = csv.writer(good, lineterminator="\n"), csv.writer(bad, lineterminator="\n")
        rows.writerow(["image", *classes] if submission else ["id", "predicted", *classes])
        failures.writerow(["id", "path", "reason"])
        for name, (path, outcome) in zip(ids, answers, strict=True):
            if isinstance(outcome, SkinfwError):
                failed += 1
                failures.writerow([name, path, reason(outcome)])
            else:
                called = [] if submission else [classes[int(outcome.argmax())]]
                rows.writerow([name, *called, *(f"{value:.8f}" for value in outcome)])
            told((path, outcome))
    if failed:
        return losses
    losses.unlink()
    return None


def reason(error: SkinfwError) -> str:
    """Return in one line why an image failed."""
    return error.why or error.what


@contextmanager
def _open_partial(target: Path) -> Iterator[TextIO]:
    """Open a file under another name; give it its own once it is complete and on the disk."""
    partial = target.with_suffix(".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="", buffering=1) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise unwritable(target, error) from error
