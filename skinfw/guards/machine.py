"""Tell what the machine is to blame for, so that no component is: memory, and lost processes."""

from __future__ import annotations

import errno
import re

_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|insufficient memory"
    r"|bad alloc|ALLOC_FAILED",
    re.IGNORECASE,
)
_NO_KERNEL = re.compile(r"(\S+) does not have a deterministic implementation")
_LOST = re.compile(
    r"gloo/|NCCL|Connection (closed|reset) by peer|Broken pipe|Socket Timeout|"
    r"Timed out waiting .*recv|wait timeout|store->get|TCPStore|failed to connect",
    re.IGNORECASE,
)
_LOST_TYPES = {"DistBackendError", "DistNetworkError", "DistStoreError", "DistError"}


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory is lacking, of the device or of the machine.

    error: of torch, NumPy, OpenCV or Python; torch says it in words alone on a CPU.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    of_library = isinstance(error, RuntimeError) or type(error).__module__.startswith("cv2")
    return of_library and bool(_NO_MEMORY.search(str(error)))


def without_deterministic_kernel(error: BaseException) -> str:
    """Return the operation that engine.deterministic forbids, "" where an error says no such thing.

    error: of torch, which says it in words alone.
    """
    found = _NO_KERNEL.search(str(error)) if isinstance(error, RuntimeError) else None
    return found[1] if found else ""


def lost_process(error: BaseException) -> bool:
    """Tell whether an error says that another process of a distributed run does not answer."""
    if type(error).__name__ in _LOST_TYPES:
        return True
    return isinstance(error, RuntimeError) and bool(_LOST.search(str(error)))
