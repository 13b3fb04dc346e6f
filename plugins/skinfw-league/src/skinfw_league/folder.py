"""The folder of a league: its protocol, and a row for each trial, named after its content.

league.json says what all trials share. rows/KEY has row.json, which tells what was trained and
measured, the answers on the test part, and cost.json with what it took.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from skinfw import Predictions, SkinfwError, write_csv, write_json
from skinfw.toolkit import (
    PREDICTION_FILES,
    Schema,
    display_path,
    file_digest,
    read_record,
    run_predictions,
    unwritable,
    write_predictions,
)
from skinfw_league.identity import digest, trial_key
from skinfw_league.protocol import AXES

FILE = "league.json"
ROW, COST = "row.json", "cost.json"
VERSION = 1
ANSWERS = PREDICTION_FILES["test"]
LESIONS = "splits.csv"
_CURE = "restore the folder, or delete it and carry the trial out again"

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Word = Annotated[str, Field(min_length=1, max_length=200)]


class LeagueSchema(Schema):
    """Say what is read of league.json."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)]
    name: Word
    number: Word
    seeds: Annotated[int, Field(ge=1, le=100)]
    recipe: dict[str, Any]
    reports: list[dict[str, Any]]


class RowSchema(Schema):
    """Say what is read of row.json."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)]
    shared: Digest
    names: dict[str, Word]
    tables: dict[str, Any]
    seed: Annotated[int, Field(ge=1, le=100)]
    data_fingerprint: Digest
    split_hash: Digest
    answers: Digest
    lesions: Digest
    marks: list[str]


class CostSchema(Schema):
    """Say what is read of cost.json."""

    timings: dict[str, Annotated[float, Field(ge=0)]]
    parameters: Annotated[int, Field(ge=0)]
    joules: Annotated[float, Field(ge=0)] | None
    hardware: str
    versions: dict[str, str]


@dataclass(frozen=True)
class League:
    """Hold the folder of a league and what it says that all trials share.

    path: the folder.
    name: what the table is called.
    shared: number, seeds and recipe.
    reports: the tables of the reports that show it.
    """

    path: Path
    name: str
    shared: Mapping[str, Any]
    reports: tuple[Mapping[str, Any], ...]

    @property
    def digest(self) -> str:
        """Of what all trials share."""
        return digest(self.shared)

    def row_path(self, key: str) -> Path:
        """Return the folder of a row."""
        return self.path / "rows" / key

    def has_row(self, key: str) -> bool:
        """Tell whether a trial is done."""
        return (self.row_path(key) / ROW).is_file()


@dataclass(frozen=True)
class Row:
    """Hold one trial that is done.

    key: the name of its folder.
    record: its row.json.
    """

    key: str
    record: Mapping[str, Any]
    path: Path

    @property
    def names(self) -> tuple[str, ...]:
        """What the protocol calls its tables, in the order of `AXES`."""
        return tuple(self.record["names"][kind] for kind in AXES)

    def predictions(self) -> Predictions:
        """Return its answers on the test part, by id.

        Raises SkinfwError where they are not those that the row has told of.
        """
        for name, known in ((ANSWERS, "answers"), (LESIONS, "lesions")):
            if file_digest(self.path / name) != self.record[known]:
                file = display_path(self.path / name)
                raise SkinfwError(
                    f"{name} of a row has changed", file, "its checksum is another", _CURE
                )
        return run_predictions(self.path)

    def cost(self) -> dict[str, Any]:
        """Return what it took."""
        return read_record(CostSchema, self.path / COST, _CURE)


def create_league(
    path: Path, name: str, shared: Mapping[str, Any], reports: tuple[Mapping[str, Any], ...]
) -> League:
    """Make the folder of a league, or open it to go on.

    Raises SkinfwError where the folder holds another protocol, or cannot be written.
    """
    if (path / FILE).is_file():
        league = open_league(path)
        refuse_other_protocol(league.shared, shared, display_path(path / FILE), name)
        return league
    try:
        (path / "rows").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    about = {"schema_version": VERSION, "name": name, **shared, "reports": list(reports)}
    write_json(path / FILE, about)
    return League(path, name, shared, reports)


def open_league(path: Path) -> League:
    """Open the folder of a league."""
    record = read_record(LeagueSchema, path / FILE, "name a folder that skinfw league has made")
    shared = {key: record[key] for key in ("number", "seeds", "recipe")}
    return League(path, record["name"], shared, tuple(record["reports"]))


def refuse_other_protocol(
    one: Mapping[str, Any], other: Mapping[str, Any], where: str, name: str
) -> None:
    """Raise SkinfwError where two leagues do not share one protocol, with the keys that differ.

    one, other: what the trials of each share.
    where: the file of the first one.
    name: of the second one.
    """
    if differing := differing_keys(one, other):
        raise SkinfwError(
            f"{name} is another protocol than that of the league",
            where,
            differing,
            "make them equal, or choose another --out; rows of two protocols cannot be compared",
        )


def differing_keys(one: Any, other: Any, name: str = "") -> str:
    """Say in which keys two tables differ, "" where they do not.

    name: of both.
    """
    differing = _differences(one, other, name)
    more = f" and {len(differing) - 5} more" if len(differing) > 5 else ""
    return f"they differ in {'; '.join(differing[:5])}{more}" if differing else ""


def _differences(one: Any, other: Any, name: str = "") -> list[str]:
    """Say which keys of two tables differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        names = [*one, *(key for key in other if key not in one)]
        return [
            said
            for key in names
            for said in _differences(one.get(key), other.get(key), f"{name}.{key}".lstrip("."))
        ]
    return [] if one == other else [f"{name} ({_short(one)} and {_short(other)})"]


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:60]} ..."


def read_rows(league: League) -> list[Row]:
    """Return all rows of a league, by what they name and their seed.

    Raises SkinfwError for one that is of another protocol, or whose content is not what its name
    says.
    """
    rows = []
    for file in sorted((league.path / "rows").glob(f"*/{ROW}")):
        record = read_record(RowSchema, file, _CURE)
        key, where = file.parent.name, display_path(file)
        if record["names"].keys() != set(AXES) or record["tables"].keys() != set(AXES):
            raise SkinfwError("a row names other axes", where, f"it has {', '.join(AXES)}", _CURE)
        if record["shared"] != league.digest:
            raise SkinfwError("a row is of another protocol", where, cure="delete it")
        dataset = record["names"]["dataset"]
        if trial_key(record["shared"], dataset, record["tables"], record["seed"]) != key:
            raise SkinfwError("a row is not what its name says", where, cure=_CURE)
        rows.append(Row(key, record, file.parent))
    return sorted(rows, key=lambda row: (*row.names, row.record["seed"]))


def write_row(path: Path, record: Mapping[str, Any], cost: Mapping[str, Any], run: Path) -> None:
    """Write the row of a run that is done; row.json comes last, so that no row is half.

    path: the folder of the row.
    record: what row.json says beside the digests of the answers.
    run: its run folder.
    """
    answers = run_predictions(run)
    order = sorted(range(len(answers.ids)), key=lambda place: answers.ids[place])
    own = Predictions(
        [answers.ids[place] for place in order],
        [answers.lesions[place] for place in order],
        answers.true[order],
        answers.probabilities[order],
        answers.classes,
    )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    write_predictions(path / ANSWERS, own)
    labels = (own.classes[true] for true in own.true.tolist())
    lines = zip(own.ids, own.lesions, labels, strict=True)
    write_csv(path / LESIONS, ["id", "lesion", "label", "part"], ([*one, "test"] for one in lines))
    write_json(path / COST, cost)
    digests = {"answers": file_digest(path / ANSWERS), "lesions": file_digest(path / LESIONS)}
    write_json(path / ROW, {"schema_version": VERSION, **record, **digests})
