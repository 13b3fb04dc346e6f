"""The launcher `local`: what each worker gets, and that tasks end as they should."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Site

from skinfw import RecipeError, Task
from skinfw.testing import conformance
from skinfw_launchers.local import Local

test_conformance = conformance("launchers")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cores are pinned on Linux alone")

PLUGIN = """
    from skinfw import Command, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_commands():
        yield Command("whereabouts", "whereabouts:tell", "Tell where it computes.")
        yield Command("linger", "whereabouts:linger", "Wait for SIGTERM.")
"""
COMMANDS = '''
    import os, signal, sys, threading, time
    import click

    @click.command()
    def tell():
        """Tell where it computes."""
        print(sorted(os.sched_getaffinity(0)), os.environ.get("OMP_NUM_THREADS"),
              os.environ.get("CUDA_VISIBLE_DEVICES"))

    @click.command()
    @click.argument("file")
    def linger(file):
        """Wait for SIGTERM, and say so."""
        def leave(*_):
            open(file, "a").write("left")
            sys.exit(143)
        signal.signal(signal.SIGTERM, leave)
        open(file, "w").write("here ")
        time.sleep(60)
'''


@pytest.fixture
def commands(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("where", PLUGIN, whereabouts=COMMANDS)
    monkeypatch.setenv("PYTHONPATH", site.environment()["PYTHONPATH"])


def wait_for(file: Path, text: str) -> None:
    end = time.monotonic() + 30
    while not (file.exists() and file.read_text() == text):
        assert time.monotonic() < end, f"{file} never said {text}"
        time.sleep(0.02)


def test_cores_are_divided_and_gpus_dealt_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 5, 6, 7, 8})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,GPU-ab,2")
    slots = Local(workers=2).slots()
    assert [slot.cores for slot in slots] == [(4, 5), (6, 7)]
    assert [slot.gpus for slot in slots] == [("0", "2"), ("GPU-ab",)]
    assert str(slots[0]) == "cores 4 5, GPUs 0 2"
    shared = Local(workers=4, gpus=(1, 3), threads=1).slots()
    assert [slot.cores for slot in shared] == [(4,), (5,), (6,), (7,)]
    assert [slot.gpus for slot in shared] == [("1",), ("3",), ("1",), ("3",)]
    crowded = Local(workers=6).slots()
    assert [slot.cores for slot in crowded] == [(4,), (5,), (6,), (7,), (8,), (4,)]
    with pytest.raises(RecipeError, match="3 workers with 2 threads"):
        Local(workers=3, threads=2).slots()


@pytest.mark.usefixtures("commands")
def test_a_task_is_asked_for_when_a_worker_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    asked: list[str] = []

    def tasks() -> Iterator[Task]:
        for name in "abc":
            asked.append(name)
            yield Task(name, ("whereabouts",), tmp_path / name)

    cores = sorted(os.sched_getaffinity(0))
    ends = Local(workers=2, threads=1 if len(cores) > 1 else 0).launch(tasks(), print)
    first = next(ends)
    assert asked == ["a", "b"] and first.code == 0
    others = list(ends)
    assert asked == ["a", "b", "c"] and [end.code for end in others] == [0, 0]
    told = [(tmp_path / name).read_text().split() for name in "ab"]
    assert [own[0] for own in told] == [f"[{cores[0]}]", f"[{cores[1 % len(cores)]}]"]
    assert [own[1:] for own in told] == [["1", "0"], ["1", "1"]]


@pytest.mark.usefixtures("commands")
def test_closing_the_iterator_ends_what_is_under_way(tmp_path: Path) -> None:
    stays = tmp_path / "stays"
    tasks = [
        Task("stays", ("linger", str(stays)), tmp_path / "log"),
        Task("ends", ("no-such-command",), tmp_path / "other"),
    ]
    ends = Local(workers=2).launch(tasks, print)
    assert next(ends).code == 2
    wait_for(stays, "here ")
    ends.close()
    assert stays.read_text() == "here left"


@pytest.mark.usefixtures("commands")
def test_a_launcher_that_is_killed_takes_its_tasks_with_it(tmp_path: Path) -> None:
    stays = tmp_path / "stays"
    code = f"""
from pathlib import Path
from skinfw import Task
from skinfw_launchers.processes import TaskProcess
TaskProcess(Task("stays", ("linger", {str(stays)!r}), Path({str(tmp_path / "log")!r}))).wait()
"""
    launcher = subprocess.Popen([sys.executable, "-c", code])
    wait_for(stays, "here ")
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    wait_for(stays, "here left")
