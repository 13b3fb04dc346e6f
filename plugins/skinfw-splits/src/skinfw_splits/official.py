"""The parts that a data set declares itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw import SkinfwError
from skinfw_splits.lesions import Seed, Share, check_shares, divide, own_stream

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Official:
    """Take the column `split` of the data set.

    A part that the data set does not declare may be drawn from its training part, as
    "lesion-stratified" does it.

    val: share of the training images for validation, where the data set declares none.
    test: share of the training images for the test, where the data set declares none.
    seed: of what is drawn, so that runs of several seeds test the same lesions; -1 takes the
        recipe's.
    """

    val: Share = 0.0
    test: Share = 0.0
    seed: Seed = -1

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to train on."""
        check_shares(self.val, self.test)

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> list[str]:
        """Return the part of each row.

        table: with columns label and lesion, and a column split of "train", "val" and "test".
        """
        if "split" not in table.columns:
            raise SkinfwError(
                "the data set declares no official parts",
                why="its table has no column `split`",
                cure='use "lesion-stratified"',
            )
        blank = table["split"] == ""
        if blank.any():
            raise SkinfwError(
                f"{int(blank.sum()):,} of {len(table):,} images have no official part",
                why=f"the first is {table.loc[blank, 'id'].iloc[0]}",
                cure='use "lesion-stratified", or leave out the data set that declares none',
            )
        parts = table["split"].astype(object).reset_index(drop=True)
        declared = {*parts}
        shares = {
            part: share
            for part, share in (("test", self.test), ("val", self.val))
            if share and part not in declared
        }
        if shares:
            own = parts.index[parts == "train"]
            drawn = {"train": 1 - sum(shares.values()), **shares}
            parts[own] = divide(table.iloc[own], drawn, own_stream(self.seed, rng))
        return [str(part) for part in parts]
