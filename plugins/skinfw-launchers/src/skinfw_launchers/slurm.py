"""Tasks as jobs of a Slurm cluster, submitted by submitit as arrays; they requeue themselves."""

from __future__ import annotations

import getpass
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby, islice
from pathlib import Path
from shutil import which
from typing import Annotated, Any

from annotated_types import Ge, Gt, Interval

from skinfw import SkinfwError, Task, TaskEnd, atomic_write
from skinfw_launchers.processes import LOST, TaskProcess, end_all

POLL_SECONDS = 1.0
QUEUE_SECONDS = 30.0
"""How often the queue is looked at for jobs that left it without a word."""


@dataclass
class SlurmTask:
    """Carry out a task inside a job, and keep its exit code in a file.

    The time limit and preemption come as USR2, of which submitit makes a call of `checkpoint` and a
    requeued job. SIGTERM alone comes from `scancel`, and from a preemption that requeues by itself.

    task: the task.
    file: gets its exit code.
    cores: of the job.
    """

    task: Task
    file: Path
    cores: int

    def __call__(self) -> int:
        """Carry it out; after SIGTERM, wait for Slurm to end or requeue the job."""
        stopped: list[int] = []
        self.process = TaskProcess(self.task, variables={"OMP_NUM_THREADS": str(self.cores)})

        def hear(number: int, _: Any) -> None:
            stopped.append(number)
            self.process.terminate()

        signal.signal(signal.SIGTERM, hear)
        code = self.process.wait()
        while stopped:  # a job that ends by itself is not requeued
            time.sleep(POLL_SECONDS)
        with atomic_write(self.file) as part:
            part.write_text(str(code), encoding="utf-8")
        return code

    def checkpoint(self) -> Any:
        """End the process in order, and return what the requeued job carries out."""
        from submitit.helpers import DelayedSubmission

        end_all([self.process])
        return DelayedSubmission(SlurmTask(self.task, self.file, self.cores))


@dataclass
class Job:
    """Hold a task in the queue.

    id: of Slurm.
    task: the task.
    again: how often it may be submitted once more.
    absent: whether it was not in the queue when that was looked at.
    """

    id: str
    task: SlurmTask
    again: int
    absent: bool = False

    def code(self) -> int | None:
        """Return the exit code of the task, or None where there is none yet."""
        try:
            return int(self.task.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Carry out tasks as jobs of a Slurm cluster whose machines share the run folders.

    A job that is preempted, or that comes to its time limit, saves its state and is requeued.

    workers: how many jobs are in the queue at a time.
    partition: of the cluster; its default unless given.
    account: that pays; your default unless given.
    qos: quality of service; the default unless given.
    minutes: the time limit of a job, after which it is requeued.
    cores: of each job.
    memory_gb: of each job; 0 leaves it to the cluster.
    gpus: of each job whose run may use one; runs with engine.device = "cpu" get none.
    requeues: how often a job may come to its time limit, and how often a task whose job is lost is
        submitted again; a preempted job is always requeued.
    save_seconds: how long before the limit a job is told to save its state.
    setup: lines of the shell before each job, such as "module load cuda".
    options: further options of sbatch, such as "constraint=a100".
    """

    workers: Annotated[int, Interval(ge=1, le=1000)] = 64
    partition: str = ""
    account: str = ""
    qos: str = ""
    minutes: Annotated[int, Gt(0)] = 240
    cores: Annotated[int, Ge(1)] = 4
    memory_gb: Annotated[float, Ge(0)] = 0.0
    gpus: Annotated[int, Ge(0)] = 1
    requeues: Annotated[int, Ge(0)] = 20
    save_seconds: Annotated[int, Ge(30)] = 90
    setup: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise SkinfwError where there is no Slurm, or nothing to talk to it."""
        if find_spec("submitit") is None:
            raise SkinfwError("submitit is not installed", cure="pip install 'skinfw[slurm]'")
        if absent := [name for name in ("sbatch", "srun", "squeue", "scancel") if not which(name)]:
            raise SkinfwError(
                "this is no machine of a Slurm cluster",
                why=f"there is no command {absent[0]}",
                cure="call skinfw where jobs are submitted, or take --launcher local",
            )

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        """Submit tasks, as many at a time as `workers` says, and yield how each ended."""
        self.check()
        waiting, running = iter(tasks), dict[str, Job]()
        try:
            while True:
                new = list(islice(waiting, self.workers - len(running)))
                for job in self._submit([self._slurm_task(task) for task in new], say):
                    running[job.id] = job
                if not running:
                    return
                job, code = self._wait(running, say)
                del running[job.id]
                yield TaskEnd(job.task.task, code, f"Slurm job {job.id}")
        finally:
            if running:
                subprocess.run(["scancel", *running], check=False)

    def _slurm_task(self, task: Task) -> SlurmTask:
        folder = task.log.parent / "slurm"
        folder.mkdir(exist_ok=True)
        file = folder / f"{task.name}.code"
        file.unlink(missing_ok=True)  # of an earlier launch
        return SlurmTask(task, file, self.cores)

    def _submit(
        self, tasks: Sequence[SlurmTask], say: Callable[[str], None], again: int | None = None
    ) -> Iterator[Job]:
        """Submit tasks, neighbours with the same needs as one array, and yield their jobs.

        again: how often each may be submitted once more; `requeues` unless given.
        """
        again = self.requeues if again is None else again
        for (folder, gpus), group in groupby(tasks, self._needs):
            own = list(group)
            try:
                executor = self._executor(folder, gpus)
                with executor.batch():
                    jobs = [executor.submit(task) for task in own]
                ids = [str(job.job_id) for job in jobs]
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                cure = "skinfw show launcher slurm lists what can be asked for"
                raise SkinfwError("Slurm does not take the jobs", "sbatch", reason, cure) from error
            names = ", ".join(task.task.name for task in own)
            say(f"Slurm job {ids[0].partition('_')[0]}: {names}")
            yield from (Job(name, task, again) for name, task in zip(ids, own, strict=True))

    def _needs(self, task: SlurmTask) -> tuple[Path, int]:
        """Return where submitit keeps the files of a task, and how many GPUs it needs."""
        gpus = {"cpu": 0, "cuda": max(1, self.gpus)}.get(task.task.device, self.gpus)
        return task.file.parent, gpus

    def _executor(self, folder: Path, gpus: int) -> Any:
        """Return submitit's executor for jobs with these GPUs."""
        import submitit

        executor = submitit.SlurmExecutor(folder, max_num_timeout=self.requeues)
        given = {"partition": self.partition, "account": self.account, "qos": self.qos,
                 "gpus_per_node": gpus, "setup": list(self.setup),
                 "mem": f"{round(self.memory_gb * 1024)}MB" if self.memory_gb else ""}  # fmt: skip
        further = {name: value or True for name, _, value in map(_parts, self.options)}
        executor.update_parameters(
            job_name="skinfw",
            time=self.minutes,
            cpus_per_task=self.cores,
            signal_delay_s=self.save_seconds,
            additional_parameters={"requeue": True, **further},
            **{name: value for name, value in given.items() if value},
        )
        return executor

    def _wait(self, running: dict[str, Job], say: Callable[[str], None]) -> tuple[Job, int]:
        """Return a job whose task has ended, and its exit code; lost tasks are submitted again."""
        looked = time.monotonic()
        while True:
            for job in running.values():
                if (code := job.code()) is not None:
                    return job, code
            if time.monotonic() - looked > QUEUE_SECONDS:
                for job in _lost(running.values()):
                    if not job.again:
                        return job, LOST
                    say(f"Slurm job {job.id} left the queue without a word")
                    del running[job.id]
                    for anew in self._submit([job.task], say, job.again - 1):
                        running[anew.id] = anew
                looked = time.monotonic()
            time.sleep(POLL_SECONDS)


def _parts(option: str) -> tuple[str, str, str]:
    return option.removeprefix("--").partition("=")


def _lost(jobs: Iterable[Job]) -> list[Job]:
    """Return jobs that are not in the queue for the second time, and have told no exit code."""
    queue = ["squeue", "--noheader", "--array", "--format=%i", f"--user={getpass.getuser()}"]
    done = subprocess.run(queue, capture_output=True, text=True, check=False)
    if done.returncode:  # the controller may be busy
        return []
    there = set(done.stdout.split())
    lost = [job for job in jobs if job.id not in there and job.absent and job.code() is None]
    for job in jobs:
        job.absent = job.id not in there
    return lost
