"""The table explainer x measure, on a finished run.

    python -m benchmarks.explanations RUN --images 300

Fast explainers are measured on all images; of slow ones, which ask the network hundreds of times
for a map, on some. A table of docs/explaining.md is what this prints: each number with its 95 %
interval over lesions, the seconds of a map on this machine, and the two baselines.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FAST = ("grad-cam", "grad-cam-plus-plus", "hires-cam", "layer-cam", "xgrad-cam", "eigen-cam")
SLOW = ("smooth-grad", "integrated-gradients", "occlusion", "score-cam", "rise")
BASELINES = ("centred-gaussian", "random-map")


def main() -> None:
    """Measure the explainers of a run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=300, help="of fast explainers")
    parser.add_argument("--probed", type=int, default=64, help="that get every measure")
    parser.add_argument("--slow", type=int, default=32, help="images of slow explainers; 0: none")
    options = parser.parse_args()
    told = measure(options.run, FAST, options.images, options.probed)
    print_table(told, [*FAST, *BASELINES], head=True)
    for name in SLOW if options.slow else ():
        told = measure(options.run, (name,), options.slow, options.slow)
        print_table(told, [name], head=False)


def measure(run: Path, methods: tuple[str, ...], images: int, probed: int) -> dict[str, Any]:
    """Return explanation_scorecard.json of some explainers."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["scorecard", str(run), "--methods", ",".join(methods), "--out", folder]
        words += ["--images", str(images), "--probed", str(min(images, probed))]
        subprocess.run([sys.executable, "-m", "skinfw", *words], check=True, stdout=sys.stderr)
        told: dict[str, Any] = json.loads(Path(folder, "explanation_scorecard.json").read_text())
        return told


def print_table(told: dict[str, Any], methods: list[str], head: bool) -> None:
    """Print a row for each explainer, in Markdown."""
    names = [name.split("/") for name in told["numbers"]]
    measures = list(dict.fromkeys(parts[0] for parts in names if len(parts) == 3))
    if head:
        titles = [name.replace("_", " ") for name in measures]
        print("| explainer | images | " + " | ".join(titles) + " | seconds |")
        print("|---" * (len(measures) + 3) + "|")
    for method in methods:
        cells = [_cell(told["numbers"][f"{name}/{method}/all"]) for name in measures]
        seconds = f"{told['seconds'][method]:.2g}"
        images = f"{told['images']}, {told['probed']}"
        print(f"| `{method}` | {images} | " + " | ".join([*cells, seconds]) + " |", flush=True)


def _cell(number: list[float | None]) -> str:
    value, low, high = number
    if value is None:
        return "-"
    return f"{value:.2f}" if low is None else f"{value:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
