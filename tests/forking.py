"""The command line in processes that are forked instead of started: what is heavy is there already.

A process of its own for each call keeps tests apart from each other; importing torch and pandas in
each of them would take most of the time of all tests.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

LIBRARIES = (
    "click", "cv2", "matplotlib", "numpy", "pandas", "PIL.Image", "pluggy", "pydantic",
    "rich.progress", "safetensors.torch", "scipy.sparse", "sklearn.metrics", "torch",
    "torchvision",
)  # fmt: skip
SECONDS = 300


class Forker:
    """A process that forks one for each call, with libraries imported."""

    def __init__(self, modules: tuple[str, ...] = (), environment: dict[str, str] | None = None):
        self._server = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def run(
        self,
        arguments: tuple[str, ...],
        folder: Path,
        environment: dict[str, str],
        meanwhile: Callable[[int], None] = lambda _: None,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m skinfw` with these arguments, in a folder.

        meanwhile: is called with the number of the process.
        """
        assert self._server.stdin and self._server.stdout
        with TemporaryDirectory() as place:
            files = [f"{place}/stdout", f"{place}/stderr"]
            for file in files:
                Path(file).touch()
            job = [arguments, str(folder), environment, files]
            print(json.dumps(job), file=self._server.stdin, flush=True)
            meanwhile(int(self._server.stdout.readline()))
            print(file=self._server.stdin, flush=True)
            code = int(self._server.stdout.readline())
            out, err = (Path(file).read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(list(arguments), code, out, err)

    def stop(self) -> None:
        """End the process."""
        assert self._server.stdin and self._server.stdout
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


def serve() -> None:
    """Fork a process for each line of the standard input, and print how it ended."""
    for name in (*LIBRARIES, *sys.argv[1:]):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # memory that is never written to is shared
    while line := sys.stdin.readline():
        arguments, folder, environment, files = json.loads(line)
        if not (child := os.fork()):
            # Nothing is torn down in the end: it would copy all that is shared.
            os._exit(_become_skinfw(arguments, folder, environment, files))
        print(child, flush=True)
        sys.stdin.readline()  # until then nobody else gets its number
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become_skinfw(
    arguments: list[str], folder: str, environment: dict[str, str], files: list[str]
) -> int:
    """Run the command line as a process of its own would, and return its exit code."""
    signal.alarm(SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv = ["skinfw", *arguments]
    try:
        runpy.run_module("skinfw", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, which `python -m skinfw` would not see
    serve()
