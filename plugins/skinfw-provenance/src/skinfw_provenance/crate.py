"""The description of a pack as an RO-Crate: what each file is, and how the run made it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skinfw.toolkit import dataset_name

VERSION = "1.1"
_ABOUT = (
    "A network that classifies skin lesions, with its numbers and what they were derived from. "
    "skinfw verify derives them again."
)
_KNOWN = {
    "run.json": "The record of the run: recipe, versions, results, checksums.",
    "recipe.lock": "What the run was made of, down to each file.",
    "best.safetensors": "The weights of the best epoch.",
    "refit.safetensors": "The weights of the refit, which answers new images.",
    "predictions.csv": "Probabilities of each test image.",
    "predictions_val.csv": "Probabilities of each validation image.",
    "splits.csv": "Which image is in which part.",
    "metrics.json": "The numbers.",
    "intervals.json": "The 95 % intervals of the numbers, over lesions.",
    "history.csv": "A row per epoch.",
    "report.html": "All that a reader must know in one page.",
}


@dataclass(frozen=True)
class Terms:
    """Hold on what terms a pack and what it was made from may be used.

    pack: the licence that its author gave it; empty for none.
    data: the licence of the data set, as its component declares.
    attribution: whom the data set wants to be named.
    weights: what is known of the licence of the weights that the training began with.
    """

    pack: str
    data: str
    attribution: str
    weights: str


def describe_pack(
    record: Mapping[str, Any],
    digests: Mapping[str, str],
    terms: Terms,
    left_out: Sequence[str],
    ended: datetime,
) -> bytes:
    """Return ro-crate-metadata.json.

    record: of the run.
    digests: the SHA-256 of each member of the pack.
    terms: on which it may be used.
    left_out: what of the run is not in the pack, a sentence each.
    ended: when the run did.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    crate.name = f"{record['name']}: a run of skinfw"
    crate.description = " ".join([_ABOUT, *left_out])
    crate.datePublished = ended
    licence = {"name": terms.pack or "Nobody has stated a licence for this archive."}
    crate.license = _add(crate, "#licence", "CreativeWork", licence)
    run = _add(crate, "#run", "CreateAction", {
        "name": record["command"], "startTime": record["started"], "endTime": record["ended"],
    })  # fmt: skip
    version = {"name": "skinfw", "softwareVersion": record["versions"].get("skinfw", "")}
    run["instrument"] = _add(crate, "#skinfw", "SoftwareApplication", version)
    run["object"] = _inputs(crate, record["recipe"], terms)
    run["result"] = [_add_file(crate, name, digest) for name, digest in sorted(digests.items())]
    crate.root_dataset["mentions"] = [run]
    return (json.dumps(crate.metadata.generate(), indent=1, sort_keys=True) + "\n").encode()


def _inputs(crate: Any, recipe: Mapping[str, Any], terms: Terms) -> list[Any]:
    """Add what the run began with: the data set and the weights, neither of which is packed."""
    data = _add(crate, "#data", "Dataset", {
        "name": dataset_name(recipe),
        "description": "The images that it was trained and tested on, which are not here.",
    })  # fmt: skip
    if terms.data:
        data["license"] = _add(crate, "#data-licence", "CreativeWork", {"name": terms.data})
        data["creditText"] = terms.attribution
    about = {"name": recipe["backbone"]["use"], "description": terms.weights}
    return [data, _add(crate, "#initial-weights", "CreativeWork", about)]


def _add(crate: Any, identifier: str, kind: str, about: Mapping[str, Any]) -> Any:
    from rocrate.model import ContextEntity

    return crate.add(ContextEntity(crate, identifier, {"@type": kind, **about}))


def _add_file(crate: Any, name: str, digest: str) -> Any:
    from rocrate.model import File

    bare = name.rpartition("/")[2]
    about = {"name": bare, "sha256": digest}
    if bare in _KNOWN:
        about["description"] = _KNOWN[bare]
    return crate.add(File(crate, None, name, properties=about))
