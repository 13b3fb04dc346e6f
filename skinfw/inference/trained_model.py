"""A trained network: what must be known to use it, from a run folder or an exported file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from skinfw.data.metadata import modalities_from_record
from skinfw.errors import RecipeError, SkinfwError
from skinfw.evaluation.combination import Combination
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.files.checksums import file_digest
from skinfw.files.paths import display_path
from skinfw.inference.networks import (
    WEIGHTS,
    NetworkName,
    check_weights,
    learned_parts,
    refit_marks,
    refit_record,
)
from skinfw.interfaces.calibration import FittedCalibration
from skinfw.interfaces.kinds import KINDS
from skinfw.interfaces.values import Modalities
from skinfw.recipe.component import PlannedComponent, plan_component
from skinfw.recipe.loading import load_recipe
from skinfw.recipe.parameters import Complaint, parameters
from skinfw.recipe.places import Origin
from skinfw.recipe.plan import plan_kind
from skinfw.recipe.recorded_choices import chosen_tables
from skinfw.recipe.run_record import read_run
from skinfw.recipe.set_options import set_table
from skinfw.recipe.settings import REFIT_ON_ALL, SETTINGS, ImageSettings
from skinfw.registry.catalog import Catalog
from skinfw.registry.names import LocalName, parse

BATCH = 32
MEMBERS = "members"
"""The folder of a run folder with the networks that answer together, from 1."""


@dataclass(frozen=True)
class TrainedModel:
    """Hold what is known of a trained network.

    path: run folder or .onnx file.
    classes: class names, in the order of the outputs.
    tables: the resolved tables image, prepare, view, backbone and modify; of a run folder, all.
    marks: what a reader must know before believing its answers.
    hardware: what the run computed on, as run.json tells; empty for an exported file.
    modalities: what the network gets beside one picture, as run.json tells.
    counts: training images of each class; empty for what older versions recorded.
    sets: what was changed of its view since.
    calibration: what was fitted on validation images; nothing where the view was changed since.
    trust: whether Python files that its tables name may be imported unseen.
    network: which one of a run folder it is.
    learned: the parts of the data that it was trained on, or chosen by.
    members: of an ensemble, the networks that answer together; each looks at images in its own way.
    combination: how one answer is made of theirs.
    refit_marks: those of its marks that are about a refit of the run.
    """

    path: Path
    classes: tuple[str, ...]
    tables: Mapping[str, Any]
    marks: tuple[str, ...]
    hardware: Mapping[str, Any] = field(default_factory=dict)
    modalities: Mapping[str, Any] = field(default_factory=dict)
    counts: tuple[int, ...] = ()
    sets: tuple[str, ...] = ()
    calibration: FittedCalibration = field(default_factory=FittedCalibration)
    trust: bool = False
    network: NetworkName = "best"
    learned: tuple[str, ...] = ("train", "val")
    members: tuple[TrainedModel, ...] = ()
    combination: Combination = field(default_factory=Combination)
    refit_marks: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[TrainedModel, ...]:
        """Its members, or itself where it is one network."""
        return self.members or (self,)

    @cached_property
    def image(self) -> ImageSettings:
        """The recipe's [image] table."""
        values, complaints = parameters(ImageSettings).read(self.tables["image"])
        if complaints:
            raise outdated_error("[image]", complaints, self.path)
        return ImageSettings(**values)

    @property
    def batch_size(self) -> int:
        """How many images the run evaluates together; bf16 rounds by that."""
        if "train" not in self.tables:
            return BATCH
        own = self.tables["engine"]["eval_batch_size"] or 2 * self.tables["train"]["batch_size"]
        return int(own)

    @property
    def weights(self) -> Path:
        """The file of the weights, where this is a run folder."""
        return self.path / WEIGHTS[self.network]

    @cached_property
    def view(self) -> PlannedComponent[Any]:
        """The view, which plans how an image becomes what the network sees."""
        return self.components("view")[0]

    @property
    def view_averaging(self) -> ViewAveraging:
        """What makes one answer of the logits of the views."""
        averaging = ViewAveraging(self.counts, **self.view.host)
        if averaging.logit_adjustment and len(self.counts) != len(self.classes):
            raise SkinfwError(
                "the answers cannot be adjusted by the frequencies of the classes",
                display_path(self.path),
                "it does not tell how many images of each class it was trained on",
                "leave view.logit_adjustment at 0, or train again",
            )
        return averaging

    @cached_property
    def known(self) -> Modalities:
        """What the network gets beside one picture."""
        return modalities_from_record(self.modalities)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The columns of the further pictures of a lesion."""
        return tuple(self.tables.get("modalities", {}).get("pictures", ()))

    def image_marks(self, given: Collection[str] = ()) -> tuple[str, ...]:
        """Return the marks, and what else must be known of answers for single images.

        given: columns of the recipe's [modalities] that come with each image.
        """
        metadata = dict.fromkeys(name for own in self.networks for name in own.known.metadata)
        lacking = [name for name in metadata if name not in given]
        if not lacking:
            return self.marks
        missing = f"{', '.join(lacking)} are not given with an image and count as missing"
        return (*self.marks, missing)

    def components(self, kind: str) -> list[PlannedComponent[Any]]:
        """Return the components of a kind that were recorded, in order, checked but not built.

        Raises SkinfwError where one is not installed or takes other parameters today.
        """
        tables = self.tables.get(kind, [])
        components = []
        for table in [tables] if isinstance(tables, Mapping) else tables:
            where = f'{display_path(self.path)}   {kind}.use = "{table["use"]}"'
            # What was set since is the user's own, and was checked when it was set.
            own = kind == "view" and bool(self.sets)
            origin = Origin(where, Path.cwd(), trusted=self.trust or own)
            component, complaints = plan_component(
                KINDS[kind], (kind,), table, origin, where, Catalog(), self.classes
            )
            if component is None:
                raise outdated_error(f'{kind} "{table["use"]}"', complaints, self.path)
            components.append(component)
        return components

    def check_whole_images(self) -> None:
        """Raise SkinfwError where an image without a mask is not what the network takes."""
        if part := next((own.image.keep for own in self.networks if own.image.keep != "all"), ""):
            raise SkinfwError(
                f'the network sees a part of each image alone, image.keep = "{part}"',
                display_path(self.path),
                "an image without a mask does not tell where its lesion is",
                "evaluate a data set with masks (skinfw evaluate RUN --dataset RECIPE), or train "
                'with image.keep = "all"',
            )

    def check_pictures(self, given: Collection[str] = ()) -> None:
        """Raise SkinfwError where pictures that the network looks at do not come with each image.

        given: as for `image_marks`.
        """
        pictures = dict.fromkeys(name for own in self.networks for name in own.pictures)
        if lacking := [name for name in pictures if name not in given]:
            raise SkinfwError(
                f"the network looks at {1 + len(pictures)} pictures of a lesion at once",
                display_path(self.path),
                f"the images come without {', '.join(lacking)}",
                f"name a CSV with the columns {', '.join(('path', *pictures))}, which hold paths",
            )


def outdated_error(what: str, complaints: Sequence[Complaint], path: Path) -> SkinfwError:
    """Return the error that says that today's code does not take what was recorded.

    what: the table.
    path: run folder or file.
    """
    texts = [f"{'.'.join(map(str, one.keys))} {one.text}" for one in complaints]
    return SkinfwError(
        f"{what} does not take what it was given when the network was trained",
        str(path),
        "; ".join(texts),
        "install the versions that trained it; run.json names them",
    )


def load_trained_model(
    path: Path,
    sets: Sequence[str] = (),
    trust: bool = False,
    network: NetworkName | None = None,
) -> TrainedModel:
    """Read what is known of a run's network.

    path: the run folder.
    sets: texts such as `view.logit_adjustment=0.25`, which change its view and nothing else.
    trust: whether Python files that the run names may be imported unseen.
    network: which one; the refit unless given, where the run has one.
    Raises SkinfwError where it is no run folder or has no such weights.
    """
    for text in sets:
        if set_table(text) != "view":
            raise RecipeError(
                "a trained network keeps all but its view",
                f"--set {text}",
                "the rest of its recipe is what it has learned with",
                "set view.KEY=VALUE, or train again",
            )
    record = read_run(path)
    folder = path if path.is_dir() else path.parent
    refit = refit_record(record, folder, network)
    check_weights(folder, record, refit)
    classes, tables = tuple(record["classes"]), _settled(record["recipe"], folder)
    tables["explainer"] = chosen_tables(tables.get("explainer", ()), record.get("explainers", ()))
    calibration = FittedCalibration.from_record({} if sets else record.get("calibration", {}))
    marks = list(record.get("marks", ()))
    parts = record.get("members", ()) if record.get("combination") else ()
    if record.get("status") != "done":
        marks.append(f"the run is {record.get('status')}: its weights are the best so far")
    about_refit = refit_marks(refit, calibration)
    marks += about_refit
    marks += _changed_files(record)
    if sets:
        recipe = load_recipe(folder, sets, trust=trust or None)
        view = plan_kind(recipe, Catalog(), "view", classes)
        tables = {**tables, "view": view.table() if view else {}}
        marks.append(f"answers are not those of the run: {', '.join(sets)}")
    about = refit or record
    return TrainedModel(
        folder,
        classes,
        tables,
        tuple(marks),
        record.get("hardware", {}),
        about.get("modalities", {}),
        _counts(about, classes),
        tuple(sets),
        calibration,
        trust,
        "refit" if refit else "best",
        learned_parts(tables["train"]["validation"], refit),
        _members(folder, parts, classes, sets, trust),
        Combination.from_record(record.get("combination") or {}),
        (*about_refit, REFIT_ON_ALL),
    )


def _members(
    folder: Path,
    entries: Sequence[Mapping[str, Any]],
    classes: tuple[str, ...],
    sets: Sequence[str],
    trust: bool,
) -> tuple[TrainedModel, ...]:
    """Read what is known of the networks of an ensemble."""
    members = []
    for place, entry in enumerate(entries, 1):
        path, network = folder / MEMBERS / str(place), entry.get("network", "best")
        if not (path / "run.json").is_file() or not (path / WEIGHTS[network]).is_file():
            raise _member_error(path, "its run.json or its weights are gone")
        own = load_trained_model(path, sets, trust, network)
        if own.members or own.classes != classes:
            raise _member_error(
                path, f"it should be one network of the classes {', '.join(classes)}"
            )
        if file_digest(own.weights) != entry.get("sha256"):
            raise _member_error(path, "the checksum of its weights is another")
        members.append(own)
    return tuple(members)


def _member_error(path: Path, why: str) -> SkinfwError:
    """Return the error of a member that is not what the record of the ensemble tells."""
    return SkinfwError(
        "a member of the ensemble is not what its record tells",
        display_path(path),
        why,
        "restore the folder, or make the ensemble again: skinfw ensemble",
    )


_schema = cache(parameters)


def _settled(recipe: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a recorded recipe with the host's tables whole, each value in its bounds.

    Raises SkinfwError for a value that today's skinfw does not take, or a kind that is absent.
    """
    tables = dict(recipe)
    for name, settings in SETTINGS.items():
        schema = _schema(settings)
        known = {key: own for key, own in recipe.get(name, {}).items()
                 if key in schema.model.model_fields}  # fmt: skip
        complaints = schema.read(known)[1]
        if complaints:
            raise outdated_error(f"[{name}]", complaints, folder)
        tables[name] = {**schema.defaults(), **recipe.get(name, {})}
    if lacking := [
        kind.name for kind in KINDS.values() if kind.required and kind.name not in tables
    ]:
        raise SkinfwError(
            f'run.json lacks the key "recipe.{lacking[0]}"',
            display_path(folder / "run.json"),
            cure="restore the file, or train again",
        )
    return tables


def _changed_files(record: Mapping[str, Any]) -> list[str]:
    """Return a mark for each Python file that is not what the network was trained with."""
    files: dict[Path, str] = {}
    for part in record.get("components", ()):
        if isinstance(name := parse(part["use"]), LocalName):
            files[Path(name.file)] = part["source_sha256"]
    return [
        f"{file.name} has changed since the network was trained with it"
        for file, digest in files.items()
        if file_digest(file) not in ("", digest)
    ]


def _counts(record: Mapping[str, Any], classes: Sequence[str]) -> tuple[int, ...]:
    """Return the training images of each class; none where they are not of these classes."""
    counts = record.get("class_counts", {})
    return tuple(counts[name] for name in classes) if {*counts} == {*classes} else ()
