"""Bring the official files of a data set into a folder, each of them once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from skinfw import Download, Downloads, RecipeError, SkinfwError, atomic_write
from skinfw.toolkit import amount
from skinfw_fetch.download import Follower, Remote, ask, download
from skinfw_fetch.folder_lock import wait_for_folder
from skinfw_fetch.partial import Partial
from skinfw_fetch.record import Fetched, Record, State, changed, sha256
from skinfw_fetch.unpack import tally, unpack


@dataclass(frozen=True)
class Task:
    """Hold one file that is not done yet.

    file: what the data set declares.
    url: where it is fetched from.
    state: how far it is.
    remote: what the server says of it.
    """

    file: Download
    url: str
    state: State
    remote: Remote

    @property
    def size(self) -> int:
        """Its bytes, as well as they are known."""
        return self.remote.size or self.file.size


@dataclass(frozen=True)
class Work:
    """Hold what is left to do for a data set.

    downloads: what it declares.
    record: what was done before.
    mirror: takes the place of scheme and host of each address.
    tasks: what is left.
    """

    downloads: Downloads
    record: Record
    mirror: str
    tasks: Sequence[Task]

    @property
    def missing(self) -> int:
        """How many bytes have to come."""
        return sum(self._missing(task) for task in self.tasks)

    def _missing(self, task: Task) -> int:
        if task.state != "absent":
            return 0
        return max(0, task.size - Partial(self.record.root / task.file.name).size)

    def space(self, keep: bool) -> int:
        """Return how many bytes the disk must have free at the worst moment.

        keep: whether archives stay. Images do not compress: a zip takes its own size once more.
        """
        held = worst = 0
        for task in self.tasks:
            held += self._missing(task) + (task.size if task.file.folder else 0)
            worst = max(worst, held)
            if task.file.folder and not keep:
                held -= task.size
        return worst


def survey(downloads: Downloads, root: Path, dataset: str, mirror: str = "") -> Work:
    """Find out what is left to do; a server is asked only about files that are not here.

    downloads: what the data set declares.
    root: its folder.
    dataset: its name.
    mirror: takes the place of scheme and host of each address.
    """
    record = Record(root, dataset)
    states = [(file, record.state(file)) for file in downloads.files]
    tasks = []
    for file, state in states:
        url = _mirror_url(file.url, mirror)
        if state == "there":
            tasks.append(Task(file, url, state, Remote(record.known(file).bytes, "")))
        elif state != "done":
            remote = ask(url)
            place = root / file.name
            if state == "unknown" and place.stat().st_size != remote.size:
                raise changed(place, "its size is not what the server says")
            tasks.append(Task(file, url, state, remote))
    return Work(downloads, record, mirror, tasks)


def check_space(work: Work, keep: bool) -> None:
    """Refuse to begin what the disk cannot hold.

    work: what is left to do.
    keep: whether archives stay.
    """
    place = work.record.root.absolute()
    while not place.exists():
        place = place.parent
    needed, free = work.space(keep), shutil.disk_usage(place).free
    if needed > free:
        raise SkinfwError(
            "the disk has too little space",
            str(work.record.root),
            f"{amount(needed)} are needed to download and unpack, and {amount(free)} are free",
            "free some space, or choose a folder on another disk with --root",
        )


def fetch(work: Work, keep: bool, follower: Follower) -> None:
    """Do what is left: download, check, unpack.

    work: from `survey`.
    keep: whether archives stay after they are unpacked.
    follower: hears of all progress.
    """
    root, record = work.record.root, work.record
    try:
        root.mkdir(parents=True, exist_ok=True)
        with wait_for_folder(root, follower):
            if record.has_changed():  # another process was at work meanwhile
                work = survey(work.downloads, root, record.dataset, work.mirror)
            _execute(work, keep, follower)
    except OSError as error:
        raise SkinfwError(
            "a file cannot be read or written",
            str(error.filename or root),
            error.strerror or str(error),
            "free some space or choose another folder with --root; the same command goes on",
        ) from error


def _execute(work: Work, keep: bool, follower: Follower) -> None:
    """Do what is left, with no other process at work in the folder."""
    root, record = work.record.root, work.record
    about = {"LICENSE": work.downloads.licence, "ATTRIBUTION": work.downloads.attribution}
    for name, text in about.items():
        with atomic_write(root / f"{name}.txt") as partial:
            partial.write_text(text + "\n", encoding="utf-8")
    for task in work.tasks:
        if task.state == "absent":
            _obtain(task, record, follower)
        elif task.state == "unknown":
            follower.say(f"{task.file.name} is here already and has the right size")
            record.note(task.file, _fetch_file(task, root / task.file.name, "", follower))
        if task.file.folder:
            _unpack(task.file, record, keep, follower)


def _obtain(task: Task, record: Record, follower: Follower) -> None:
    """Download one file, and give it its name once its checksum is on record."""
    partial = Partial(record.root / task.file.name)
    tag = download(task.url, partial, follower)
    try:
        record.note(task.file, _fetch_file(task, partial.file, tag, follower))
    except SkinfwError:
        partial.drop()
        raise
    partial.finish()


def _fetch_file(task: Task, place: Path, tag: str, follower: Follower) -> Fetched:
    """Return what came of a file; refuse another checksum than the data set declares."""
    size, wanted = place.stat().st_size, task.file.sha256.lower()
    follower.begin(f"checking {task.file.name}", size, 0)
    digest = sha256(place, follower.advance)
    if wanted and digest != wanted:
        again = "delete it and run" if task.state == "unknown" else "run"
        raise SkinfwError(
            f"{task.file.name} is not the file that was expected",
            task.url,
            f"its SHA-256 is {digest}, expected is {wanted}",
            f"{again} the same command again; if it stays so, the server holds another file",
        )
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Fetched(task.url, size, digest, tag, date)


def _unpack(file: Download, record: Record, keep: bool, follower: Follower) -> None:
    """Unpack an archive; a kill at any moment leaves a whole folder or none."""
    archive, folder = record.root / file.name, record.root / file.folder
    with unpack(archive, folder, follower) as whole:
        record.note(file, replace(record.known(file), unpacked=tally(whole)))
        whole.rename(folder)
    if not keep:
        archive.unlink()


def _mirror_url(url: str, mirror: str) -> str:
    """Return an address at another server."""
    if not mirror:
        return url
    parts = urlsplit(mirror)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise RecipeError(
            f'"{mirror}" is no address of a server',
            f"--mirror {mirror}",
            "a mirror has the same paths as the official server",
            "write it with its scheme, such as https://example.org/isic",
        )
    return f"{mirror.rstrip('/')}/{url.partition('://')[2].partition('/')[2]}"
