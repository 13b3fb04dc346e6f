"""Remember what was fetched into a folder, and tell whether it is still that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from skinfw import Download, RecipeError, SkinfwError
from skinfw.toolkit import Schema, read_record
from skinfw_fetch.download import CHUNK
from skinfw_fetch.unpack import tally

RECORD = "downloads.json"
VERSION = 1
"""Of its words; one without the key schema_version is of the first."""
State = Literal["absent", "unknown", "there", "done"]
"""Of a file: not here; here by other hands; here and to be unpacked; nothing is left to do."""


@dataclass(frozen=True)
class Fetched:
    """Hold what came of one file.

    url: from where.
    bytes: how many.
    sha256: their checksum.
    etag: the server's name for this version, or its date.
    date: when it came.
    unpacked: how many files it unpacked to, and their bytes; None where it is not unpacked.
    """

    url: str
    bytes: int
    sha256: str
    etag: str
    date: str
    unpacked: tuple[int, int] | None = None


class _Entry(Schema):
    url: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    etag: str
    date: str
    unpacked: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)] | None


class _Record(Schema):
    """Say what is read of downloads.json."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)] = VERSION
    dataset: str
    files: dict[str, _Entry]


class Record:
    """Hold what was fetched into a folder, as its downloads.json says."""

    def __init__(self, root: Path, dataset: str) -> None:
        """Read the record of a folder, if there is one.

        root: the folder.
        dataset: whose files it holds; another one's are refused.
        """
        self.root, self._dataset = root, dataset
        self._files: dict[str, Fetched] = {}
        self._place = root / RECORD
        if not self._place.is_file():
            return
        cure = "mend it, or fetch into another folder with --root"
        content = read_record(_Record, self._place, cure)
        owner = content["dataset"]
        self._files = {name: _read(entry) for name, entry in content["files"].items()}
        if owner != dataset:
            raise RecipeError(
                f"the folder holds {owner}",
                str(root),
                "each data set has its own licence and record",
                "choose another folder with --root",
            )

    def known(self, file: Download) -> Fetched:
        """Return what came of a file that was fetched."""
        return self._files[file.name]

    def note(self, file: Download, fetched: Fetched) -> None:
        """Remember what came of a file, on the disk before anything else happens."""
        self._files[file.name] = fetched
        files = {name: asdict(entry) for name, entry in self._files.items()}
        record = {"schema_version": VERSION, "dataset": self._dataset, "files": files}
        text = json.dumps(record, indent=2)
        fresh = self._place.with_suffix(".new")
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self._place)

    def state(self, file: Download) -> State:
        """Say how far a file is.

        Raises SkinfwError where what is here is not what was recorded.
        """
        known, place = self._files.get(file.name), self.root / file.name
        folder = self.root / file.folder
        if file.folder and folder.is_dir():
            if not known or not known.unpacked:
                raise changed(folder, f"{RECORD} does not know it")
            if (now := tally(folder)) != known.unpacked:
                texts = [
                    f"{count:,} files of {size:,} bytes" for count, size in (now, known.unpacked)
                ]
                raise changed(folder, f"it holds {texts[0]}, and {texts[1]} were unpacked")
            return "done"
        if not place.is_file():
            return "absent"
        if not known:
            return "unknown"
        if place.stat().st_size != known.bytes or sha256(place) != known.sha256:
            raise changed(place, f"its SHA-256 is not {known.sha256[:16]}..., as {RECORD} has it")
        return "there" if file.folder else "done"


def sha256(place: Path, advance: Callable[[int], None] | None = None) -> str:
    """Return the checksum of a file.

    advance: hears of the bytes.
    """
    digest = hashlib.sha256()
    with place.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            if advance:
                advance(len(chunk))
    return digest.hexdigest()


def changed(place: Path, why: str) -> SkinfwError:
    """Return the error that says that a file or folder came from other hands.

    place: the file or folder.
    why: how one can tell.
    """
    return SkinfwError(
        f"{place.name} is not what this command fetched",
        str(place),
        why,
        "move it away and run the same command again to fetch it anew, or choose another --root",
    )


def _read(entry: dict[str, Any]) -> Fetched:
    known = {own.name: entry[own.name] for own in fields(Fetched)}
    return Fetched(**{**known, "unpacked": tuple(entry["unpacked"] or ()) or None})
