"""A model that is one HTML file, opened from disk in Chromium: numbers against `skinfw predict`.

`python -m benchmarks.html_export RUN IMAGES --images 100` exports the run, asks the page about the
images as they are and as PNG, and prints how far its probabilities are from those of ONNX Runtime,
what an image takes, and what the page asked of anybody else.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CHROMIUM = "/usr/bin/chromium"
MINUTES = 10
_NOT_CLASSES = ("id", "predicted", "prediction_set", "may_be_unknown")


@dataclass(frozen=True)
class Opened:
    """Hold what a page in a browser said of images.

    rows: of the table that it saves.
    milliseconds: of each image, as the page tells them.
    cpu: seconds of processor per image after the first, of the process that computes.
    requests: that went anywhere but to the page itself.
    console: errors and warnings.
    """

    rows: list[dict[str, str]]
    milliseconds: list[float]
    cpu: float
    requests: list[str]
    console: list[str]


def open_page(page_file: Path, images: Sequence[Path], out: Path) -> Opened:
    """Ask a page about images in headless Chromium, and let it save its table.

    page_file: the HTML file.
    out: where the table is saved.
    """
    from playwright.sync_api import sync_playwright

    outside: list[str] = []
    console: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(MINUTES * 60_000)
        own = page_file.resolve().as_uri()
        page.on("request", lambda asked: note_request(asked.url, own, outside))
        page.on("console", lambda said: console.append(said.text))
        page.on("pageerror", lambda error: console.append(str(error)))
        page.goto(own)
        page.wait_for_selector("#files:enabled", state="attached")
        ask(page, images[:1])
        begin = _processor_seconds()
        if images[1:]:
            ask(page, images[1:])
        cpu = (_processor_seconds() - begin) / max(1, len(images) - 1)
        times = [float(text.split()[2]) for text in page.locator(".time").all_inner_texts()]
        with page.expect_download() as download:
            page.click("#save")
        download.value.save_as(out)
        browser.close()
    with out.open(encoding="utf-8", newline="") as file:
        return Opened(list(csv.DictReader(file)), times, cpu, outside, console)


def note_request(address: str, own: str, outside: list[str]) -> None:
    """Keep a request that is neither for the page nor for what the page has in its memory."""
    if address != own and not address.startswith(("blob:", "data:")):
        outside.append(address)


def ask(page: Any, images: Sequence[Path]) -> None:
    """Give images to an open page, and wait until all are answered."""
    page.set_input_files("#files", [str(image) for image in images])
    page.wait_for_selector(f'#status:has-text("{len(images)} image")')


def _processor_seconds() -> float:
    """Return what the processes that draw pages for this one have computed so far."""
    ticks, parents, drawing = os.sysconf("SC_CLK_TCK"), {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().rsplit(")", 1)
            arguments = (stat.parent / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        process, values = int(name.split()[0]), fields.split()
        parents[process] = int(values[1])
        if b"--type=renderer" in arguments:
            drawing[process] = (int(values[11]) + int(values[12])) / ticks
    return sum(used for process, used in drawing.items() if _descends(process, parents))


def _descends(process: int, parents: dict[int, int]) -> bool:
    while process in parents and process != os.getpid():
        process = parents[process]
    return process == os.getpid()


def compare(run: Path, page_file: Path, images: Sequence[Path], name: str, scratch: Path) -> None:
    """Print how far a page is from `skinfw predict` for some images."""
    table = scratch / f"{name}.csv"
    skinfw = [sys.executable, "-m", "skinfw"]
    subprocess.run(
        [*skinfw, "predict", str(run), *map(str, images), "--runtime", "onnx", "--out", table],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with table.open(encoding="utf-8", newline="") as file:
        expected = {Path(row["id"]).stem: row for row in csv.DictReader(file)}
    opened = open_page(page_file, images, scratch / f"{name} of the page.csv")
    classes = [own for own in opened.rows[0] if own not in _NOT_CLASSES]
    far, other = [], 0
    for row in opened.rows:
        own = expected[Path(row["id"]).stem]
        far.append(max(abs(float(row[label]) - float(own[label])) for label in classes))
        other += any(row[key] != own[key] for key in set(_NOT_CLASSES[1:]) & {*row})
    later = np.array(opened.milliseconds[1:] or opened.milliseconds)
    print(
        f"{name}: {len(far)} images; probabilities differ by at most {max(far):.2g}, in the median "
        f"by {np.median(far):.2g}, {sum(own > 1e-3 for own in far)} by more than 0.001; "
        f"{other} with another class, set or warning; {np.median(later):.0f} ms an image after "
        f"the first (95th percentile {np.percentile(later, 95):.0f}), {1000 * opened.cpu:.0f} ms "
        f"of processor; {len(opened.requests)} requests, {len(opened.console)} lines in the console"
    )


def main() -> None:
    """Export a run, and compare its page with the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--variant", default="fp32")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        scratch, page_file = Path(place), Path(place) / "model.html"
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "skinfw", "export", str(asked.run), "--html",
             "--variant", asked.variant, "--out", str(page_file)],
            check=True,
        )  # fmt: skip
        print(f"exported in {time.perf_counter() - begin:.0f} s")
        files = sorted(file for file in asked.folder.iterdir() if file.suffix.lower() == ".jpg")
        chosen = files[:: max(1, len(files) // asked.images)][: asked.images]
        whole = [scratch / f"{file.stem}.png" for file in chosen]
        for file, target in zip(chosen, whole, strict=True):
            Image.open(file).save(target)
        compare(asked.run, page_file, chosen, "JPEG", scratch)
        compare(asked.run, page_file, whole, "PNG", scratch)


if __name__ == "__main__":
    main()
