"""Data sets, splits and samplers, right and wrong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

import skinfw
from zoo.register import right, wrong


@right("sampler")
@dataclass(frozen=True, kw_only=True)
class Shuffle:
    """Show every image twice."""

    def draw(self, labels: Any, context: Any) -> Any:
        order = context.rng.permutation(2 * len(labels)) % len(labels)
        return skinfw.Draw(order, copies=pd.Series(order).duplicated().to_numpy())


@wrong("sampler", "answers")
class ListSampler(Shuffle):
    """Return a list."""

    def draw(self, labels: Any, context: Any) -> Any:
        return super().draw(labels, context).indices.tolist()


@wrong("sampler", "leaves the labels")
class SortingSampler(Shuffle):
    """Sort what belongs to others."""

    def draw(self, labels: Any, context: Any) -> Any:
        labels.sort()
        return super().draw(labels, context)


@wrong("sampler", "an epoch stands alone")
class CountingSampler(Shuffle):
    """Remember how often it was asked."""

    def draw(self, labels: Any, context: Any) -> Any:
        asked = getattr(self, "asked", 0)
        object.__setattr__(self, "asked", asked + 1)
        context.rng.random(asked)
        return super().draw(labels, context)


@wrong("sampler", "same seed, same draw")
class DirtySampler(Shuffle):
    """Draw with a generator that nobody seeded."""

    def draw(self, labels: Any, context: Any) -> Any:
        return skinfw.Draw(np.random.default_rng().permutation(len(labels)))


@wrong("sampler", "epochs differ")
class StubbornSampler(Shuffle):
    """Draw every epoch alike."""

    def draw(self, labels: Any, context: Any) -> Any:
        return skinfw.Draw(np.arange(len(labels)))


@wrong("sampler", "shows every class")
class BlindSampler(Shuffle):
    """Leave the rare class out."""

    def draw(self, labels: Any, context: Any) -> Any:
        return skinfw.Draw(context.rng.permutation(np.flatnonzero(labels != 2)))


@wrong("sampler", "copies come second")
class BoastfulSampler(Shuffle):
    """Show everything twice and call nothing a copy."""

    def draw(self, labels: Any, context: Any) -> Any:
        order = context.rng.permutation(2 * len(labels)) % len(labels)
        return skinfw.Draw(order, copies=np.zeros(len(order), bool))


@wrong("sampler", "global dice alone")
class LoudSampler(Shuffle):
    """Throw the dice of everybody, for nothing."""

    def draw(self, labels: Any, context: Any) -> Any:
        torch.rand(1)
        return super().draw(labels, context)


@wrong("sampler", "can be pickled")
@dataclass(frozen=True, kw_only=True)
class LocalSampler(Shuffle):
    """Hold a function that cannot be sent."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", lambda: 0)


@wrong("sampler", "explains itself")
@dataclass(frozen=True, kw_only=True)
class SilentSampler(Shuffle):
    """Say nothing of its parameter."""

    share: float = 0.5


@wrong("sampler", "defaults hold")
@dataclass(frozen=True, kw_only=True)
class NullSampler(Shuffle):
    """Have a default that TOML cannot say.

    share: of what.
    """

    share: float | None = None


@wrong("sampler", "builds")
@dataclass(frozen=True, kw_only=True)
class FallingSampler(Shuffle):
    """Fall over when it is built."""

    def __post_init__(self) -> None:
        raise ValueError("no")


@right("split")
@dataclass(frozen=True, kw_only=True)
class Lesions:
    """Divide lesions by chance, class by class."""

    def assign(self, table: Any, rng: Any) -> list[str]:
        part = {}
        for _, rows in table.groupby("label"):
            lesions = rng.permutation(sorted(rows["lesion"].unique()))
            part |= {name: ("train", "val", "test")[n % 3] for n, name in enumerate(lesions)}
        return [part[name] for name in table["lesion"]]


@wrong("split", "answers")
class WrongWord(Lesions):
    """Call a part by another name."""

    def assign(self, table: Any, rng: Any) -> list[str]:
        return [part.replace("val", "dev") for part in super().assign(table, rng)]


@wrong("split", "leaves the table")
class WritingSplit(Lesions):
    """Write a column into the table."""

    def assign(self, table: Any, rng: Any) -> list[str]:
        table["mine"] = 1
        return super().assign(table, rng)


@wrong("split", "same seed, same parts")
class UnseededSplit(Lesions):
    """Divide anew each time."""

    def assign(self, table: Any, rng: Any) -> list[str]:
        return super().assign(table, np.random.default_rng())


@wrong("split", "keeps lesions whole")
class RowSplit(Lesions):
    """Divide images."""

    def assign(self, table: Any, rng: Any) -> list[str]:
        return [("train", "val", "test")[n % 3] for n in range(len(table))]


@wrong("split", "fills every part")
class NoValidation(Lesions):
    """Leave validation empty."""

    def assign(self, table: Any, rng: Any) -> list[str]:
        return [part.replace("val", "train") for part in super().assign(table, rng)]


@right("dataset")
@dataclass(frozen=True, kw_only=True)
class Squares:
    """Show squares."""

    classes = ("LIGHT", "DARK")

    def table(self) -> Any:
        names = [f"S{number}" for number in range(20)]
        labels = [self.classes[number % 2] for number in range(20)]
        rows = {"id": names, "path": names, "label": labels, "lesion": names}
        return skinfw.DataTable(pd.DataFrame(rows))

    def image(self, path: str) -> Any:
        return np.full((8, 8, 3), int(path[1:]), np.uint8)


@wrong("dataset", "names its classes")
class TwinClasses(Squares):
    """Name a class twice."""

    classes = ("LIGHT", "DARK", "DARK")


@wrong("dataset", "complete rows")
class NoLesions(Squares):
    """Know no lesions."""

    def table(self) -> Any:
        return skinfw.DataTable(super().table().rows.drop(columns="lesion"))


@wrong("dataset", "shows its images")
class FloatImages(Squares):
    """Draw in floats."""

    def image(self, path: str) -> Any:
        return super().image(path) / 255


@wrong("dataset", "same rows again")
class ShuffledRows(Squares):
    """Shuffle when it is read."""

    def table(self) -> Any:
        order = np.random.default_rng().permutation(20)
        return skinfw.DataTable(super().table().rows.iloc[order])
