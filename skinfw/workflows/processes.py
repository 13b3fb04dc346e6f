"""One run by several processes, here or on several machines, started by torch's own engine."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.paths import display_path, file_name
from skinfw.recipe.plan import Plan
from skinfw.runtime.failures import LOST
from skinfw.runtime.group import STARTED, is_alone
from skinfw.runtime.prefetch import usable_cores
from skinfw.workflows.launch import run_task
from skinfw.workflows.run import check_batch_size, new_run, open_run, trust_own_files
from skinfw.workflows.run_folder import FILE, PROCESSES, RunFolder

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure
    from torch.distributed.launcher.api import LaunchConfig

JOIN_SECONDS = 600
"""How long machines wait for each other at the beginning."""
STORE_SECONDS = 30
"""How long a machine waits for an answer of the one where all meet."""
CLOSE_SECONDS = 25
"""How long processes may take to end where one of them has failed."""


@dataclass(frozen=True)
class ProcessGroup:
    """Say by how many processes a run is carried out, and where they meet.

    processes: on each machine; on GPUs each has its own.
    max_restarts: how often all are started again where one ends early.
    machines: how many there are; the command is given on each.
    rendezvous: HOST:PORT of one of the machines, where several meet; "" for one.
    name: what all machines call the run; its folder is named by it.
    """

    processes: int
    max_restarts: int = 0
    machines: int = 1
    rendezvous: str = ""
    name: str = ""

    @property
    def world(self) -> int:
        """How many processes there are on all machines."""
        return self.processes * self.machines

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port of the rendezvous."""
        host, _, port = self.rendezvous.rpartition(":")
        return host, int(port)

    @property
    def words(self) -> str:
        """The options that mean this group, but for the restarts."""
        words = f"--processes {self.processes}"
        if self.machines > 1:
            words += f" --machines {self.machines} --rendezvous {self.rendezvous}"
            words += f" --run-name {self.name}"
        return words


def group_folder(plan: Plan, out: Path, group: ProcessGroup) -> RunFolder:
    """Make the folder of a run, or find the one that the machine of the rendezvous has made.

    A run on several machines goes on where its folder is there already, as after a requeue.

    plan: the checked recipe.
    out: where run folders are made; all machines see it.
    """
    if group.machines == 1:
        return new_run(plan, out)
    path = out / f"{file_name(plan.recipe.name)}-{file_name(group.name)}"
    if not (path / FILE).is_file() and _hosts(group):
        return new_run(plan, out, path.name)
    end = time.monotonic() + JOIN_SECONDS
    while not (path / FILE).is_file():
        if time.monotonic() > end:
            raise SkinfwError(
                f"the run folder {path.name} does not appear",
                display_path(path),
                f"{group.address[0]} makes it, on a disk that all machines see",
                "start the command on all machines, with the same --out and --run-name",
            )
        time.sleep(0.5)
    return open_run(path)


def run_in_processes(
    plan: Plan, folder: RunFolder, group: ProcessGroup, words: Sequence[str] = ()
) -> str:
    """Carry out a run by several processes, from its last state on if it has one.

    plan: the checked recipe.
    folder: of the run, not begun or to be resumed.
    words: further options of `skinfw run` for each process.
    Returns the name of the signal that has stopped it, "" where none has. Raises SkinfwError where
    a process has ended early, with what it said.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import launch_agent

    trust_own_files(plan)
    logs = (folder.path / PROCESSES).resolve()
    task = run_task(folder.path, plan, logs)
    command = ["-m", "skinfw", *task.words, *words]
    config = _config(folder, group, logs)
    try:
        with _environment(group), _without_logging(), _bound(logs, group):
            launch_agent(config, sys.executable, command)
    except SignalException as error:
        return str(error.sigval.name)
    except ChildFailedError as error:
        rank, failure = _first(error.failures)
        if failure.exitcode in (130, 143):  # another process or machine was asked to stop
            return "SIGTERM"
        if failure.exitcode < 0 and RunFolder.open(folder.path).record.get("status") == "done":
            return ""  # it was killed when all was done
        raise _cause(rank, failure, folder, group) from error
    except (RendezvousError, RuntimeError) as error:
        raise SkinfwError(
            "the machines of the run do not reach each other",
            group.rendezvous,
            f"{type(error).__name__}: {error}",
            _cure(folder, group),
        ) from error
    return ""


def check_group(plan: Plan, group: ProcessGroup) -> None:
    """Refuse what these processes cannot share, before there is a run folder.

    plan: the checked recipe.
    """
    import torch

    from skinfw.runtime.device import check_gpus

    if not is_alone():
        raise RecipeError(
            "--processes starts the processes of a run, and this is one of several already",
            f"RANK = {os.environ.get('RANK', '')}, WORLD_SIZE = {os.environ.get('WORLD_SIZE', '')}",
            "torchrun, or the system that gives out machines, has set these variables",
            "leave --processes out under torchrun; else unset both",
        )
    device = plan.engine.device
    if device == "cuda" or (device == "auto" and torch.cuda.is_available()):
        check_gpus(group.processes)
    check_batch_size(plan, group.world)


def _config(folder: RunFolder, group: ProcessGroup, logs: Path) -> LaunchConfig:
    """Return what torch's engine is asked for."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.launcher.api import LaunchConfig

    endpoint, own, host = "localhost:0", "127.0.0.1", True
    if group.machines > 1:
        endpoint, host = group.rendezvous, _hosts(group)
        own = group.address[0] if host else _own_address(group)
    quiet = dict.fromkeys(range(1, group.processes), Std.ALL)
    return LaunchConfig(
        min_nodes=group.machines,
        max_nodes=group.machines,
        nproc_per_node=group.processes,
        logs_specs=DefaultLogsSpecs(str(logs), redirects=quiet),
        run_id=group.name or uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint=endpoint,
        rdzv_configs={
            "is_host": host, "join_timeout": JOIN_SECONDS, "read_timeout": STORE_SECONDS
        },
        max_restarts=group.max_restarts,
        local_addr=own,
        shutdown_timeout=CLOSE_SECONDS,
    )  # fmt: skip


def _hosts(group: ProcessGroup) -> bool:
    """Tell whether all meet at this machine; of several processes of it, the first one's."""
    try:
        socket.create_server(group.address).close()
    except OSError:
        return False
    return True


def _own_address(group: ProcessGroup) -> str:
    """Return the address of this machine by which the one of the rendezvous knows it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(group.address)  # which sends nothing
        except OSError as error:
            raise RecipeError(
                f"{group.address[0]} cannot be reached from here",
                f"--rendezvous {group.rendezvous}",
                str(error),
                "name one of the machines as the others know it",
            ) from error
        return str(way.getsockname()[0])


@contextmanager
def _environment(group: ProcessGroup) -> Iterator[None]:
    """Let the processes know who starts them, and share the cores of the machine."""
    threads = str(max(1, usable_cores() // group.processes))
    own = {
        STARTED: str(os.getpid()),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", threads),
        # torch advises against what `share_gradients` asks for, once in each process.
        "TORCH_CPP_LOG_LEVEL": os.environ.get("TORCH_CPP_LOG_LEVEL", "ERROR"),
        # Processes that are started again would find the addresses of those before in a store
        # that the engine keeps; now the first one makes a new store each time.
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _bound(logs: Path, group: ProcessGroup) -> Iterator[None]:
    """End this process where a process has failed and the engine does not come to an end.

    It may be waiting for an answer over a network that is cut, and that for a quarter of an hour.
    """
    limit = 2 * CLOSE_SECONDS + (JOIN_SECONDS if group.max_restarts else 0)
    began, over = time.time(), threading.Event()

    def watch() -> None:
        while not over.wait(2):
            with suppress(OSError):  # a shared disk may be away for a while
                files = {own.stat().st_mtime: own for own in logs.glob("*/attempt_*/*/error.json")}
                if (last := max(files, default=0.0)) < began or time.time() < last + limit:
                    continue
                attempt = files[last].parents[1]
                number = int(attempt.name.rpartition("_")[2]) + 1
                if not attempt.with_name(f"attempt_{number}").exists():  # none was started since
                    os.write(2, f"{_said(files[last])}\n".encode())
                    os._exit(1)

    threading.Thread(target=watch, name="skinfw-engine", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _said(file: Path) -> str:
    """Return what a process has left in its file for errors, which torch may have written, too."""
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        message = json.loads(text)["message"]
        return str(message["message"] if isinstance(message, dict) else message)
    except (ValueError, LookupError, TypeError):
        return f"error: a process has failed\n  {file}"


@contextmanager
def _without_logging() -> Iterator[None]:
    """Keep the engine from telling in its own words what the error tells."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _first(failures: Mapping[int, ProcessFailure]) -> tuple[int, ProcessFailure]:
    """Return the process that failed of itself, and not because another one did."""

    def order(rank: int) -> tuple[int, int, int]:
        failure = failures[rank]
        text = _text(failure)
        if text and LOST not in text:
            kind = 0
        elif failure.exitcode < 0 and failure.signal_name() != "SIGTERM":
            kind = 1
        else:
            kind = 2 if text else 3
        return kind, failure.timestamp, rank

    rank = min(failures, key=order)
    return rank, failures[rank]


def _text(failure: ProcessFailure) -> str:
    """Return the lines that a process has left for whoever started it, "" for none."""
    message: Any = failure.message
    return str(message.get("message", "")) if isinstance(message, dict) else ""


class ProcessError(SkinfwError):
    """Say what a process said, in its own lines."""

    def __init__(self, text: str, exit_code: int) -> None:
        """Keep the lines."""
        super().__init__(text)
        self.exit_code = exit_code

    def __str__(self) -> str:
        """Return the lines as they are."""
        return self.what


def _cause(rank: int, failure: ProcessFailure, folder: RunFolder, group: ProcessGroup) -> Exception:
    """Return the error of the process that failed first."""
    if text := _text(failure):
        return ProcessError(text, failure.exitcode)
    how, why = f"ended with {failure.exitcode}", "it left no word"
    if failure.exitcode < 0:
        how = f"was killed by {failure.signal_name()}"
        why = "a library failed in it"
        if failure.signal_name() == "SIGKILL":
            why = "somebody has ended it, or the machine has no memory left"
    return SkinfwError(
        f"process {rank} of {group.world} {how}",
        display_path(folder.path / PROCESSES),
        why,
        _cure(folder, group),
    )


def _cure(folder: RunFolder, group: ProcessGroup) -> str:
    return f"go on with: {resume_command(folder, group)}"


def resume_command(folder: RunFolder, group: ProcessGroup) -> str:
    """Return the command that goes on with a run."""
    return f"skinfw run {display_path(folder.path)} --resume {group.words}"
