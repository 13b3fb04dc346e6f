"""The launcher `slurm`, on a cluster that a script plays: arrays, requeues, lost jobs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file
from support import TINY, TINY_BACKBONE

from skinfw import SkinfwError, Task
from skinfw.cli import main
from skinfw.recipe.plan import load_plan
from skinfw.workflows.launch import run_task
from skinfw.workflows.run_folder import RunFolder
from skinfw_launchers import slurm
from skinfw_launchers.processes import LOST
from skinfw_launchers.slurm import Slurm, SlurmTask

pytest.importorskip("submitit", reason="the extra slurm is not installed")

STUB = Path(__file__).with_name("slurm_stub.py")
COMMANDS = ("sbatch", "srun", "scancel", "scontrol", "squeue")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the cluster keeps its jobs."""
    state, commands = tmp_path / "cluster", tmp_path / "bin"
    state.mkdir()
    commands.mkdir()
    for name in COMMANDS:
        (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} {STUB} {name} "$@"\n')
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_STUB", str(state))
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0.05)
    return state


def tasks(folder: Path) -> list[Task]:
    words = {"good": ("--version",), "bad": ("no-such-command",), "cpu": ("--version",)}
    (folder / "logs").mkdir()
    return [
        Task(name, own, folder / "logs" / f"{name}.log", "cpu" if name == "cpu" else "auto")
        for name, own in words.items()
    ]


def test_tasks_with_the_same_needs_are_one_array(cluster: Path, tmp_path: Path) -> None:
    said: list[str] = []
    launcher = Slurm(partition="gpu", minutes=90, memory_gb=7.5, options=("constraint=a100",))
    ends = list(launcher.launch(tasks(tmp_path)[:2], said.append))
    assert {(end.task.name, end.code, end.place) for end in ends} == {
        ("good", 0, "Slurm job 1_0"), ("bad", 2, "Slurm job 1_1"),
    }  # fmt: skip
    assert said == ["Slurm job 1: good, bad"]
    script = (cluster / "1.script").read_text().splitlines()
    assert {
        "#SBATCH --array=0-1%2", "#SBATCH --partition=gpu", "#SBATCH --time=90",
        "#SBATCH --mem=7680MB", "#SBATCH --constraint=a100", "#SBATCH --requeue",
        "#SBATCH --gpus-per-node=1", "#SBATCH --cpus-per-task=4", "#SBATCH --signal=USR2@90",
    } <= set(script)  # fmt: skip
    assert "no-such-command" in (tmp_path / "logs" / "bad.log").read_text()


def test_a_task_whose_job_is_lost_is_submitted_again_as_often_as_is_said(
    tmp_path: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loses = '#!/bin/sh\ncp "$1" "$SLURM_STUB/$$.script"\necho "Submitted batch job $$"\n'
    (tmp_path / "bin" / "sbatch").write_text(loses)
    monkeypatch.setattr(slurm, "QUEUE_SECONDS", 0.0)
    said: list[str] = []
    (end,) = Slurm(requeues=1).launch(tasks(tmp_path)[2:], said.append)
    assert end.code == LOST
    assert [line.partition(" job ")[2].lstrip("0123456789") for line in said] == [
        ": cpu", " left the queue without a word", ": cpu",
    ]  # fmt: skip
    scripts = [file.read_text() for file in cluster.glob("*.script")]
    assert len(scripts) == 2 and "gpus" not in scripts[0]  # the run wants none


def test_without_slurm_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SkinfwError, match="no machine of a Slurm cluster"):
        next(Slurm().launch(iter(lambda: pytest.fail("asked for a task"), None), print))


def test_far_from_slurm_no_folder_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    done = CliRunner().invoke(main, ["run", "quickstart", "--seeds", "2", "--launcher", "slurm"])
    assert done.exit_code == 1 and "there is no command sbatch" in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_slurm_refuses_is_told(cluster: Path, tmp_path: Path) -> None:
    refuses = '#!/bin/sh\necho "sbatch: error: invalid partition specified: gpu" >&2\nexit 1\n'
    (tmp_path / "bin" / "sbatch").write_text(refuses)
    with pytest.raises(SkinfwError, match="does not take the jobs") as caught:
        next(Slurm(partition="gpu").launch(tasks(tmp_path), print))
    assert "invalid partition" in caught.value.why


@pytest.mark.slow
def test_a_preempted_run_is_requeued_and_ends_with_the_same_bits(
    cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = [sys.executable, "-m", "skinfw", "run", "tiny.toml", "--seeds", "2",
             "--set", "train.epochs=10", "--set", "explainer=[]"]  # fmt: skip
    own = ["--launcher", "slurm", "--launcher-set", "cores=1", "--out", "launched"]
    host = subprocess.Popen([*words, *own], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not list(tmp_path.glob("launched/*/seed-2/last/state.pt")):
        assert time.monotonic() < end and host.poll() is None
        time.sleep(0.05)
    # As preemption does: SIGTERM and then, within the grace time, USR2.
    for signal_name in ("SIGTERM", "SIGUSR2"):
        subprocess.run(["scancel", "1_1", "--signal", signal_name], check=True)
    said, _ = host.communicate(timeout=240)
    assert host.returncode == 0, said
    runs = (cluster / "runs").read_text().split()
    assert sorted(runs) == ["1_0", "1_1", "1_1"]
    (launched,) = (tmp_path / "launched").iterdir()
    assert "resuming in epoch" in (launched / "logs" / "seed-2.log").read_text()
    assert json.loads((launched / "seed-2" / "run.json").read_text())["status"] == "done"
    subprocess.run([*words, "--out", "here", "-q"], cwd=tmp_path, check=True)
    (here,) = (tmp_path / "here").iterdir()
    for name in ("seed-1/predictions.csv", "seed-2/predictions.csv", "seeds.csv"):
        assert (launched / name).read_bytes() == (here / name).read_bytes()
    weights = [load_file(one / "seed-2" / "best.safetensors") for one in (launched, here)]
    assert all(weights[0][name].equal(own) for name, own in weights[1].items())


@pytest.mark.slow
def test_submitit_s_local_executor_requeues_a_task_that_is_preempted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import submitit

    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    plan = load_plan(Path("tiny.toml"), ("train.epochs=12", "explainer=[]"))
    here, there = (RunFolder.create(Path("runs"), plan, name) for name in ("here", "there"))
    executor = submitit.LocalExecutor(tmp_path / "jobs")
    executor.update_parameters(timeout_min=5)
    task, code = run_task(there.path, plan, tmp_path / "there.log"), tmp_path / "there.code"
    job = executor.submit(SlurmTask(task, code, 1))
    for count in (1, 2):
        wait_for(lambda count=count: log_lines(task.log, "epoch") >= 3 * count)
        workers = subprocess.run(
            ["pgrep", "-P", job.job_id], capture_output=True, text=True, check=True
        )
        os.kill(int(workers.stdout), signal.SIGUSR2)
        wait_for(lambda count=count: log_lines(task.log, "stopped; go on") >= count)
    assert job.result() == 0
    assert code.read_text() == "0" and log_lines(task.log, "resuming in epoch") == 2
    subprocess.run(
        [sys.executable, "-m", "skinfw", *run_task(here.path, plan, tmp_path / "x").words],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for name in ("predictions.csv", "metrics.json"):
        assert (here.path / name).read_bytes() == (there.path / name).read_bytes()
    weights = [load_file(run.path / "best.safetensors") for run in (here, there)]
    assert all(weights[0][name].equal(own) for name, own in weights[1].items())


def log_lines(log: Path, start: str) -> int:
    lines = log.read_text().splitlines() if log.exists() else []
    return sum(line.startswith(start) for line in lines)


def wait_for(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 240
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_closing_the_iterator_cancels_the_jobs(
    cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin" / "sbatch").write_text('#!/bin/sh\necho "Submitted batch job 7"\n')
    (tmp_path / "bin" / "scancel").write_text('#!/bin/sh\necho "$@" >> cancelled\n')

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(slurm.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(Slurm().launch(tasks(tmp_path)[:1], print))
    assert (tmp_path / "cancelled").read_text() == "7\n"
