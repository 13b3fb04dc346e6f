"""What is known of images beside their pixels, as the CSV that lists them says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skinfw.data.metadata import encode_metadata, known_word
from skinfw.errors import SkinfwError
from skinfw.inference.prediction import Case
from skinfw.inference.trained_model import TrainedModel


@dataclass(frozen=True)
class ListedImage:
    """Hold an image that a user names.

    path: of its file.
    id: its name in the table of answers.
    cells: of its row in the CSV that lists it, by column; empty where none does.
    file: the CSV.
    line: of the row.
    """

    path: str
    id: str
    cells: Mapping[str, str] = field(default_factory=dict)
    file: Path = Path()
    line: int = 0


def given_columns(images: Iterable[ListedImage]) -> set[str]:
    """Return the columns that come with each of the images."""
    columns = [set(image.cells) for image in images]
    return set.intersection(*columns) if columns else set()


def make_cases(images: Iterable[ListedImage], model: TrainedModel) -> list[Case]:
    """Return what a network is asked about.

    Raises SkinfwError with file and line for a number that is none, and where pictures that the
    network looks at do not come with each image.
    """
    images = list(images)
    model.check_whole_images()
    model.check_pictures(given_columns(images))
    pictures = {name for own in model.networks for name in own.pictures}
    cases = []
    for image in images:
        try:
            for own in model.networks:
                encode_metadata(own.known, {name: [cell] for name, cell in image.cells.items()}, 1)
        except SkinfwError as error:
            error.where = f"{image.file}:{image.line}"
            raise
        beside = {
            name: str(image.file.parent / cell) if name in pictures and cell else cell
            for name, cell in image.cells.items()
        }
        cases.append(Case(image.path, beside))
    return cases


def unseen_words(images: Iterable[ListedImage], model: TrainedModel) -> list[str]:
    """Return a sentence for each category with words that its training part did not have."""
    sentences = []
    for name, known in model.networks[0].known.categories.items():
        words = [known_word(image.cells.get(name, "")) for image in images]
        unseen = [word for word in words if word and word not in known]
        if unseen:
            some = f'{len(unseen)} values that training never saw, such as "{unseen[0][:80]}"'
            sentences.append(f"{name}: {some}, count as missing; it saw {', '.join(known)}")
    return sentences
