"""One run by several processes: what the options mean, and whose error is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from skinfw.cli import main
from skinfw.errors import SkinfwError
from skinfw.runtime.failures import LOST
from skinfw.runtime.group import STARTED, starter, tell_starter
from skinfw.workflows.processes import (
    ProcessGroup,
    _cause,
    _environment,
    _first,
    _own_address,
    _said,
    resume_command,
)
from skinfw.workflows.run_folder import RunFolder

MACHINES = ("--machines", "2", "--run-name", "mine")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--max-restarts", "2"), "--max-restarts is about several processes"),
        (("--processes", "2", "--machines", "2"), "--rendezvous is missing"),
        (("--processes", "2", *MACHINES, "--rendezvous", "node1"), "--rendezvous is no HOST:PORT"),
        (("--processes", "2", *MACHINES, "--rendezvous", "a:70000"), "is no HOST:PORT"),
        (("--processes", "2", "--seeds", "3"), "--processes shares one run among processes"),
        (("--processes", "2", "--launcher", "local"), "--processes shares one run"),
        (("--processes", "2", "--locked"), "--processes shares one run among processes"),
    ],
)
def test_options_that_do_not_go_together(words: tuple[str, ...], said: str) -> None:
    ended = CliRunner().invoke(main, ["run", "quickstart", *words])
    assert ended.exit_code == 2 and said in ended.output


def test_what_cannot_be_shared_leaves_no_folder(tmp_path: Path) -> None:
    words = ("--processes", "3", "--set", "train.batch_size=32", "--out", str(tmp_path / "runs"))
    ended = CliRunner().invoke(main, ["run", "quickstart", *words])
    assert ended.exit_code == 2
    assert "train.batch_size 32 cannot be shared by 3 processes" in ended.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("name", "value"), [("RANK", "1"), ("WORLD_SIZE", "2")])
def test_variables_of_another_starter_are_no_riddle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    words = ("--processes", "2", "--out", str(tmp_path / "runs"))
    ended = CliRunner().invoke(main, ["run", "quickstart", *words])
    assert ended.exit_code == 2 and "this is one of several already" in ended.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"message": {"message": "error: own"}}', "error: own"),
        ('{"message": "of torch itself"}', "of torch itself"),
        ("[", "error: a process has failed"),
        ('{"message": {}}', "error: a process has failed"),
    ],
)
def test_whatever_a_process_has_left_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "error.json").write_text(text)
    assert _said(tmp_path / "error.json").splitlines()[0] == said


def failed(
    folder: Path, rank: int, code: int, text: str, patch: pytest.MonkeyPatch
) -> ProcessFailure:
    """Return how torch's engine sees a process that has ended; it may have said why."""
    file = folder / f"{rank}.json"
    patch.setenv(STARTED, "1")
    patch.setenv("TORCHELASTIC_ERROR_FILE", str(file))
    if text:
        assert tell_starter(text)
    return ProcessFailure(rank, 1000 + rank, code, str(file))


def test_the_process_that_failed_of_itself_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, folder = ProcessGroup(4), RunFolder(tmp_path / "run", {}, writes=False)
    lost = f"error: process 0 of 4 {LOST}\n  RuntimeError: Connection closed by peer"
    own = "error: image 7 cannot be decoded\n  it is empty"
    failures = {
        0: failed(tmp_path, 0, 1, lost, monkeypatch),
        1: failed(tmp_path, 1, -signal.SIGTERM, "", monkeypatch),
        2: failed(tmp_path, 2, -signal.SIGKILL, "", monkeypatch),
    }
    rank, failure = _first(failures)
    error = _cause(rank, failure, folder, group)
    assert isinstance(error, SkinfwError) and error.exit_code == 1
    assert "process 2 of 4 was killed by SIGKILL" in str(error)
    assert resume_command(folder, group) in str(error)
    failures[3] = failed(tmp_path, 3, 2, own, monkeypatch)
    error = _cause(*_first(failures), folder, group)
    assert str(error) == own and error.exit_code == 2


def test_the_word_of_who_lost_the_others_is_better_than_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = f"error: process 0 of 2 {LOST}"
    failures = {
        0: failed(tmp_path, 0, 1, lost, monkeypatch),
        1: failed(tmp_path, 1, -signal.SIGTERM, "", monkeypatch),
    }
    assert _first(failures)[0] == 0


def test_who_has_started_the_processes_is_known_even_where_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", "error.json")
    with _environment(ProcessGroup(2)):
        seen = "from skinfw.runtime.group import starter; print(starter())"
        # Its parent is another one than the command, as that of an orphan is.
        words = ["sh", "-c", f"{sys.executable} -c '{seen}'; true"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert int(told) == os.getpid()
    assert starter() == 0


def test_a_process_that_nobody_waits_for_tells_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STARTED, raising=False)
    assert not tell_starter("error: it is told on the terminal")


def test_a_machine_is_known_by_the_address_that_the_others_reach() -> None:
    group = ProcessGroup(1, machines=2, rendezvous="127.0.0.1:29400", name="mine")
    assert _own_address(group) == "127.0.0.1" and group.world == 2
