"""Predict image files with a trained network: a stream from paths to rows of a table."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TextIO

import cv2
import numpy as np
import numpy.typing as npt

from skinfw.data.decoding import Decoding
from skinfw.data.preparation import recipe_decoding
from skinfw.data.warping import render_views
from skinfw.errors import RecipeError, SkinfwError, unwritable
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.inference.trained_model import TrainedModel
from skinfw.runtime.prefetch import prefetch, usable_cores

Floats = npt.NDArray[np.float64]
Views = npt.NDArray[np.uint8]
Answer = tuple[str, Floats | SkinfwError]
"""The path of an image, and its probabilities [C], or what is wrong with it."""

_MOST = 8  # threads; each holds a batch
_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".jp2", ".gif")


class Predictor(Protocol):
    """A trained network, whatever computes it."""

    saved: TrainedModel

    def probabilities(self, images: Views) -> Floats:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M."""


def find_images_with_ids(words: Iterable[str]) -> dict[str, str]:
    """Return the paths of images with an id for each, those that a CSV lists last.

    words: as for `find_images`, and CSV files with the column path, relative to their folder, and
        where they have one the column id.
    Raises SkinfwError where two images have the same id.
    """
    words = list(words)
    lists = [word for word in words if word.lower().endswith(".csv")]
    others = [word for word in words if word not in lists]
    listed = {path: name for word in lists for path, name in _listed(Path(word)).items()}
    paths = list(dict.fromkeys([*(find_images(others) if others else ()), *listed]))
    unnamed = [path for path in paths if not listed.get(path)]
    own = dict(zip(unnamed, image_ids(unnamed), strict=True)) if unnamed else {}
    ids = {path: listed.get(path) or own[path] for path in paths}
    twice = [name for name, times in Counter(ids.values()).items() if times > 1]
    if twice:
        raise SkinfwError(
            f'two images have the id "{twice[0]}"',
            ", ".join(path for path, name in ids.items() if name == twice[0]),
            "rows of the table could not be told apart",
            "give them other ids in the CSV",
        )
    return ids


def _listed(file: Path) -> dict[str, str]:
    """Return the paths that a CSV lists, with their ids; blank where it has none."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if "path" not in (reader.fieldnames or ()):
                raise RecipeError(
                    "the list of images has no column path",
                    f"{file}:1",
                    f"its header is {', '.join(reader.fieldnames or ()) or 'empty'}",
                    "name the column path, and if you like another one id",
                )
            found = {}
            for row in reader:
                if not row["path"]:
                    raise RecipeError(
                        "an image has no path", f"{file}:{reader.line_num}", cure="mend the row"
                    )
                found[str(file.parent / row["path"])] = row.get("id") or ""
    except OSError as error:
        raise RecipeError(
            "the list of images cannot be read", str(file), error.strerror or ""
        ) from error
    if not found:
        raise RecipeError("the list of images is empty", f"{file}:2", cure="add a row per image")
    return found


def find_images(words: Iterable[str]) -> list[str]:
    """Return the paths of images, in the order of the words, each once.

    words: files, folders, which are searched with all that is in them, and patterns such as
        `scans/**/*.jpg`. A file is taken as it is, whatever its name.
    Raises RecipeError where a folder or a pattern holds no image.
    """
    found: dict[Path, Path] = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            paths = sorted(_in_folder(path))
        elif any(sign in word for sign in "*?[") and not path.exists():
            root = Path(path.anchor)
            matches = root.glob(str(path.relative_to(root)))
            paths = sorted(file for file in matches if file.is_file() and file.name[0] != ".")
        else:
            paths = [path]  # an absent file is told when its turn comes, and stops no other
        if not paths:
            raise RecipeError(
                f"there is no image in {word}",
                why=f"images end in {', '.join(_ENDINGS)}" if path.is_dir() else "",
                cure="name image files, folders, or patterns in quotes",
            )
        for file in paths:
            found.setdefault(file.absolute(), file)
    return [str(file) for file in found.values()]


def _in_folder(folder: Path) -> Iterator[Path]:
    """Return the images in a folder; what begins with a dot is the notes of other programs."""
    for file in folder.rglob("*"):
        hidden = any(part[0] == "." for part in file.relative_to(folder).parts)
        if file.suffix.lower() in _ENDINGS and not hidden and file.is_file():
            yield file


def image_ids(paths: Sequence[str]) -> list[str]:
    """Return an id for each image: the file's stem, or where two stems are the same, its path.

    paths: of images; ids that are paths start at the folder that holds them all.
    """
    stems = [Path(path).stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    whole = [Path(path).absolute() for path in paths]
    folder = os.path.commonpath([path.parent for path in whole])
    return [path.relative_to(folder).as_posix() for path in whole]


def predict_images(paths: Sequence[str], network: Predictor, batch_size: int) -> Iterator[Answer]:
    """Answer for images one after the other, while the next ones are decoded.

    paths: of images.
    network: what computes.
    batch_size: images that are decoded and computed together.
    """
    cv2.setNumThreads(0)  # images are too small to share one among threads
    saved = network.saved
    view = saved.view.make(size=saved.image.size)
    how = recipe_decoding(saved.image, saved.preparations)
    cut = [paths[at : at + batch_size] for at in range(0, len(paths), batch_size)]
    tasks = (partial(_prepare, batch, view, how) for batch in cut)
    for batch, prepared in zip(cut, prefetch(tasks, min(_MOST, usable_cores())), strict=True):
        answers = _answers(prepared, network, saved.scoring)
        yield from zip(batch, answers, strict=True)


def _prepare(paths: Sequence[str], view: Any, how: Decoding) -> list[Views | SkinfwError]:
    """Return all views [V, H, W, 3] of each image, from one decode."""
    return [_views(path, view, how) for path in paths]


def _views(path: str, view: Any, how: Decoding) -> Views | SkinfwError:
    try:
        image = how.read(path)
        return render_views(image, view.plan((image.shape[0], image.shape[1])))
    except SkinfwError as error:
        return error
    except Exception as error:
        return SkinfwError("an image cannot be prepared", path, f"{type(error).__name__}: {error}")


def _answers(
    prepared: Sequence[Views | SkinfwError], network: Predictor, scoring: ViewAveraging
) -> Iterator[Floats | SkinfwError]:
    """Return what all views of each image say together, where it could be prepared."""
    good = [views for views in prepared if not isinstance(views, SkinfwError)]
    rows = network.probabilities(np.concatenate(good)) if good else np.empty((0, 0))
    start = 0
    for views in prepared:
        if isinstance(views, SkinfwError):
            yield views
            continue
        own = rows[None, start : start + len(views)]
        start += len(views)
        finite = bool(np.isfinite(own).all())
        said = "the network's answer is not finite"
        yield scoring.average(own)[0] if finite else SkinfwError(said)


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
    with _settled(out) as good, _settled(losses) as bad:
        rows, failures = csv.writer(good, lineterminator="\n"), csv.writer(bad, lineterminator="\n")
        rows.writerow(["image", *classes] if submission else ["id", "predicted", *classes])
        failures.writerow(["id", "path", "reason"])
        for name, (path, found) in zip(ids, answers, strict=True):
            if isinstance(found, SkinfwError):
                failed += 1
                failures.writerow([name, path, reason(found)])
            else:
                called = [] if submission else [classes[int(found.argmax())]]
                rows.writerow([name, *called, *(f"{value:.8f}" for value in found)])
            told((path, found))
    if failed:
        return losses
    losses.unlink()
    return None


def reason(error: SkinfwError) -> str:
    """Return in one line why an image failed."""
    return error.why or error.what


@contextmanager
def _settled(target: Path) -> Iterator[TextIO]:
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
