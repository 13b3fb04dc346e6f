"""Which process something belongs to, whether it still lives, and what it left behind."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import time
from pathlib import Path

OLD_SECONDS = 3600.0
"""Nobody writes that long at one file of a run folder."""

_PARTIAL = re.compile(r"\.(?:([0-9a-f]{8})-)?(\d+)\.partial$")
_DEAD = "ZX"  # states in /proc of processes that have ended, though nobody has asked how


def this_process() -> str:
    """Return a short name of this process, its machine included."""
    return process_name(socket.gethostname(), os.getpid())


def process_name(host: str, pid: int) -> str:
    """Return a short name of a process.

    host: the name of its machine.
    """
    return f"{hashlib.sha256(host.encode()).hexdigest()[:8]}-{pid}"


def lives(pid: int, since: float) -> bool:
    """Tell whether a process of this machine is alive and older than a moment.

    since: seconds of the clock; a process that began later only has the number of a dead one.
    """
    if os.name == "posix":
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
    try:
        state, began = _state_and_start(pid)
    except (OSError, ValueError, IndexError, StopIteration):
        return True  # no /proc here: rather keep a file than take it from somebody
    return state not in _DEAD and began <= since + 2  # the clock of /proc is coarse


def _state_and_start(pid: int) -> tuple[str, float]:
    """Return what /proc says of a process: its state, and when it began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    lines = Path("/proc/stat").read_text().splitlines()
    boot = next(int(line.split()[1]) for line in lines if line.startswith("btime"))
    return fields[0], boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def remove_partials(folder: Path, ended: str = "") -> None:
    """Remove what killed processes had half written.

    Files of living processes stay, and so do those of other machines, unless they are old.

    folder: whose files, and those of the folders in it, are looked at.
    ended: the name of a process that is known to have ended, wherever it was.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            if (match := _PARTIAL.search(name)) is None:
                continue
            file = Path(place, name)
            with contextlib.suppress(OSError):  # somebody else removed or finished it
                if _is_left(file.stat().st_mtime, match[1], int(match[2]), ended):
                    file.unlink()


def _is_left(written: float, host: str | None, pid: int, ended: str) -> bool:
    owner = process_name(socket.gethostname(), pid)
    if host is None or owner == f"{host}-{pid}":
        return not lives(pid, written)
    return f"{host}-{pid}" == ended or time.time() - written > OLD_SECONDS
