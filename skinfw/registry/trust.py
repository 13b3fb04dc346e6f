"""Which Python files that a run folder or an exported file names may run.

A recipe is what its user wrote, and so is what it names. A run folder may come from anybody: a file
that it names is imported only where the user says so, or has run a recipe with the same file on
this machine before.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from skinfw.errors import RecipeError


class TrustError(RecipeError):
    """Say that a run needs a Python file that the user has not trusted."""


def trusted_list() -> Path:
    """Return the file of trusted checksums, below ~/.config/skinfw or what SKINFW_CONFIG names."""
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    folder = os.environ.get("SKINFW_CONFIG") or f"{config}/skinfw"
    return Path(folder).expanduser() / "trusted.txt"


def trust(file: Path) -> None:
    """Remember a Python file of the user's own recipe by its SHA-256; another path is as good.

    Where the list cannot be written, --trust is asked for each time.
    """
    digest, target = _digest(file), trusted_list()
    if digest in _trusted():
        return
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with target.open("a", encoding="utf-8") as lines:
            lines.write(f"{digest}  {str(file)!r}\n")


def check_trust(file: Path, where: str) -> None:
    """Raise TrustError unless a Python file that came with a run is trusted.

    where: who names it.
    """
    digest = _digest(file)
    if digest not in _trusted():
        raise TrustError(
            "the run needs a Python file that you have not trusted yet",
            where,
            f"it is {file}, SHA-256 {digest}",
            "read the file, for it may do all that you may; then add --trust, or trust=True",
        )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _trusted() -> set[str]:
    try:
        text = trusted_list().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return set()
    return {line[:64] for line in text.splitlines()}
