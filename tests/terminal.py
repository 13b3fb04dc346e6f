"""A command in a pseudo-terminal, as a person sees it."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_in_terminal(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    columns: int = 80,
    typed: str = "",
) -> tuple[int, str]:
    """Return the exit code of a command and all that it wrote to its terminal, codes included.

    typed: what a person types meanwhile.
    """
    ours, theirs = pty.openpty()
    variables = {**environment, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        written = b""
        while chunk := _read(ours):
            written += chunk
    os.close(ours)
    return process.returncode, written.decode()


def _read(terminal: int) -> bytes:
    """Return what is written next; nothing where the command has ended, which Linux calls EIO."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
