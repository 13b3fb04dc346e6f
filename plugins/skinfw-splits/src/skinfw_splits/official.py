"""The parts that a data set declares itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinfw import SkinfwError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Official:
    """Take the column `split` of the data set."""

    def assign(self, table: pd.DataFrame, rng: np.random.Generator) -> list[str]:
        """Return the part of each row; nothing is random.

        table: with a column split of "train", "val" and "test".
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
        return [str(part) for part in table["split"]]
