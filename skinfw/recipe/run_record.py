"""The record of a run, run.json: read as what it may be, a file from a stranger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.json_files import JsonError, check_schema, read_json
from skinfw.files.paths import display_path, refuse_links
from skinfw.interfaces.kinds import RECIPE_KINDS
from skinfw.recipe.settings import REFIT_PARTS, SETTINGS

VERSION = 1
"""Of the words of run.json; a record without the key schema_version is of the first."""
MOST_MEMBERS = 100
"""Networks that answer together."""
CURE = "name a folder that skinfw run has made, or a recipe file"

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Word = Annotated[str, Field(min_length=1, max_length=200)]


def _distinct(names: list[str]) -> list[str]:
    if len({*names}) < len(names):
        raise ValueError("it should name each class once")
    return names


Several = Field(min_length=2, max_length=10_000)
ClassNames = Annotated[list[Word], Several, AfterValidator(_distinct)]


class Schema(BaseModel):
    """Say what is read of a file; what stands beside that is not looked at."""

    model_config = ConfigDict(
        extra="ignore", strict=True, allow_inf_nan=False, protected_namespaces=()
    )


class CalibrationSchema(Schema):
    """Say what was fitted on validation images; null is not fitted."""

    temperature: Annotated[float, Field(gt=0, le=1e6)] | None = None
    limits: dict[str, float | None] = {}
    sets: Literal["lac", "aps"] = "lac"
    coverage: Share | None = None
    unknown: float | None = None


class HardwareSchema(Schema):
    """Say what a run computed on."""

    device: str = ""
    gpu: str = ""
    precision: Literal["fp32", "bf16", "fp16"] | None = None


class ModalitiesSchema(Schema):
    """Say what a network gets beside one picture."""

    pictures: Annotated[int, Field(ge=1, le=64)] = 1
    numbers: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = {}
    categories: dict[str, list[str]] = {}
    auxiliary: dict[str, Annotated[list[str], Field(min_length=1)]] = {}


class LeakageSchema(Schema):
    """Say what was checked of a division."""

    check: Literal["images", "ids"]
    components: Count
    links: dict[str, Count]
    straddling: Count
    dropped: dict[str, Count]


class XraySchema(Schema):
    """Say what an epoch shows of a class."""

    name: str = Field(alias="class")
    images: Count
    lesions: Count
    drawn: Count
    most_repeated: Count
    share_of_loss: Annotated[list[float], Field(min_length=1)]


class ComponentSchema(Schema):
    """Say who a component was."""

    kind: str
    use: str
    version: str
    source_sha256: str


class ChoiceTableSchema(Schema):
    """Say what an explainer chose from."""

    caption: str
    head: list[str]
    rows: list[list[str | float | dict[str, str | float | None] | None]]


class ChoiceSchema(Schema):
    """Say what an explainer chose on validation images; empty where it had no choice."""

    use: str = ""
    parameters: dict[Word, str | float | int | bool] = {}
    text: list[str] = []
    table: ChoiceTableSchema | None = None

    @model_validator(mode="after")
    def _whole(self) -> ChoiceSchema:
        if self.use and self.table is None:
            raise ValueError("it should have a table")
        return self


class MemberSchema(Schema):
    """Say which run another one was made of.

    Where there is a combination, its network stands in `members/`, by its number from 1.
    """

    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    network: Literal["best", "refit"] = "best"


class CombinationSchema(Schema):
    """Say how one answer is made of those of several networks."""

    method: Literal["probabilities", "logits", "ranks"]
    weights: Annotated[list[Share], Field(min_length=1, max_length=MOST_MEMBERS)]
    quantiles: list[list[Annotated[list[Share], Field(min_length=2)]]] = []


class ResultsSchema(Schema):
    """Say what came of a run; its numbers stand in metrics.json."""

    best_epoch: Annotated[int, Field(ge=1)] | None = None


def _refit_word(word: str) -> str:
    if word not in REFIT_PARTS:
        raise ValueError(f"it should be one of {', '.join(REFIT_PARTS)}")
    return word


class RefitSchema(Schema):
    """Say what the second network of a run has learned; without weights it is not complete."""

    on: Annotated[str, AfterValidator(_refit_word)]
    epochs: Annotated[int, Field(ge=1)]
    images: Count
    lesions: Count
    class_counts: dict[str, Count]
    modalities: ModalitiesSchema = ModalitiesSchema()
    weights: Literal["refit.safetensors"] | None = None


def _check_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no recipe can be; what its components take is checked with them."""
    seed = recipe.get("seed", 0)
    if type(seed) is not int or seed < 0:
        raise ValueError("its seed should be a whole number")
    for name, value in recipe.items():
        if name in SETTINGS and not isinstance(value, dict):
            raise ValueError(f"its {name} should be a table")
        if name not in RECIPE_KINDS:
            continue
        tables = value if isinstance(value, list) else [value]
        for table in tables:
            if not isinstance(table, dict) or not isinstance(table.get("use"), str):
                raise ValueError(f'its {name} should be tables with use = "name"')
        kind = RECIPE_KINDS[name]
        if isinstance(value, list) != kind.many and not kind.merger:
            raise ValueError(f"its {name} should be {'a list' if kind.many else 'a table'}")
    return recipe


RecordedRecipe = Annotated[dict[str, Any], AfterValidator(_check_recipe)]


class RunSchema(Schema):
    """Say what is read of run.json."""

    schema_version: Annotated[int, Field(ge=1)] = VERSION
    recipe: RecordedRecipe
    status: Annotated[str, Field(max_length=50)] = ""
    name: str = ""
    started: str = ""
    command: str = ""
    git_commit: str = ""
    platform: str = ""
    classes: ClassNames | None = None
    class_counts: dict[str, Count] = {}
    marks: list[str] = []
    notes: list[str] = []
    versions: dict[str, str] = {}
    machine: dict[str, str] = {}
    timings: dict[str, Annotated[float, Field(ge=0)]] = {}
    components: list[ComponentSchema] = []
    hardware: HardwareSchema = HardwareSchema()
    modalities: ModalitiesSchema = ModalitiesSchema()
    calibration: CalibrationSchema = CalibrationSchema()
    members: Annotated[list[MemberSchema], Field(max_length=MOST_MEMBERS)] = []
    combination: CombinationSchema | None = None
    explainers: list[ChoiceSchema] = []
    leakage: LeakageSchema | None = None
    xray: list[XraySchema] = []
    results: ResultsSchema = ResultsSchema()
    refit: RefitSchema | None = None
    data_fingerprint: str = ""
    split_hash: str = ""
    draw_hash: str = ""


_ABSENT = {"status": "", "timings": {}, "marks": [], "notes": [], "results": {}}
"""What a record has that lacks it."""


def read_run(path: Path) -> dict[str, Any]:
    """Read the record of a run.

    path: a run folder, its run.json, or its recipe.lock, which tells less.
    Raises RecipeError that says what is wrong with which key, or which link leads outside.
    """
    file = path / "run.json" if path.is_dir() else path
    try:
        record = read_json(file)
        if not isinstance(record, dict):
            raise JsonError("it is no table")
    except (OSError, JsonError) as error:
        why = str(error) if isinstance(error, JsonError) else error.strerror or str(error)
        raise RecipeError(
            f"{display_path(path)} is no run folder",
            display_path(file),
            "it does not exist" if isinstance(error, FileNotFoundError) else why,
            _series_cure(path) or CURE,
        ) from error
    _check_age(record, file)
    try:
        if file.name == "run.json":
            refuse_links(file.parent)
        check_schema(RunSchema, record, file.name, display_path(file), CURE)
        classes = record.get("classes") or ()
        check_calibration(record.get("calibration", {}), classes, display_path(file), CURE)
        _check_combination(record, len(classes), display_path(file))
    except SkinfwError as error:
        raise RecipeError(error.what, error.where, error.why, error.cure) from error
    return {**_ABSENT, **record}


def _series_cure(path: Path) -> str:
    """Return the cure where this is the folder of several runs; nothing where it is none."""
    held = sorted(
        file.parent for word in ("seed", "fold") for file in path.glob(f"{word}-*/run.json")
    )
    if not held:
        return ""
    return f"it holds several runs: name one of them, such as {display_path(held[0])}"


def check_calibration(
    record: Mapping[str, Any], classes: Collection[str], where: str, cure: str
) -> None:
    """Raise SkinfwError where limits were fitted for other classes than the network has.

    record: as CalibrationSchema says.
    classes: of the network.
    where, cure: of the error.
    """
    limits = record.get("limits") or {}
    if limits and {*limits} != {*classes}:
        raise SkinfwError(
            'the key "calibration.limits" is wrong',
            where,
            f"it should name the classes {', '.join(classes)}; it names {', '.join(limits)}",
            cure,
        )


def _check_combination(record: Mapping[str, Any], classes: int, where: str) -> None:
    """Refuse weights or quantiles that are not those of the members."""
    members, combination = record.get("members") or (), record.get("combination")
    if not combination:
        return
    weights, quantiles = combination.get("weights", ()), combination.get("quantiles", ())
    why = ""
    if len(weights) != len(members):
        why = f"it has {len(members)} members, and weights of {len(weights)}"
    elif weights and abs(sum(weights) - 1) > 1e-6:
        why = f"the weights sum to {sum(weights):.6g}, not to one"
    elif combination.get("method") == "ranks":
        shape = [len(own) for own in quantiles]
        steps = {len(own) for member in quantiles for own in member}
        if shape != [classes] * len(members) or len(steps) != 1:
            why = "the quantiles are not those of its members and classes"
    if why:
        raise SkinfwError('the key "combination" is wrong', where, why, CURE)


def _check_age(record: dict[str, Any], file: Path) -> None:
    """Refuse the record of a newer skinfw, whose words may mean something else."""
    from packaging.version import InvalidVersion, Version

    from skinfw.version import __version__

    versions = record.get("versions", {})
    made_by = str(versions.get("skinfw", "")) if isinstance(versions, dict) else ""
    try:
        newer = Version(made_by).release[:2] > Version(__version__).release[:2]
    except InvalidVersion:  # a record without versions is old
        newer = False
    words = record.get("schema_version", VERSION)
    if newer or (isinstance(words, int) and words > VERSION):
        raise RecipeError(
            f"the run was made by skinfw {made_by or 'of a later version'}, "
            f"and this is {__version__}",
            display_path(file),
            "a newer version may mean something else by the same words",
            f"pip install --upgrade 'skinfw>={made_by}'" if newer else "install a newer skinfw",
        )
