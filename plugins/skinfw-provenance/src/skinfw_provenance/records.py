"""What run.json, recipe.lock, the splits and the history of a run say of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import (
    BEST_WEIGHTS,
    LOCK,
    PREDICTION_FILES,
    RECORD_KEYS,
    REFIT_PARTS,
    REFIT_WEIGHTS,
    class_counts,
    combine,
    file_digest,
    plain_json,
    read_lock,
    record_digest,
    split_hash,
    written_files,
)
from skinfw_provenance.archive import PackRecord
from skinfw_provenance.compare import json_differences, unreadable
from skinfw_provenance.derivation import Derivation
from skinfw_provenance.rebuild import RunContents, read_splits
from skinfw_provenance.verification import Verification

_LEFT_OUT = "it is not in the archive, since it may show patients or is of an unknown kind"
_INPUTS = (BEST_WEIGHTS, REFIT_WEIGHTS, LOCK, "splits.csv")
"""Files that others are derived from."""
_WRITTEN = "nothing in the run derives it; its bytes are those that were written"
_STRIPPED = "nothing in the run derives it, and without its images the run has no checksum of it"


def check_lock(run: Path, record: Mapping[str, Any], found: Verification) -> dict[str, Any]:
    """Compare run.json with recipe.lock; return the lock, empty where there is none.

    run: the folder.
    record: of run.json.
    """
    try:
        lock = read_lock(run / LOCK)
    except SkinfwError as error:
        if LOCK in record.get("checksums", {}):
            found.differ(LOCK, [unreadable(error)])
        else:
            found.leave(LOCK, "the run has none, as those of older versions")
        return {}
    changed = _is_changed(record)
    for key in RECORD_KEYS:
        if key == "hardware" and not changed:  # a run may go on elsewhere
            continue
        lines = list(json_differences(record.get(key), lock.get(key), "recipe.lock has", key))
        found.differ("run.json", lines)
        if not lines:
            found.agree("run.json")
    return lock


def check_splits(run: Path, record: Mapping[str, Any], found: Verification) -> None:
    """Compare splits.csv with the hash and the counts that run.json has of it."""
    splits = read_splits(run)
    if split_hash(splits) != record.get("split_hash"):
        found.differ("splits.csv", ["ids or parts: the hash is not the split_hash of run.json"])
    counts = class_counts(splits[splits["part"] == "train"], record.get("classes", ()))
    said = record.get("class_counts", {})
    found.differ("run.json", json_differences(said, counts, "splits.csv gives", "class_counts"))
    found.agree("splits.csv", len(splits))
    if refit := record.get("refit"):
        own = splits[splits["part"].isin({"train", *REFIT_PARTS[refit["on"]]})]
        derived = {
            "images": len(own),
            "lesions": int(own["lesion"].nunique()),
            "class_counts": class_counts(own, record.get("classes", ())),
        }
        told = {key: refit[key] for key in derived}
        found.differ("run.json", json_differences(told, derived, "splits.csv gives", "refit"))


def check_labels(run: Path, contents: RunContents, found: Verification) -> None:
    """Compare the true classes of the predictions with the labels of splits.csv."""
    splits = read_splits(run)
    labels = dict(zip(splits["id"], splits["label"], strict=True))
    for part, own in contents.result.predictions.items():
        pairs = zip(own.ids, own.true.tolist(), strict=True)
        found.differ(PREDICTION_FILES[part], (
            f'the image "{name}" is {own.classes[true]}, splits.csv says {labels[name]}'
            for name, true in pairs if own.classes[true] != labels[name]
        ))  # fmt: skip


def check_history(history: Sequence[Mapping[str, Any]], recipe: Any, found: Verification) -> None:
    """Look at the epochs of history.csv: they are no more than the recipe has."""
    most = recipe["train"]["epochs"]
    if len(history) > most:
        found.differ("history.csv", [f"it has {len(history)} epochs, the recipe {most}"])
    found.agree("history.csv", sum(len(row) for row in history))


def check_results(contents: RunContents, derivation: Derivation, found: Verification) -> None:
    """Compare what run.json has of numbers, best epoch and calibration with what is derived."""
    record, result = contents.record, contents.result
    said = dict(record.get("results", {}))
    derived = {"best_epoch": result.best_epoch, "select": result.select, **result.metrics}
    if not result.best_epoch:  # what was made of other runs has no epochs
        derived.pop("best_epoch")
    if not contents.complete:
        said = {key: _known(own, derived.get(key)) for key, own in said.items()}
    derived = plain_json(derived)
    found.differ("run.json", json_differences(said, derived, "the run's files give", "results"))
    fitted = combine(own.calibration for own in derivation.result.findings).record()
    told = record.get("calibration", fitted)
    if derivation.silent:  # one of them may have fitted what is absent now
        fitted = {key: own if own not in (None, {}) else told.get(key)
                  for key, own in fitted.items()}  # fmt: skip
    if refit := record.get("refit"):
        told_of, given = {"epochs": refit["epochs"]}, {"epochs": result.best_epoch}
        found.differ("run.json", json_differences(told_of, given, "the run's files give", "refit"))
    lines = json_differences(told, plain_json(fitted), "the predictions give", "calibration")
    found.differ("run.json", lines)


def check_bytes(
    run: Path,
    record: Mapping[str, Any],
    derivation: Derivation | None,
    pack_record: PackRecord,
    found: Verification,
) -> None:
    """Compare each file with the checksum that the run wrote; name those nobody could derive."""
    said = record.get("checksums")
    if said is None:
        found.leave("the checksums", "run.json has none: the run is not done, or is older")
        return
    if _is_changed(record):
        found.differ("run.json", ["its text is not the one that the run wrote: another checksum"])
    derived = derivation.files if derivation else {}
    there = {file.relative_to(run).as_posix(): file for file in written_files(run)}
    for name, own in said.items():
        file, digest = there.get(name), pack_record.stripped.get(name, own)
        if name in pack_record.left_out and file is None:
            found.leave(name, _LEFT_OUT)
        elif file is None:  # nor is it looked for elsewhere, whatever its name
            found.differ(name, ["is not there, and the run wrote it"])
        elif file_digest(file) == digest:
            found.agree(name)
            if name not in derived and name not in _INPUTS:
                found.leave(name, _STRIPPED if name in pack_record.stripped else _WRITTEN)
        elif name not in found.differences or name not in derived:
            found.differ(name, ["its bytes are not those that the run wrote: another checksum"])
    for name in there.keys() - said.keys():
        found.leave(name, "the run did not write it")


def _is_changed(record: Mapping[str, Any]) -> bool:
    return "checksum" in record and record_digest(record) != record["checksum"]


def _known(said: Any, derived: Any) -> Any:
    """Leave out the numbers of metrics that could not be asked."""
    if not isinstance(said, Mapping) or not isinstance(derived, Mapping):
        return said
    return {key: value for key, value in said.items() if key in derived}
