"""What killed processes had half written goes; what living ones write stays."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skinfw.files.processes import OLD_SECONDS, lives, process_name, remove_partials, this_process


@pytest.fixture
def dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left(folder: Path, name: str, age: float = 0) -> bool:
    """Tell whether a half-written file is still there after a new start."""
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("half")
    os.utime(file, (time.time() - age,) * 2)
    remove_partials(folder, process_name("gone", 5))
    return file.exists()


def test_only_what_nobody_will_finish_is_removed(tmp_path: Path, dead: int) -> None:
    host = this_process().partition("-")[0]
    assert left(tmp_path, f"a.json.{this_process()}.partial")
    assert not left(tmp_path, f"a.json.{host}-{dead}.partial")
    assert not left(tmp_path, f"last/state.pt.{host}-{dead}.partial")
    assert not left(tmp_path, f"a.json.{dead}.partial")  # older versions named no machine
    # A process that began after the file was written only has the number of the one that is gone.
    assert not left(tmp_path, f"a.json.{this_process()}.partial", age=30 * 24 * 3600)
    assert left(tmp_path, "rows.partial") and left(tmp_path, f"a.{this_process()}.partial.csv")


def test_files_of_other_machines_go_when_they_are_old_or_their_process_is_known_to_be_gone(
    tmp_path: Path,
) -> None:
    elsewhere = process_name("elsewhere", 5)
    assert left(tmp_path, f"a.json.{elsewhere}.partial")
    assert not left(tmp_path, f"a.json.{elsewhere}.partial", age=OLD_SECONDS + 1)
    assert not left(tmp_path, f"a.json.{process_name('gone', 5)}.partial")


def test_a_dead_process_does_not_live(dead: int) -> None:
    assert lives(os.getpid(), time.time()) and not lives(dead, time.time())
    assert not lives(10**12, time.time())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how a process is")
def test_a_process_whose_end_nobody_has_asked_for_does_not_live() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not lives(process.pid, time.time())
    finally:
        process.wait()
