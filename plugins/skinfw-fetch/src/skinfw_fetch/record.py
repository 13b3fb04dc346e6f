"""Remember what was fetched into a folder, and tell whether it is still that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from skinfw import Download, RecipeError, SkinfwError, atomic_write
from skinfw.toolkit import Schema, read_record
from skinfw_fetch.partial import CHUNK
from skinfw_fetch.unpack import Tally, tally

RECORD = "downloads.json"
VERSION = 2
"""Of its words; one without the key schema_version is of the first, which had no checksums."""
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
    unpacked: what `tally` says of what it unpacked to; None where it is not unpacked.
    """

    url: str
    bytes: int
    sha256: str
    etag: str
    date: str
    unpacked: Tally | None = None


class _Entry(Schema):
    url: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    etag: str
    date: str
    unpacked: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=3)] | None


class _Record(Schema):
    """Say what is read of downloads.json."""

    schema_version: Annotated[int, Field(ge=1, le=VERSION)] = 1
    dataset: str
    files: dict[str, _Entry]
    checksum: str | None = None


class Record:
    """Hold what was fetched into a folder, as its downloads.json says."""

    def __init__(self, root: Path, dataset: str) -> None:
        """Read the record of a folder, if there is one.

        root: the folder.
        dataset: whose files it holds; another one's are refused.
        """
        self.root, self.dataset = root, dataset
        self._files: dict[str, Fetched] = {}
        self._place = root / RECORD
        self._text = self._read_text()
        if not self._text:
            return
        cure = "restore it, or fetch into another folder with --root"
        content = read_record(_Record, self._place, cure)
        owner = content["dataset"]
        self._files = {name: _read(entry) for name, entry in content["files"].items()}
        own = _checksum(owner, self._files)
        if (content.get("checksum") or own) != own:
            raise SkinfwError(
                f"{RECORD} cannot be read",
                str(self._place),
                "its bytes have changed: its checksum is not that of what it says",
                cure,
            )
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
        content = {
            "schema_version": VERSION,
            "dataset": self.dataset,
            "files": {name: asdict(entry) for name, entry in self._files.items()},
            "checksum": _checksum(self.dataset, self._files),
        }
        self._text = json.dumps(content, indent=2) + "\n"
        with atomic_write(self._place) as partial:
            partial.write_text(self._text, encoding="utf-8")

    def has_changed(self) -> bool:
        """Tell whether another process has written the record since."""
        return self._read_text() != self._text

    def _read_text(self) -> str:
        """Return the record's text; bytes that are none make it unreadable, not this process."""
        if not self._place.is_file():
            return ""
        return self._place.read_text(encoding="utf-8", errors="replace")

    def state(self, file: Download) -> State:
        """Say how far a file is.

        Raises SkinfwError where what is here is not what was recorded.
        """
        known, place = self._files.get(file.name), self.root / file.name
        folder = self.root / file.folder
        if file.folder and folder.is_dir():
            if not known or not known.unpacked:
                raise changed(folder, f"{RECORD} does not know it")
            if why := _difference(tally(folder, known.unpacked), known.unpacked):
                raise changed(folder, why)
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


def _difference(now: Tally, before: Tally) -> str:
    """Say in what an unpacked folder is not what it was; nothing where it is."""
    if now[:2] != before[:2]:
        texts = [f"{tally[0]:,} files of {tally[1]:,} bytes" for tally in (now, before)]
        return f"it holds {texts[0]}, and {texts[1]} were unpacked"
    return "" if now == before else "bytes of its files have changed since they were unpacked"


def _read(entry: dict[str, Any]) -> Fetched:
    known = {own.name: entry[own.name] for own in fields(Fetched)}
    return Fetched(**{**known, "unpacked": tuple(entry["unpacked"] or ()) or None})


def _checksum(dataset: str, files: Mapping[str, Fetched]) -> str:
    """Return what tells a record from one whose bytes have changed."""
    content = [dataset, {name: asdict(entry) for name, entry in files.items()}]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
