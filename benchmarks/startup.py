"""How long the commands take that a person waits for, beside a bare start of Python."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.harness import Bench, Peer, Row, Work, clocked, race

RECIPE = Path(__file__).parents[1] / "recipes" / "isic2019_densenet.toml"
BARE = "python -c 'import click, pluggy'"
COMMANDS = (["--help"], ["list-plugins"], ["check", str(RECIPE)])
AT_MOST = {"--help": 3.0, "list-plugins": 3.0}
SECONDS = {"list-plugins": 0.3, "check": 1.5}


def startup(bench: Bench) -> list[Row]:
    """Start each command and a bare Python in turn."""
    rows = []
    for words in COMMANDS:
        command = words[0]
        peer = Peer(BARE, _start("-c", "import click, pluggy"))
        (row,) = race(bench, f"skinfw {command}", _start("-m", "skinfw", *words), [peer])
        if command in AT_MOST:
            rows.append(Row(row.work, BARE, row.ours, row.theirs, at_most=AT_MOST[command]))
        if command in SECONDS:
            limit = [SECONDS[command]] * bench.rounds
            rows.append(Row(row.work, "a limit", row.ours, limit, at_most=1.0))
    return rows


def _start(*arguments: str) -> Work:
    return clocked(partial(subprocess.run, [sys.executable, *arguments], check=True,
                           capture_output=True))  # fmt: skip
