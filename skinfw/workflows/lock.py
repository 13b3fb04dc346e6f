"""recipe.lock: what a run was made of, written before it trains, down to each file.

Its keys are those of run.json where they mean the same, so that it can be run like a run folder.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

import skinfw
from skinfw.data.masks import mask_digests, mask_files
from skinfw.data.table import image_function, picture_paths
from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.checksums import file_digests, source_digest
from skinfw.files.json_files import check_schema
from skinfw.files.paths import display_path
from skinfw.files.remembered_digests import remembered_digests
from skinfw.files.sources import source_path
from skinfw.models.backbone import digest_weights
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.loading import LOCK
from skinfw.recipe.plan import Plan
from skinfw.recipe.run_record import (
    ClassNames,
    ComponentSchema,
    RecordedRecipe,
    Schema,
    read_run,
)
from skinfw.registry.distributions import needed_packages
from skinfw.runtime.device import machine_record
from skinfw.runtime.storage import cache_folder

if TYPE_CHECKING:
    import torch

FORMAT = 1
RECORD_KEYS = (
    "name", "recipe", "components", "versions", "platform", "git_commit", "hardware", "classes",
    "data_fingerprint", "split_hash", "draw_hash",
)  # fmt: skip
"""What recipe.lock has of run.json."""

_TABLES = ("*.csv", "*/*.csv")


class VersionsSchema(Schema):
    """Say which versions a lock must name."""

    python: str


class PackageSchema(Schema):
    """Say what is known of a package."""

    version: str
    sha256: str


class PluginSchema(PackageSchema):
    """Say what is known of a plugin."""

    package: str
    kinds: list[str]


class DataSchema(Schema):
    """Say what is known of a data set."""

    table: str
    files: dict[str, str]


class LockSchema(Schema):
    """Say what recipe.lock must hold to be compared."""

    format: Literal[1]
    name: str
    recipe: RecordedRecipe
    components: list[ComponentSchema]
    versions: VersionsSchema
    platform: str
    git_commit: str
    hardware: dict[str, Any]
    classes: ClassNames
    data_fingerprint: str
    split_hash: str
    draw_hash: str
    machine: dict[str, str]
    skinfw: str
    plugins: dict[str, PluginSchema]
    packages: dict[str, PackageSchema]
    initial_weights: str
    data: DataSchema


def make_lock(
    plan: Plan, rows: pd.DataFrame, model: torch.nn.Module, record: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what recipe.lock holds.

    plan: the checked recipe.
    rows: of the data set, divided.
    model: as it is before the first step.
    record: of the run, with the hashes of data, split and draw.
    """
    return {
        "format": FORMAT,
        **{name: record[name] for name in RECORD_KEYS},
        "machine": machine_record(),
        "skinfw": source_digest(Path(skinfw.__file__).parent, "*.py"),
        "plugins": _plugins(plan),
        "packages": needed_packages(
            frozenset({"skinfw", *(own.entry.plugin.distribution for own in plan.components)}),
            frozenset(filter(None, (own.entry.component.extra for own in plan.components))),
        ),
        "initial_weights": digest_weights(hashlib.sha256(), model).hexdigest(),
        "data": data_record(plan, rows, partial(remembered_digests, folder=cache_folder())),
    }


def read_lock(path: Path) -> dict[str, Any]:
    """Read the lock of a run.

    path: the run folder or its recipe.lock.
    Raises RecipeError where there is none, one of a newer format, or one that lacks something.
    """
    file = path / LOCK if path.is_dir() else path
    lock = read_run(file)
    if lock.get("format") != FORMAT:
        raise RecipeError(
            f"the lock cannot be read: its format is {lock.get('format')}",
            display_path(file),
            f"this skinfw reads the format {FORMAT}, which every run writes beside its run.json",
            "name a recipe.lock, or install the version of skinfw that wrote this one",
        )
    try:
        check_schema(LockSchema, lock, LOCK, display_path(file), "name the lock of another run")
    except SkinfwError as error:
        raise RecipeError(error.what, error.where, error.why, error.cure) from error
    return lock


def data_record(
    plan: Plan,
    rows: pd.DataFrame,
    digests_of: Callable[[Sequence[Path]], Sequence[str]] = file_digests,
) -> dict[str, Any]:
    """Return the SHA-256 of each image file and each table of a data set, and of what was read.

    rows: of the data set; a data set that draws its images has no files.
    Masks are among them where the network sees a part of each image.
    digests_of: files; reads all of them, or remembers those that have not changed.
    """
    dataset = plan.components.dataset
    roots = {own.host.get("source", ""): own.arguments.get("root") for own in dataset.sets}
    roots = roots or {"": getattr(plan.dataset, "root", None)}
    paths = [value for own in dataset.sets or (dataset,) for value in own.arguments.values()
             if isinstance(value, Path)]  # fmt: skip
    files = [path for path in paths if path.is_file()]
    for folder in paths:
        files += [file for pattern in _TABLES for file in folder.glob(pattern)]
    if not image_function(plan.dataset):
        files += [source_path(path) for path in picture_paths(plan, rows) if path]
    masks: Sequence[Path | None] | None = ()
    if plan.image.keep != "all":
        masks = mask_files(plan, rows["path"].tolist())
        files += [file for file in masks or () if file]
    named = {_name(file, roots): file for file in files}
    left = {"path", "component", "part", *plan.modalities.pictures}
    digests = dict(zip(named, digests_of(list(named.values())), strict=True))
    if masks is None:  # they have no files
        made = mask_digests(plan, rows["path"].tolist(), digests_of)
        digests |= {f"mask of {name}": own for name, own in zip(rows["id"], made, strict=True)}
    table = rows[[name for name in rows.columns if name not in left]].sort_values("id")
    text = table.to_csv(index=False)
    for root in roots.values():
        text = text.replace(str(root), "")
    return {
        "root": ", ".join(str(root or "") for root in roots.values()),
        "table": hashlib.sha256(text.encode()).hexdigest(),
        "files": dict(sorted(digests.items())),
    }


def _plugins(plan: Plan) -> dict[str, dict[str, Any]]:
    """Return each plugin that the recipe uses: its version, what it is used for, its sources."""
    used: dict[str, list[PlannedComponent[Any]]] = {}
    for own in plan.components:
        if not own.entry.file:  # a local file has its checksum among the components
            used.setdefault(own.entry.plugin.name, []).append(own)
    answer = {}
    for name, components in sorted(used.items()):
        plugin = components[0].entry.plugin
        targets = [plugin.module, *(own.entry.component.target for own in components)]
        modules = sorted({target.partition(":")[0].partition(".")[0] for target in targets})
        digests = [f"{module} {_module_digest(module)}" for module in modules]
        answer[name] = {
            "package": plugin.distribution,
            "version": plugin.version,
            "kinds": sorted({own.kind.name for own in components}),
            "sha256": hashlib.sha256(json.dumps(digests).encode()).hexdigest(),
        }
    return answer


def _module_digest(name: str) -> str:
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file:
        return ""
    place = Path(file)
    return source_digest(place.parent if place.name == "__init__.py" else place)


def _name(file: Path, roots: Mapping[str, Path | None]) -> str:
    """Return a file's name below the root of its data set, or all of its path.

    roots: by the name of the data set among several, which then stands before the file's.
    """
    for source, root in roots.items():
        if root and file.is_relative_to(root):
            return (Path(source) / file.relative_to(root)).as_posix()
    return str(file)
