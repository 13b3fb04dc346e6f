"""How much memory there is; and keep what tensors leave behind, for the tensors that follow.

By default the C library maps every large tensor anew and gives it back when it is freed, so that
the kernel clears the same pages again and again: a fifth of the time of a training on a CPU.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4  # of mallopt
_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 1 << 26}
# What glibc itself arrives at once large tensors were freed.
_GIVE_BACK = {
    _MMAP_MAX: 1 << 16, _MMAP_THRESHOLD: 1 << 25, _TRIM_THRESHOLD: 1 << 26, _TOP_PAD: 1 << 17
}  # fmt: skip


def keep_freed_memory(keep: bool = True) -> bool:
    """Tell glibc to reuse freed memory; return whether it listens.

    Other C libraries, and settings of one's own in MALLOC_ variables, are left alone.

    keep: false goes back to what glibc does by itself.
    """
    library = _glibc()
    if library is None:
        return False
    settings = _KEEP if keep else _GIVE_BACK
    listened = [library.mallopt(name, value) for name, value in settings.items()]
    if not keep:
        library.malloc_trim(0)
    return all(listened)


@cache
def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def available_bytes(root: Path = Path("/")) -> int:
    """Return how much memory this process may still take, of the machine and of its container.

    root: where the system's files are.
    """
    return max(0, min(_available(root)))


def _available(root: Path) -> Iterator[int]:
    meminfo = root / "proc/meminfo"
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        yield int(lines["MemAvailable"].split()[0]) * 1024
    else:  # no Linux: half of all
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    groups = root / "sys/fs/cgroup"
    for limit, use in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            yield int((groups / limit).read_text()) - int((groups / use).read_text())
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
