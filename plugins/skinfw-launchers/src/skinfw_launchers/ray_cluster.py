"""Tasks on a Ray cluster, which gives those of a machine that died to another one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import Annotated, Any

from annotated_types import Ge, Interval

from skinfw import SkinfwError, Task, TaskEnd
from skinfw_launchers.processes import END_SECONDS, LOST, TaskProcess, end_all

POLL_SECONDS = 1.0
_DEBUGGER = "PYTHONBREAKPOINT"


def carry_out(task: Task, cores: int) -> tuple[int, str]:
    """Carry out a task on a machine of the cluster; return its exit code and the node in words."""
    import ray

    process = TaskProcess(task, variables={"OMP_NUM_THREADS": str(cores)})
    try:
        node = ray.get_runtime_context().get_node_id()
        return process.wait(), f"Ray node {node[:8]}"
    finally:  # who cancels the task raises KeyboardInterrupt here
        end_all([process])


@contextmanager
def _own_process() -> Iterator[None]:
    """Put back what Ray changes of the process when it is connected.

    Its answer to SIGTERM would leave at once, and its debugger is nobody's here.
    """
    handler, debugger = signal.getsignal(signal.SIGTERM), os.environ.get(_DEBUGGER)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        os.environ.pop(_DEBUGGER, None)
        if debugger is not None:
            os.environ[_DEBUGGER] = debugger


@dataclass(frozen=True, kw_only=True)
class Ray:
    """Carry out tasks on a Ray cluster whose machines share the run folders.

    A task of a machine that dies is given to another one, and goes on from the state of its run.

    address: of the cluster, such as "10.0.0.1:6379", or "auto" on one of its machines; empty starts
        one on this machine for the call.
    workers: how many tasks the cluster has at a time, under way or waiting.
    cores: of each task.
    memory_gb: of each task; 0 asks for none in particular.
    gpus: of each task whose run may use one, where the cluster has any; below 1 they share it. Runs
        with engine.device = "cpu" get none, those with "cuda" at least one.
    retries: how often a task is given to another machine.
    """

    address: str = ""
    workers: Annotated[int, Interval(ge=1, le=10_000)] = 64
    cores: Annotated[int, Ge(1)] = 1
    memory_gb: Annotated[float, Ge(0)] = 0.0
    gpus: Annotated[float, Ge(0)] = 1.0
    retries: Annotated[int, Ge(0)] = 20

    def check(self) -> None:
        """Raise SkinfwError where Ray is not installed."""
        if find_spec("ray") is None:
            cure = "pip install 'skinfw[ray]', on all machines of the cluster"
            raise SkinfwError("Ray is not installed", cure=cure)

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        """Give tasks to the cluster, and yield how each ended."""
        self.check()
        ray = self._connect()
        waiting, running = iter(tasks), dict[Any, Task]()
        try:
            while True:
                for task in islice(waiting, self.workers - len(running)):
                    running[self._submit(ray, task)] = task
                if not running:
                    return
                done: list[Any] = []
                while not done:
                    done, _ = ray.wait(list(running), num_returns=1, timeout=POLL_SECONDS)
                task = running.pop(done[0])
                try:
                    code, place = ray.get(done[0])
                except ray.exceptions.RayError as error:
                    lines = str(error).strip().splitlines()
                    say(f"{task.name} is lost: {lines[0] if lines else type(error).__name__}")
                    code, place = LOST, ""
                yield TaskEnd(task, code, place)
        finally:
            for own in running:
                ray.cancel(own)
            if running:
                ray.wait(list(running), num_returns=len(running), timeout=END_SECONDS + 5)
            ray.shutdown()

    def _connect(self) -> Any:
        """Return Ray, connected to the cluster."""
        import ray

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # which tells its makers who uses it
        ours = {name: value for name, value in os.environ.items() if name.startswith("SKINFW_")}
        given: dict[str, Any] = {"address": self.address}
        if not self.address:  # "local" starts one, whatever RAY_ADDRESS says
            given = {"address": "local", "include_dashboard": False}
        try:
            with _own_process():
                ray.init(
                    runtime_env={"env_vars": ours},
                    log_to_driver=False,
                    logging_level="ERROR",
                    **given,
                )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise SkinfwError(
                "the Ray cluster cannot be reached",
                f"launcher.address = {self.address}",
                str(error).strip().splitlines()[0],
                "`ray status --address ...` on a machine of the cluster tells whether it is there",
            ) from error
        return ray

    def _submit(self, ray: Any, task: Task) -> Any:
        """Give a task to the cluster; returns Ray's reference of its end."""
        there = ray.cluster_resources().get("GPU", 0) > 0
        auto = self.gpus if there else 0
        gpus = {"cpu": 0, "cuda": max(1.0, self.gpus)}.get(task.device, auto)
        memory = {"memory": int(self.memory_gb * 2**30)} if self.memory_gb else {}
        remote = ray.remote(num_cpus=self.cores, num_gpus=gpus, max_retries=self.retries, **memory)(
            carry_out
        )
        return remote.remote(task, self.cores)
