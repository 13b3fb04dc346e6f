"""Train a run once more and compare what comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import (
    BEST_WEIGHTS,
    PREDICTION_FILES,
    REFIT_WEIGHTS,
    JsonError,
    RunFolder,
    execute_run,
    load_plan,
    load_safetensors,
    lock_differences,
    read_json,
    read_lock,
)
from skinfw_provenance.compare import csv_differences, unreadable
from skinfw_provenance.verification import Verification


def check_retraining(
    run: Path,
    sets: Sequence[str],
    tolerance: float,
    found: Verification,
    say: Callable[[str], None],
    trust: bool = False,
) -> None:
    """Repeat a run in a temporary folder; compare to the last bit, or within a tolerance.

    run: the folder.
    sets: texts such as `dataset.root=elsewhere`.
    tolerance: how far the numbers of the test part may be apart where something differs that can
        change them, such as the processor.
    found: told what differs.
    say: told how the training goes.
    trust: whether Python files that the run names may be imported unseen.
    """
    plan = load_plan(run, sets, trust=trust or None)
    with TemporaryDirectory(prefix="skinfw-retrain-") as place:
        folder = RunFolder.create(Path(place), plan, "again")
        folder.update(rehearsal=True)
        if execute_run(plan, folder, say) is None:
            raise SkinfwError("the training was stopped, so that nothing can be compared", str(run))
        apart = lock_differences(read_lock(run), read_lock(folder.path)).numbers
        if apart:
            for line in apart:
                say(f"differs, and can change numbers: {line}")
            say(f"numbers may be {tolerance} apart")
            old, new = (_test_numbers(own / "metrics.json") for own in (run, folder.path))
            found.differ("metrics.json", _far(old, new, tolerance))
            found.leave("the weights", f"the training differs in {len(apart)} points, as told")
            return
        for name in PREDICTION_FILES.values():
            if (run / name).is_file():
                lines = csv_differences(
                    run / name, folder.path / name, "training again gives", without=("path",)
                )
                found.differ(name, lines)
                found.agree(name)
        for name in (BEST_WEIGHTS, REFIT_WEIGHTS):
            if (folder.path / name).is_file():
                found.differ(name, _other_weights(run / name, folder.path / name))
                found.agree(name)


def _other_weights(old: Path, new: Path) -> Iterator[str]:
    """Yield the tensors that differ; the texts beside them have no order."""
    import torch

    again = load_safetensors(new, "")
    try:
        weights = load_safetensors(old, "")
    except SkinfwError as error:
        yield unreadable(error)
        return
    for name in dict.fromkeys([*weights, *again]):
        if name not in weights or name not in again or not torch.equal(weights[name], again[name]):
            yield f"{name} has other weights than training again gives"


def _test_numbers(file: Path) -> dict[str, float]:
    """Return the numbers of the test part; none where the file cannot be read, which was told."""
    try:
        numbers = read_json(file)["test"].items()
    except (OSError, JsonError, LookupError, TypeError, AttributeError):
        return {}
    return {name: value for name, value in numbers if type(value) in (int, float)}


def _far(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float) -> Iterator[str]:
    """Yield the numbers that are too far apart; those of single classes rest on few images."""
    for name, value in old.items():
        other = new.get(name)
        if "/" in name or other is None:
            continue
        if not math.isclose(value, other, rel_tol=0, abs_tol=tolerance):
            yield f"test.{name} says {value}, training again gives {other}"
