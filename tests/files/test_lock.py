"""One process at a time works in a folder, and the lock of a dead one keeps nobody out."""

import errno
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from skinfw.errors import SkinfwError
from skinfw.files import lock
from skinfw.files.lock import FILE, lock_folder
from skinfw.files.processes import process_name


def hold(folder: Path, host: str, pid: int, silent: float = 0) -> None:
    """Leave a lock as a process does that did not end in order."""
    file = folder / FILE
    file.write_text(json.dumps({"host": host, "pid": pid, "since": "2026-11-28T10:00:00"}))
    when = file.stat().st_mtime - silent
    os.utime(file, (when, when))


def dead() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with lock_folder(tmp_path) as before:
        assert before == ""
        with (
            pytest.raises(SkinfwError, match="another run is at work") as error,
            lock_folder(tmp_path),
        ):
            pass
        assert f"process {os.getpid()} on {socket.gethostname()}" in error.value.why
        assert error.value.where.endswith(FILE) and len(str(error.value).splitlines()) == 4
        assert (tmp_path / FILE).exists()  # who was refused took nothing away
    assert not list(tmp_path.iterdir())
    with lock_folder(tmp_path):
        pass


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    pid = dead()
    hold(tmp_path, socket.gethostname(), pid)
    with lock_folder(tmp_path) as before:
        assert before == process_name(socket.gethostname(), pid)
        assert json.loads((tmp_path / FILE).read_text())["pid"] == os.getpid()


def test_another_machine_is_believed_as_long_as_it_gives_signs_of_life(tmp_path: Path) -> None:
    hold(tmp_path, "elsewhere", 7)
    with pytest.raises(SkinfwError, match="another run") as error, lock_folder(tmp_path):
        pass
    assert "process 7 on elsewhere" in error.value.why
    hold(tmp_path, "elsewhere", 7, silent=lock.SILENT_SECONDS + 1)
    with lock_folder(tmp_path) as before:
        assert before == process_name("elsewhere", 7)


def test_where_the_system_has_no_locks_the_process_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", absent)
    hold(tmp_path, socket.gethostname(), os.getpid())
    with pytest.raises(SkinfwError, match="another run"), lock_folder(tmp_path):
        pass
    hold(tmp_path, socket.gethostname(), dead())
    with lock_folder(tmp_path):
        pass


def test_a_lock_whose_writing_was_cut_off_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"host": "h')
    with lock_folder(tmp_path) as before:
        assert before == ""


def test_a_holder_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.01)
    with lock_folder(tmp_path):
        os.utime(tmp_path / FILE, (0, 0))
        while (tmp_path / FILE).stat().st_mtime == 0:
            pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / FILE).symlink_to(precious)
    with pytest.raises(SkinfwError, match="cannot be written"), lock_folder(folder):
        pass
    assert precious.read_text() == "precious"


def test_who_is_told_to_waits_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINFW_LOCK_SECONDS", "60")
    held, free = threading.Event(), threading.Event()

    def hold_for_a_while() -> None:
        with lock_folder(tmp_path):
            held.set()
            free.wait()

    holder = threading.Thread(target=hold_for_a_while)
    holder.start()
    held.wait()
    monkeypatch.setattr(lock.time, "sleep", lambda _: free.set())
    with lock_folder(tmp_path):
        assert free.is_set()
    holder.join()
