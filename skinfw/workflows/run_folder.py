"""The run folder: a run.json that always tells the truth about what happened."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skinfw.errors import SkinfwError
from skinfw.files.atomic import plain_json, write_json
from skinfw.files.checksums import file_digests
from skinfw.files.lock import FILE as RUN_LOCK
from skinfw.files.lock import lock_folder
from skinfw.files.paths import display_path, file_name, new_folder
from skinfw.files.processes import remove_partials
from skinfw.recipe.run_record import VERSION, read_run
from skinfw.registry.distributions import extra_packages
from skinfw.runtime.group import has_starter, is_main, tell_starter
from skinfw.runtime.signals import exit_code

if TYPE_CHECKING:
    from skinfw.recipe.plan import Plan

Status = Literal["running", "done", "stopped", "failed"]
FILE = "run.json"
PROCESSES = "processes"
"""The folder of what the processes of a run print, but for the first one."""
_LATER = ("last", "evaluations", "trackers", PROCESSES, RUN_LOCK)
_PACKAGES = ("skinfw", "torch", "torchvision", "timm", "numpy", "pandas", "opencv-python-headless")


class RunFolder:
    """Hold a run's folder and its record; every change is on disk before the next step begins.

    Processes other than the first of a distributed run keep the record in memory only.
    """

    def __init__(self, path: Path, record: dict[str, Any], writes: bool = True) -> None:
        """Take a folder that exists and its record."""
        self.path, self.record, self._writes = path, record, writes

    @classmethod
    def create(
        cls, parent: Path, plan: Plan, name: str = "", lineage: Mapping[str, Any] | None = None
    ) -> RunFolder:
        """Make a new folder for a run.

        parent: where runs go.
        plan: the checked recipe.
        name: of the folder; recipe and time unless given.
        lineage: what it is one of, as the hook `run_start` tells it.
        Raises SkinfwError where the folder cannot be written.
        """
        # torchrun's processes share one folder, and only the first one writes into it.
        writes = is_main()
        name = name or f"{file_name(plan.recipe.name)}-{time.strftime('%Y%m%d-%H%M%S')}"
        path = new_folder(parent, name) if writes else parent / name
        run = cls(path, {**run_record(plan), "lineage": {**(lineage or {})}}, writes)
        run.save()
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run folder, to go on with it.

        path: the folder or its run.json.
        """
        record = read_run(path)
        folder = path if path.is_dir() else path.parent
        return cls(folder, record, is_main())

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other runs out of the folder, and remove what killed ones had half written.

        Raises SkinfwError where another run is at work in it.
        """
        if not self._writes:
            yield
            return
        with lock_folder(self.path) as ended:
            remove_partials(self.path, ended)
            yield

    def begin(self) -> None:
        """Write that the run is under way."""
        for key in ("signal", "checksum", "checksums"):  # of an earlier end
            self.record.pop(key, None)
        self.record["timings"].pop("report", None)  # they write anew, and tell the time before
        self.update(status="running", error=None, ended=None, failures=[])

    def leave(self) -> None:
        """Write that the run was stopped from outside, in the last moment of its process."""
        self.finish("stopped", signal="SIGTERM")
        if self._writes:
            (self.path / RUN_LOCK).unlink(missing_ok=True)
        if self._writes and not has_starter():
            line = f"stopped; go on with: skinfw run {display_path(self.path)} --resume\n"
            os.write(2, line.encode())  # no lock of a stream may hold it up

    def lose(self, error: SkinfwError) -> None:
        """Write and tell that other processes are gone, in the last moment of this one."""
        self.finish("failed", error)
        if self._writes:
            (self.path / RUN_LOCK).unlink(missing_ok=True)
        if not tell_starter(str(error)):
            os.write(2, f"{error}\n".encode())  # no lock of a stream may hold it up

    def start(self) -> dict[str, Any]:
        """Return what the hook `run_start` tells."""
        record = self.record
        return {
            "folder": self.path,
            "recipe": record["recipe"],
            "lineage": {"recipe": record["name"], **record.get("lineage", {})},
            "rehearsal": record.get("rehearsal", False),
        }

    @property
    def exit_code(self) -> int:
        """The exit code of a run that was stopped: that of the signal, or of Ctrl-C."""
        return exit_code(self.record.get("signal") or "SIGINT")

    def update(self, **entries: Any) -> None:
        """Change entries of the record and write it."""
        self.record |= entries
        self.save()

    def finish(self, status: Status, error: BaseException | None = None, signal: str = "") -> None:
        """Write how the run ended.

        error: what ended it, for a failed run.
        signal: what ended it, for a stopped run.
        """
        if status == "stopped":
            self.record["signal"] = signal or "SIGINT"
        self.record["ended"] = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self.record["status"] = status
        self.record["error"] = None if error is None else f"{type(error).__name__}: {error}"
        self.record["checksum"] = record_digest(self.record)
        self.save()

    def keep_checksums(self) -> None:
        """Write the checksum of each file of the run, by which a change since can be told."""
        files = written_files(self.path)
        names = [file.relative_to(self.path).as_posix() for file in files]
        self.update(checksums=dict(zip(names, file_digests(files), strict=True)))

    def save(self) -> None:
        """Replace run.json in one step, so that no reader ever sees half of it."""
        if self._writes:
            write_json(self.path / FILE, self.record)


def record_digest(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record, without the checksum that it has of itself."""
    own = {key: value for key, value in record.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(plain_json(own), sort_keys=True).encode()).hexdigest()


def written_files(folder: Path) -> list[Path]:
    """Return the files of a run that stay as they are.

    All but run.json, the state, evaluations, and what trackers go on with.

    folder: of the run.
    """
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    names = {file: file.relative_to(folder) for file in files}
    return sorted(
        file
        for file, name in names.items()
        if str(name) != FILE
        and name.parts[0] not in _LATER
        and not any(part.startswith(".") for part in name.parts)
    )


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what differs between two records in what decides the numbers.

    old, new: records of run.json.
    """
    said = []
    for package in sorted(set(old.get("versions", {})) | set(new["versions"])):
        before, now = old.get("versions", {}).get(package), new["versions"].get(package)
        if before != now:
            said.append(f"{package}: {before or 'absent'} then, {now or 'absent'} now")
    parts = {(part["kind"], part["use"]): part for part in old.get("components", ())}
    for part in new["components"]:
        was = parts.get((part["kind"], part["use"]))
        if was is None:
            said.append(f"{part['kind']} {part['use']}: not in the earlier run")
        elif was["source_sha256"] != part["source_sha256"]:
            said.append(
                f"{part['kind']} {part['use']}: its source has changed "
                f"({was['version']} then, {part['version']} now)"
            )
    for key in ("data_fingerprint", "split_hash", "draw_hash"):
        if key in old and key in new and old[key] != new[key]:
            said.append(f"{key.replace('_', ' ')}: differs")
    return said


def run_record(plan: Plan) -> dict[str, Any]:
    """Return what is known of a run before it starts."""
    return {
        "schema_version": VERSION,
        "status": "running",
        "error": None,
        "name": plan.recipe.name,
        "command": shlex.join(["skinfw", *sys.argv[1:]]),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "ended": None,
        "recipe": plan.resolved(),
        "recipe_file": str(plan.recipe.path.resolve()),
        "components": [component.record() for component in plan.components],
        "versions": {"python": platform.python_version(), **_versions(plan)},
        "platform": platform.platform(),
        "git_commit": _git_commit(plan.recipe.path),
        "marks": [],
        "notes": [],
        "failures": [],
        "timings": {},
        "results": {},
    }


def _versions(plan: Plan) -> dict[str, str]:
    packages = {component.entry.plugin.distribution for component in plan.components}
    for component in plan.components:
        if extra := component.entry.component.extra:
            packages |= {*extra_packages(component.entry.plugin.distribution, extra)}
    versions = {}
    for name in sorted({*_PACKAGES, *packages}):
        with contextlib.suppress(PackageNotFoundError, ValueError):
            versions[name] = version(name)
    return versions


def _git_commit(recipe: Path) -> str:
    """Return the commit of the recipe's repository, marked where the recipe differs from it.

    Only objects are looked at: git runs the filters and hooks of a repository, which may be a
    stranger's, when it looks at the files.
    """
    recipe = recipe.resolve()
    commit = _git(recipe.parent, "rev-parse", "HEAD")
    kept = _git(recipe.parent, "rev-parse", f"HEAD:./{recipe.name}")
    if not commit or not kept:
        return commit
    now = _git(recipe.parent, "hash-object", "--no-filters", "--", recipe.name)
    return commit if now == kept else f"{commit}-dirty"


_HARMLESS = ("safe.bareRepository=explicit", "core.fsmonitor=false", f"core.hooksPath={os.devnull}")


def _git(folder: Path, *arguments: str) -> str:
    """Return what git says, "" where it knows nothing."""
    settings = [word for setting in _HARMLESS for word in ("-c", setting)]
    try:
        answer = subprocess.run(
            ["git", *settings, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return "" if answer.returncode else answer.stdout.strip()
