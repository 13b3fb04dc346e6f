"""Which process of a run this is, and who tells the user what went wrong in it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from skinfw.files.atomic import write_json

STARTED = "SKINFW_PROCESSES"
"""The environment variable with the number of the process of `skinfw run --processes`, which the
processes that it starts find."""
_ERROR_FILE = "TORCHELASTIC_ERROR_FILE"


def is_main() -> bool:
    """Tell whether this process writes the run folder and speaks to the user."""
    return os.environ.get("RANK", "0") == "0"


def is_alone() -> bool:
    """Tell whether nobody has started this process as one of several."""
    return is_main() and os.environ.get("WORLD_SIZE", "1") == "1"


def has_starter() -> bool:
    """Tell whether `skinfw run --processes` has started this process and waits for it."""
    return STARTED in os.environ and _ERROR_FILE in os.environ


def starter() -> int:
    """Return the number of the process that has started this one and must live, 0 for none.

    It is not asked of the system, which would name another one where that one is gone already.
    """
    text = os.environ.get(STARTED, "")
    return int(text) if has_starter() and text.isdecimal() else 0


def restarts() -> int:
    """Return how often the processes of the run were started again since it was started."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def tell_starter(text: str) -> bool:
    """Leave an error to the process that has started this one; it tells the first of all alone.

    text: the lines of the error.
    Returns whether there is such a process. The file is as torch.distributed.elastic reads it.
    """
    if not has_starter():
        return False
    extra = {"py_callstack": "", "timestamp": str(int(time.time()))}
    message = {"message": text, "extraInfo": extra}
    write_json(Path(os.environ[_ERROR_FILE]), {"message": message})
    return True
