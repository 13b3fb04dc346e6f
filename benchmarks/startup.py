"""How long the commands take that a person waits for: `python -m benchmarks.startup`.

Each round runs every command once, so that a busy minute hits all of them alike.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import click

RECIPE = Path(__file__).parents[1] / "recipes" / "isic2019_densenet.toml"
COMMANDS = {
    "python -c 'import click, pluggy'": ["-c", "import click, pluggy"],
    "skinfw --help": ["-m", "skinfw", "--help"],
    "skinfw list-plugins": ["-m", "skinfw", "list-plugins"],
    f"skinfw check {RECIPE.name}": ["-m", "skinfw", "check", str(RECIPE)],
}
LIMITS = {"skinfw list-plugins": 0.3, f"skinfw check {RECIPE.name}": 1.5}


@click.command()
@click.option("--rounds", default=15, show_default=True)
def main(rounds: int) -> None:
    """Print medians, ratios to a bare start, and whether the limits hold."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    bare = seconds[next(iter(COMMANDS))]
    click.echo(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
               f"Python {platform.python_version()}, {rounds} rounds")  # fmt: skip
    click.echo("| command | median | against a bare start | limit |\n|---|---|---|---|")
    slow = False
    for name, measured in seconds.items():
        ratio = statistics.median(
            mine / theirs for mine, theirs in zip(measured, bare, strict=True)
        )
        median, limit = statistics.median(measured), LIMITS.get(name)
        slow |= limit is not None and median > limit
        click.echo(f"| {name} | {median:.2f} s | {ratio:.1f}x | {f'{limit} s' if limit else ''} |")
    raise SystemExit(1 if slow else 0)


if __name__ == "__main__":
    main()
