"""The split of many papers: by image, blind to lesions. For comparisons only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Interval

from skinfw import SkinfwError
from skinfw_splits.lesions import check_shares

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Divide images class by class, whatever lesion they show, as scikit-learn does.

    With `val` 0 and `seed` 42 this is the split of E2E-DenseNetSkin, row for row. The run is
    marked where lesions end up in two parts.

    test: share of the images for the test.
    val: share of the images for validation; 0 makes none.
    seed: of scikit-learn's shuffle, apart from the recipe's seed, so that published splits can
        be repeated.
    """

    test: Annotated[float, Interval(gt=0, lt=1)] = 0.3
    val: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    seed: Annotated[int, Ge(0)] = 42

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to train on."""
        check_shares(self.val, self.test)

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> list[str]:
        """Return the part of each row.

        table: with a column label.
        """
        import numpy as np
        from sklearn.model_selection import train_test_split

        labels = table["label"].to_numpy()
        counts = table["label"].value_counts()
        few = [f"{label} ({count})" for label, count in counts.items() if count < 3]
        if few:
            raise SkinfwError(
                "some classes have too few images to be in every part",
                why=f"images: {', '.join(few)}",
                cure="leave these classes out, or add images",
            )
        parts = np.full(len(table), "train", dtype=object)
        train, test = train_test_split(
            np.arange(len(table)), test_size=self.test, random_state=self.seed, stratify=labels
        )
        parts[test] = "test"
        if self.val:
            share = self.val / (1 - self.test)
            _, val = train_test_split(
                train, test_size=share, random_state=self.seed, stratify=labels[train]
            )
            parts[val] = "val"
        return [str(part) for part in parts]
