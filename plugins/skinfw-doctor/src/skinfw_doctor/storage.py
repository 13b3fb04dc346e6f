"""The folders that skinfw writes to, and where pretrained weights come from."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from skinfw.toolkit import cache_folder
from skinfw_doctor.page import Finding, Section

_NETWORK = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "ceph", "gluster", "lustre", "gpfs", "beegfs",
            "afs", "fuse.rclone", "virtiofs")  # fmt: skip
_LITTLE = 2e9
_MOST_FILES = 50_000


def cache(root: Path = Path("/")) -> Section:
    """Look at the folder of all caches.

    root: of the file system.
    """
    elsewhere = bool(os.environ.get("SKINFW_CACHE"))
    facts: dict[str, object] = {"": "named by SKINFW_CACHE" if elsewhere else "in its usual place"}
    cure = "name another folder in SKINFW_CACHE"
    try:
        folder = cache_folder().absolute()
    except RuntimeError:  # nobody knows where home is
        what = "there is no home folder: images are decoded in each epoch"
        return Section("cache", facts, [Finding("slow", what, "name a folder in SKINFW_CACHE")])
    findings = _folder(folder, facts, root, "the cache", cure)
    facts["holds"] = _held(folder)
    if problem := _unwritable(folder):
        what = f"the cache cannot be written ({problem}): images are decoded in each epoch"
        findings.append(Finding("slow", what, cure))
    return Section("cache", facts, findings)


def runs(root: Path = Path("/")) -> Section:
    """Look at the current folder, below which runs lie.

    root: of the file system.
    """
    facts: dict[str, object] = {}
    try:
        folder = Path.cwd()
    except OSError:
        what = "the current folder does not exist"
        return Section("runs", facts, [Finding("broken", what, "cd into one that does")])
    findings = _folder(folder, facts, root, "the current folder", "run in a folder of another disk")
    if problem := _unwritable(folder):
        what = f"the current folder cannot be written ({problem}): runs cannot lie in it"
        findings.append(Finding("note", what, "run in another folder"))
    return Section("runs", facts, findings)


def temporary() -> Section:
    """Look at the folder for temporary files."""
    try:
        place = tempfile.gettempdir()
    except OSError as error:
        what = f"no folder for temporary files can be written: {error.strerror}"
        return Section("temporary", {}, [Finding("broken", what, "name one in TMPDIR")])
    return Section("temporary", {"free": _gigabytes(shutil.disk_usage(place).free)})


def hub() -> Section:
    """Look at where pretrained weights come from."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE",
             "TORCH_HOME", "HTTPS_PROXY", "https_proxy")  # fmt: skip
    given = {name: "set" for name in names if os.environ.get(name)}
    models = _usual(("HF_HUB_CACHE", ""), ("HF_HOME", "hub"), "~/.cache/huggingface/hub")
    weights = _usual(("TORCH_HOME", "hub/checkpoints"), None, "~/.cache/torch/hub/checkpoints")
    kept = {"models": _count(models, "models--*"), "weights of torch": _count(weights, "*")}
    return Section("hub", {**kept, **given})


def _folder(
    folder: Path, facts: dict[str, object], root: Path, name: str, cure: str
) -> list[Finding]:
    """Add kind and free space of a folder's disk; return what is wrong with them."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    free, kind = shutil.disk_usage(there).free, _file_system(there, root)
    facts |= {"file system": kind, "free": _gigabytes(free)}
    findings = []
    if kind and kind.startswith(_NETWORK):
        what = f"{name} is on a network file system ({kind})"
        findings.append(Finding("slow", what, f"{cure}, on a disk of this machine"))
    if free < _LITTLE:
        what = f"{name} has {_gigabytes(free)} of free space"
        findings.append(Finding("note", what, f"free some, or {cure}"))
    return findings


def _file_system(place: Path, root: Path) -> str | None:
    """Return the kind of file system that holds a place, as /proc tells."""
    try:
        mounts = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    best, kind = -1, None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        target = fields[4].replace("\\040", " ")
        if len(target) > best and (target == "/" or place == Path(target) or
                                   Path(target) in place.parents):  # fmt: skip
            best, kind = len(target), after.split()[0]
    return kind


def _unwritable(folder: Path) -> str:
    """Return why a folder can neither be written nor made; nothing where it can."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def _held(folder: Path) -> str:
    """Return the bytes of a folder, as far as they are counted quickly."""
    total = 0
    for count, file in enumerate(folder.rglob("*")):
        if count > _MOST_FILES:
            return f"more than {_gigabytes(total)}"
        try:
            total += file.stat().st_size
        except OSError:
            continue
    return _gigabytes(total)


def _usual(first: tuple[str, str], second: tuple[str, str] | None, usual: str) -> Path | None:
    """Return the folder that a variable names, or the usual one."""
    for given in filter(None, (first, second)):
        if value := os.environ.get(given[0]):
            return Path(value) / given[1]
    try:
        return Path(usual).expanduser()
    except RuntimeError:
        return None


def _count(folder: Path | None, pattern: str) -> int | None:
    try:
        return None if folder is None else sum(1 for _ in folder.glob(pattern))
    except OSError:
        return None


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB"


LOOKS: dict[str, Callable[[], Section]] = {
    "cache": cache, "runs": runs, "temporary": temporary, "hub": hub
}  # fmt: skip
