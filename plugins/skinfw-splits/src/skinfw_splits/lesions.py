"""Splits that keep lesions whole and classes in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Interval

from skinfw import SkinfwError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Share = Annotated[float, Interval(ge=0, lt=1)]
Seed = Annotated[int, Ge(-1)]


def check_shares(val: float, test: float) -> None:
    """Raise SkinfwError for shares of the images that leave nothing to train on."""
    if val + test >= 1:
        raise SkinfwError(
            f"val {val} and test {test} leave nothing to train on",
            cure="their sum must stay below 1",
        )


@dataclass(frozen=True, kw_only=True)
class LesionStratified:
    """Divide lesions class by class; all images of a lesion go to one part.

    Every class with at least three lesions is in every part; scarcer ones are in train first,
    then in test.

    val: share of the images for validation.
    test: share of the images for the test.
    seed: of the division alone, so that runs of several seeds test the same lesions; -1 takes
        the recipe's.
    """

    val: Share = 0.15
    test: Share = 0.15
    seed: Seed = -1

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to train on."""
        check_shares(self.val, self.test)

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> list[str]:
        """Return the part of each row.

        table: with columns label and lesion.
        """
        shares = {"train": 1 - self.val - self.test, "test": self.test, "val": self.val}
        return divide(table, shares, own_stream(self.seed, rng))


@dataclass(frozen=True, kw_only=True)
class KFold:
    """Test on one fold of lesions, validate on the next, train on the rest.

    folds: how many.
    fold: which one is the test part, from 0.
    seed: of the division alone, so that runs of several seeds have the same folds; -1 takes the
        recipe's.
    """

    folds: Annotated[int, Ge(3)] = 5
    fold: Annotated[int, Ge(0)] = 0
    seed: Seed = -1

    def __post_init__(self) -> None:
        """Refuse a fold that does not exist."""
        if self.fold >= self.folds:
            raise SkinfwError(
                f"fold {self.fold} does not exist among {self.folds}", cure="folds count from 0"
            )

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> list[str]:
        """Return the part of each row.

        table: with columns label and lesion. The folds are the same for every `fold`.
        """
        lesions = table.groupby("label")["lesion"].nunique()
        few = [f"{label} ({count})" for label, count in lesions.items() if count < self.folds]
        if few:
            raise SkinfwError(
                f"some classes have fewer lesions than the {self.folds} folds",
                why=f"lesions: {', '.join(few)}",
                cure="use fewer folds, or leave these classes out",
            )
        names = [str(fold) for fold in range(self.folds)]
        folds = divide(table, dict.fromkeys(names, 1 / self.folds), own_stream(self.seed, rng))
        test, val = names[self.fold], names[(self.fold + 1) % self.folds]
        return ["test" if fold == test else "val" if fold == val else "train" for fold in folds]


def own_stream(seed: int, rng: np.random.Generator) -> np.random.Generator:
    """Return the stream of a split's own seed, or the run's where it has none."""
    import numpy as np

    return rng if seed < 0 else np.random.default_rng(seed)


def divide(table: pd.DataFrame, shares: dict[str, float], rng: np.random.Generator) -> list[str]:
    """Divide lesions over parts so that each class has its share of images in each part.

    table: with columns label and lesion; a lesion with several labels counts for its rarest.
    shares: part -> share of the images.
    Returns the part of each row.
    """
    import numpy as np

    frequency = table["label"].map(table["label"].value_counts())
    rarest = frequency.to_numpy().argsort(kind="stable")
    lesions = table.iloc[rarest].drop_duplicates("lesion").set_index("lesion")["label"]
    images = table["lesion"].value_counts()
    names = [name for name, share in shares.items() if share > 0]
    wanted = np.array([shares[name] for name in names])
    part_of: dict[Any, str] = {}
    for label in sorted(lesions.unique()):
        own = np.array(sorted(lesions.index[lesions == label]), dtype=object)
        own = rng.permutation(own)
        sizes = images.loc[own].to_numpy()
        for lesion, part in zip(own, _fill(sizes, wanted), strict=True):
            part_of[lesion] = names[part]
    return [part_of[lesion] for lesion in table["lesion"]]


def _fill(sizes: npt.NDArray[np.integer[Any]], wanted: npt.NDArray[np.floating[Any]]) -> list[int]:
    """Give each lesion to the part that lacks most images.

    sizes: images of each lesion.
    wanted: shares of the parts; their sum is one.
    """
    lacking = wanted * sizes.sum()
    empty = list(range(len(wanted)))
    chosen = []
    for index, size in enumerate(sizes):
        # While lesions are scarce, parts without any come first, in their order.
        scarce = empty and len(sizes) - index <= len(empty)
        part = empty[0] if scarce else int(lacking.argmax())
        if part in empty:
            empty.remove(part)
        lacking[part] -= size
        chosen.append(part)
    return chosen
