"""What a task's process does first: bind itself to cores and to the life of its launcher.

`python -m skinfw_launchers.child PARENT CORES WORDS` becomes `python -m skinfw WORDS`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_SET_SIGNAL_OF_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of Linux's prctl


def main() -> None:
    """Become the command of a task."""
    parent, cores, *words = sys.argv[1:]
    if sys.platform == "linux":
        # A launcher that is killed cannot end its tasks; then the system sends them SIGTERM.
        ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGTERM)
        if os.getppid() != int(parent):  # it died before
            sys.exit(128 + signal.SIGTERM)
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, map(int, cores.split(",")))
    os.execv(sys.executable, [sys.executable, "-m", "skinfw", *words])


if __name__ == "__main__":
    main()
