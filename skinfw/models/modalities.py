"""What a network gets beside one picture, and what it answers beside the class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch.nn.functional import cross_entropy

from skinfw.data.metadata import encode_metadata
from skinfw.errors import RecipeError
from skinfw.files.metadata_values import MISSING
from skinfw.files.numbers import decimal_number
from skinfw.interfaces.values import Modalities
from skinfw.registry.names import did_you_mean

if TYPE_CHECKING:
    from skinfw.recipe.plan import Plan

_IGNORED = -100


def _image(name: str) -> str:
    return f"image {name}"


def check_numbers(plan: Plan, rows: pd.DataFrame) -> None:
    """Raise RecipeError where a number of the recipe's [modalities] is none, in whatever part.

    rows: of the data set; columns that it lacks are left to `describe_modalities`.
    """
    place = getattr(plan.dataset, "place", None)
    for name in plan.modalities.numbers:
        if name in rows:
            _numbers(rows, name, rows[name], place if callable(place) else _image)


def describe_modalities(plan: Plan, train: pd.DataFrame) -> Modalities:
    """Return what the recipe's [modalities] are, as the training part has them.

    train: its rows.
    Raises RecipeError for a column that is not there or cannot serve.
    """
    settings = plan.modalities

    def column(key: str, place: int, name: str) -> pd.Series[Any]:
        where = plan.recipe.origin("modalities", key, place).text
        if name not in train.columns:
            raise RecipeError(
                f'modalities.{key} names no column of the data set: "{name}"'
                f"{did_you_mean(name, list(train.columns))}",
                where,
                cure=f"its columns are {', '.join(map(str, train.columns.drop('part')))}",
            )
        values = train[name]
        if key != "pictures" and _words(values).isna().all():
            raise RecipeError(
                f'the column "{name}" has no value in the training part',
                where,
                cure=f"leave it out of modalities.{key}",
            )
        return values

    for place, name in enumerate(settings.pictures):
        column("pictures", place, name)
    spread = {
        name: _spread(_numbers(train, name, column("numbers", place, name)))
        for place, name in enumerate(settings.numbers)
    }
    known = {
        key: {
            name: tuple(sorted(_words(column(key, place, name)).dropna().unique()))
            for place, name in enumerate(getattr(settings, key))
        }
        for key in ("categories", "auxiliary")
    }
    return Modalities(1 + len(settings.pictures), spread, **known)


class ModalityData:
    """Hold the metadata and the auxiliary truth of one part, on the device."""

    def __init__(
        self, modalities: Modalities, weight: float, rows: pd.DataFrame, device: torch.device
    ) -> None:
        """Turn the rows of the part into numbers.

        weight: of the auxiliary losses' mean.
        """
        self.modalities, self._weight = modalities, weight
        self._widths = [len(values) for values in modalities.auxiliary.values()]
        for name in modalities.numbers:
            if name in rows:
                _numbers(rows, name, rows[name])
        columns = {
            name: rows[name].where(rows[name].notna(), "")
            for name in modalities.metadata
            if name in rows
        }
        encoded = encode_metadata(modalities, columns, len(rows))
        self._metadata = torch.from_numpy(encoded).to(device)
        blank = pd.Series("", index=rows.index)
        true = [
            _codes(rows.get(name, blank), values) for name, values in modalities.auxiliary.items()
        ]
        self._true = np.stack(true, 1) if true else np.empty((len(rows), 0), np.int64)
        targets = np.where(self._true < 0, _IGNORED, self._true)
        self._targets = torch.from_numpy(targets).to(device)

    def inputs(self, rows: torch.Tensor, views: int = 1) -> tuple[torch.Tensor, ...]:
        """Return what the network gets after the images: nothing, or the metadata.

        rows: positions in the part.
        views: how many images of each there are.
        """
        if not self.modalities.metadata:
            return ()
        metadata = self._metadata[rows.to(self._metadata.device)]
        return (metadata.repeat_interleave(views, 0),)

    @property
    def outputs(self) -> int:
        """How many logits stand behind those of the classes."""
        return sum(self._widths)

    def loss(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor | float:
        """Return the weighted mean of the cross-entropies of the auxiliary outputs.

        logits: [S * N, C + A] of S samples, which follow each other, mostly one; those of the
            auxiliary outputs stand last.
        rows: [N].
        """
        if not self._widths:
            return 0.0
        targets = self._targets[rows.to(self._targets.device)]
        targets = targets.repeat(len(logits) // len(targets), 1)
        cut = torch.split(logits[:, logits.shape[1] - sum(self._widths) :], self._widths, 1)
        # A batch in which nobody knows an answer has no mean; the sum of nothing is zero.
        losses = [
            cross_entropy(part, target, ignore_index=_IGNORED, reduction="sum")
            / (target != _IGNORED).sum().clamp(min=1)
            for part, target in zip(cut, targets.unbind(1), strict=True)
        ]
        return self._weight * torch.stack(losses).mean()

    def auxiliary(
        self, logits: torch.Tensor
    ) -> Iterator[tuple[str, tuple[str, ...], npt.NDArray[np.int64], torch.Tensor]]:
        """Yield name, values, truth [N] and logits [N, V, K] of each auxiliary output.

        logits: [N, V, A] of all views, in the order of the rows.
        """
        pieces = torch.split(logits, self._widths, 2) if self._widths else ()
        for place, (name, values) in enumerate(self.modalities.auxiliary.items()):
            yield name, values, self._true[:, place], pieces[place]


def _codes(column: pd.Series[Any], values: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the place of each word among the known ones, -1 where it is none of them."""
    places = {value: place for place, value in enumerate(values)}
    return np.asarray(_words(column).map(places).fillna(-1), np.int64)


def _words(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the words of a column, None where one is missing."""
    words = column.where(column.notna(), "").astype(str).str.strip()
    return words.where(~words.str.lower().isin(MISSING))


def _numbers(
    rows: pd.DataFrame,
    name: str,
    column: pd.Series[Any],
    place: Callable[[str], str] = _image,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers of a column, NaN where one is missing.

    place: says where an image is told of, by its id.
    """
    words = _words(column)
    numbers = pd.to_numeric(words, errors="coerce").where(lambda value: np.isfinite(value))
    # pandas would read digits of other scripts and hexadecimal numbers, too.
    strange = [isinstance(word, str) and decimal_number(word) is None for word in words]
    wrong = words.notna().to_numpy() & (numbers.isna().to_numpy() | strange)
    if wrong.any():
        first = int(wrong.argmax())
        raise RecipeError(
            f'{int(wrong.sum()):,} values of the column "{name}" are no numbers',
            place(str(rows["id"].iloc[first])),
            f'the first is "{words.iloc[first]}"',
            "mend the table, or name the column in modalities.categories",
        )
    return numbers.to_numpy(np.float64)


def _spread(numbers: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    """Return mean and standard deviation; of equal numbers, one."""
    return float(np.nanmean(numbers)), float(np.nanstd(numbers)) or 1.0
