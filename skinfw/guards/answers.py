"""Check the answers of components that are numbers, arrays and values of skinfw."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from skinfw.errors import AnswerError
from skinfw.guards.names import first_alike, name_fault, shown
from skinfw.interfaces.transforms import ColourMatrix, LookupTable, Step, Warp
from skinfw.interfaces.values import PARTS, Draw

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_STEPS = get_args(Step)


def describe(value: object) -> str:
    """Say what a value is: "an array of float64 [3, 4]", "a list of 3", "None"."""
    if value is None:
        return "None"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    name = {"ndarray": "array", "Tensor": "tensor"}.get(type(value).__name__, type(value).__name__)
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    if shape is not None and dtype is not None:
        return f"{article} {name} of {str(dtype).removeprefix('torch.')} {list(shape)}"
    if isinstance(value, list | tuple | dict | set):
        return f"{article} {name} of {len(value)}"
    return f"{article} {name}"


def check_draw(draw: object, images: int) -> Draw:
    """Return what a sampler drew, as arrays.

    images: of the training part.
    """
    import numpy as np

    if not isinstance(draw, Draw):
        raise AnswerError(f"returned {describe(draw)}", "draw returns skinfw.Draw(indices)")
    indices = _positions("indices", draw.indices, images)
    if not len(indices):
        raise AnswerError("drew no images", "an epoch shows at least one batch")
    partners = None
    if draw.partners is not None:
        partners = _positions("partners", draw.partners, images)
        _same_length("partners", partners, indices)
    if draw.copies is None:
        return Draw(indices, None, partners)
    copies = np.asarray(draw.copies)
    if copies.dtype != np.bool_ or copies.ndim != 1:
        what = f"gave copies as {describe(copies)}"
        raise AnswerError(what, "copies are bool [M], True for each image that is an extra repeat")
    _same_length("copies", copies, indices)
    return Draw(indices, copies, partners)


def _positions(name: str, values: object, images: int) -> npt.NDArray[np.integer[Any]]:
    import numpy as np

    positions = np.asarray(values)
    if positions.ndim != 1:
        raise AnswerError(f"gave {name} as {describe(values)}", f"{name} are one row of positions")
    if len(positions) and positions.dtype.kind not in "iu":
        cure = "; np.flatnonzero turns a mask into positions" if positions.dtype == bool else ""
        raise AnswerError(f"gave {name} of {positions.dtype}", f"positions are integers{cure}")
    wrong = positions[(positions < 0) | (positions >= images)]
    if len(wrong):
        expected = f"positions in the training part of {images:,} images are 0 to {images - 1}"
        raise AnswerError(f"gave {len(wrong):,} wrong {name}, such as {wrong[0]}", expected)
    return positions.astype(np.int64, copy=False) if len(positions) else positions.astype(np.int64)


def _same_length(name: str, values: Array, indices: Array) -> None:
    if len(values) != len(indices):
        what = f"gave {len(values):,} {name} for {len(indices):,} indices"
        raise AnswerError(what, f"{name} are as many as indices")


def check_classes(answer: object) -> tuple[str, ...]:
    """Return the class names of a data set, whose order is that of a network's outputs."""
    expected = "classes are a list or a tuple of at least two different names"
    if not isinstance(answer, list | tuple):  # a set has another order in the next process
        raise AnswerError(f"has classes in {describe(answer)}", expected)
    if wrong := [name for name in answer if not isinstance(name, str) or not name.strip()]:
        raise AnswerError(f"has the class {wrong[0]!r}", expected)
    for name in answer:
        if fault := name_fault(name):
            raise AnswerError(f"has the class {shown(name)}, which cannot be: {fault}", expected)
    if alike := first_alike(answer):
        one, other = (shown(answer[place]) for place in alike)
        raise AnswerError(f"names a class twice: {one} and {other}", expected)
    return tuple(answer)


def check_parts(answer: object, rows: int) -> list[str]:
    """Return the part of each row, as a split named it.

    A pandas Series counts by its index, which is that of the table's rows, whatever its order.
    """
    expected = 'assign returns "train", "val" or "test" for each row'
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise AnswerError(f"returned {describe(answer)}", expected)
    if isinstance(answer, Mapping) or getattr(answer, "ndim", 1) != 1:
        raise AnswerError(f"returned {describe(answer)}", expected)
    if type(answer).__name__ == "Series":
        answer = _in_order(answer, rows)
    parts = list(answer)
    if len(parts) != rows:
        raise AnswerError(f"returned {len(parts):,} parts for {rows:,} rows", expected)
    if unknown := sorted({str(part) for part in parts if part not in PARTS}):
        raise AnswerError(f"returned the part {', '.join(unknown[:3])}", expected)
    return parts


def _in_order(series: Any, rows: int) -> list[Any]:
    """Return the values of a pandas Series in the order of the rows that its index names."""
    places = series.index.tolist()
    if places == list(range(rows)):
        return list(series)
    if len(places) == rows and set(places) == set(range(rows)):
        by_row = dict(zip(places, series.tolist(), strict=True))
        return [by_row[row] for row in range(rows)]
    raise AnswerError(
        f"returned a Series whose index is not that of the {rows:,} rows",
        "a Series has the index of the table, in any order; a list has the order of the rows",
    )


def check_numbers(answer: object) -> dict[str, float]:
    """Return the named numbers of a metric."""
    expected = 'a metric returns a dictionary of numbers, such as {"accuracy": 0.8}'
    if not isinstance(answer, Mapping):
        raise AnswerError(f"returned {describe(answer)}", expected)
    for name, value in answer.items():
        if not isinstance(name, str):
            raise AnswerError(f"named a number by {describe(name)}", expected)
        if not name.strip() or not name.isprintable():
            raise AnswerError(f"named a number {name!r}", "names are words that can be printed")
        if not isinstance(value, Real) and getattr(value, "shape", None) != ():
            raise AnswerError(f'gave "{name}" as {describe(value)}', expected)
    return {name: float(value) for name, value in answer.items()}


def check_class_weights(answer: Any, classes: int) -> list[float]:
    """Return the weights of the classes, as a weighting gave them."""
    expected = f"weights returns {classes} numbers of at least 0, one for each class"
    shape = getattr(answer, "shape", None)
    if not isinstance(answer, Sequence) and not (shape and len(shape) == 1):
        raise AnswerError(f"returned {describe(answer)}", expected)
    try:
        weights = [float(value) for value in answer]
    except (TypeError, ValueError):
        raise AnswerError(f"returned {describe(answer)} of other things", expected) from None
    if len(weights) != classes:
        raise AnswerError(f"returned {len(weights)} weights for {classes} classes", expected)
    if wrong := [value for value in weights if not (math.isfinite(value) and value >= 0)]:
        raise AnswerError(f"returned the weight {wrong[0]}", expected)
    if not sum(weights):
        raise AnswerError("gave no class a weight", expected)
    return weights


def check_steps(answer: object) -> list[Step]:
    """Return the steps that an augmentation rolled, or those of one view."""
    if isinstance(answer, list | tuple) and all(isinstance(step, _STEPS) for step in answer):
        for step in answer:
            _check_step(step)
        return list(answer)
    names = ", ".join(step.__name__ for step in _STEPS)
    expected = f"steps are a list of skinfw.{names}; an empty one leaves the image alone"
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise AnswerError(f"returned {describe(answer)}", expected)
    steps = list(answer)
    if wrong := [step for step in steps if not isinstance(step, _STEPS)]:
        raise AnswerError(f"returned {describe(wrong[0])} among the steps", expected)
    return check_steps(steps)


def _check_step(step: Step) -> None:
    """Refuse a step whose numbers cannot be acted on."""
    import numpy as np

    if isinstance(step, Warp):
        matrix, size = np.asarray(step.matrix), step.size
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise AnswerError(
                f"gave a Warp with the matrix {matrix.tolist()}", "it is finite [3, 3]"
            )
        if len(size) != 2 or not all(isinstance(side, Integral) and side > 0 for side in size):
            raise AnswerError(f"gave a Warp of the size {size}", "height and width are integers")
    elif isinstance(step, ColourMatrix):
        shapes = {"matrix": (3, 3), "offset": (3,), "mean": (3, 3)}
        for name, shape in shapes.items():
            array = np.asarray(getattr(step, name))
            if array.shape != shape or not np.isfinite(array).all():
                raise AnswerError(
                    f"gave a ColourMatrix with the {name} {array.tolist()}",
                    f"it is finite {list(shape)}",
                )
    elif isinstance(step, LookupTable):
        values = np.asarray(step.values)
        if values.shape != (256, 3) or values.dtype != np.uint8:
            raise AnswerError(f"gave a LookupTable of {describe(values)}", "it is uint8 [256, 3]")


def check_views(answer: object) -> list[list[Step]]:
    """Return the steps of each view of an image."""
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise AnswerError(f"returned {describe(answer)}", "plan returns a list of steps per view")
    views = [check_steps(view) for view in answer]
    if not views:
        raise AnswerError("planned no view", "an image is looked at in at least one view")
    return views


def check_image(answer: object) -> npt.NDArray[np.uint8]:
    """Return an image."""
    import numpy as np

    image = np.asarray(answer)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise AnswerError(f"returned {describe(answer)}", "an image is uint8 [H, W, 3]")
    return image if _is_own(image) else image.copy()


def check_versions(answer: object, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the versions of a view that somebody changed.

    shape: of the view, [H, W, 3].
    """
    import numpy as np

    versions = np.asarray(answer)
    if versions.dtype != np.uint8 or versions.shape[1:] != shape or not len(versions):
        expected = f"versions of a view are uint8 [K, {', '.join(map(str, shape))}]"
        raise AnswerError(f"changed an image to {describe(answer)}", expected)
    return versions


def check_mask(answer: object) -> npt.NDArray[np.bool_] | None:
    """Return where the lesion is in an image; None where the data set does not know."""
    import numpy as np

    if answer is None:
        return None
    mask = np.asarray(answer)
    if mask.dtype != np.bool_ or mask.ndim != 2 or not mask.size:
        raise AnswerError(f"returned {describe(answer)}", "a mask is bool [H, W], or None")
    return mask


def check_mask_file(answer: object) -> Path | None:
    """Return the file of a mask; None where there is none."""
    if answer is None or isinstance(answer, Path):
        return answer
    raise AnswerError(f"returned {describe(answer)}", "mask_file returns a pathlib.Path, or None")


def _is_own(image: Array) -> bool:
    """Tell whether nobody can write into an image any more: neither its maker nor anyone else."""
    memory: Any = image
    while memory.base is not None and hasattr(memory.base, "base"):
        memory = memory.base
    if memory is not image:  # the image that was given, handed on as it is, is read-only
        return not image.flags.writeable and not memory.flags.writeable
    return memory.base is None and sys.getrefcount(image) <= _own_references()


@cache
def _own_references() -> int:
    """Return how many references `_is_own` sees of an array that nobody else holds."""
    import numpy as np

    def check(answer: object) -> int:
        image = np.asarray(answer)
        return seen(image)

    def seen(image: Array) -> int:
        memory = image
        return sys.getrefcount(memory)

    return check(np.empty(1, np.uint8))


def check_list(answer: object, kind: type) -> list[Any]:
    """Return a list of values of one class, such as the findings of a report."""
    expected = f"it returns a list of skinfw.{kind.__name__}"
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise AnswerError(f"returned {describe(answer)}", expected)
    items = list(answer)
    if wrong := [item for item in items if not isinstance(item, kind)]:
        raise AnswerError(f"returned {describe(wrong[0])}", expected)
    return items
