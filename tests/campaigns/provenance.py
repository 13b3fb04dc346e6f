"""Edits planted into runs, all of which `skinfw verify` names, and runs that nobody touched."""

from __future__ import annotations

import csv
import functools
import json
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support import TINY, TINY_BACKBONE

import skinfw
from campaigns.campaign import Campaign, Figures
from skinfw.files.checksums import file_digest
from skinfw.workflows.run_folder import record_digest
from skinfw_provenance.verify import verify_run

Edit = Callable[[Path, random.Random], tuple[str, str]]
"""Change a run; return the file that must be named, and a part of the place."""

WITHOUT_REPORTS = TINY.partition("[[report]]")[0]
REPORTS = ("history", "confusion-matrix", "curves", "calibration", "subgroups",
           "out-of-distribution", "page")  # fmt: skip


def train(folder: Path, text: str) -> Path:
    """Run a recipe in this process; return its folder."""
    (folder / "tiny.toml").write_text(text)
    (folder / "tiny.py").write_text(TINY_BACKBONE)
    with redirect_stdout(StringIO()):
        return skinfw.run(folder / "tiny.toml", out=folder / "runs").folder


@functools.cache
def finished_run() -> Path:
    """Return one run with all reports, trained once for all cases."""
    keep = tempfile.TemporaryDirectory(prefix="campaign-")
    finished_run.keep = keep  # deleted when the process ends
    return train(Path(keep.name), WITHOUT_REPORTS.replace("images = 4", "images = 4\nmistakes = 0"))


def json_edit(name: str, *within: str, named: str = "") -> Edit:
    """Return an edit of one number of a JSON file, below some keys.

    named: the place that is told, where it is not the key.
    """

    def edit(run: Path, dice: random.Random) -> tuple[str, str]:
        data = json.loads((run / name).read_text())
        table: Any = data
        for key in within:
            table = table[key]
        place = [*within]
        while isinstance(table, dict | list):
            keys = [key for key in _keys(table) if _has_number(table[key])]
            parent, key = table, dice.choice(keys)
            place.append(str(key))
            table = table[key]
        parent[key] = table + dice.choice([-0.1, 1e-6, 0.1, 1])
        (run / name).write_text(json.dumps(data, indent=1))
        return name, named or (place[-1] if isinstance(key, str) else place[-2])

    return edit


def csv_edit(name: str, columns: slice = slice(1, None)) -> Edit:
    """Return an edit of one number of a table."""

    def edit(run: Path, dice: random.Random) -> tuple[str, str]:
        with (run / name).open(newline="") as source:
            head, *rows = csv.reader(source)
        places = [(row, column) for row in range(len(rows)) for column in range(len(head))[columns]
                  if re.fullmatch(r"[\d.e-]+", rows[row][column])]  # fmt: skip
        row, column = dice.choice(places)
        rows[row][column] = str(float(rows[row][column]) * 0.9 + 0.01)
        with (run / name).open("w", newline="") as sink:
            csv.writer(sink, lineterminator="\n").writerows([head, *rows])
        return name, ""

    return edit


def page_edit(pattern: str, place: str) -> Edit:
    """Return an edit of one number of the page.

    pattern: with a group around the number.
    """

    def edit(run: Path, dice: random.Random) -> tuple[str, str]:
        file = run / "report.html"
        text = file.read_text()
        start, end = dice.choice([own.span(1) for own in re.finditer(pattern, text, re.DOTALL)])
        digit = next(at for at in range(end - 1, start - 1, -1) if text[at].isdigit())
        other = str((int(text[digit]) + dice.randint(1, 9)) % 10)
        file.write_text(text[:digit] + other + text[digit + 1 :])
        return "report.html", place

    return edit


def picture_edit(name: str) -> Edit:
    """Return an edit of some pixels."""

    def edit(run: Path, dice: random.Random) -> tuple[str, str]:
        pixels = np.array(Image.open(run / name))
        row, column = dice.randrange(len(pixels) - 8), dice.randrange(pixels.shape[1] - 8)
        pixels[row : row + 8, column : column + 8, :3] ^= 255
        Image.fromarray(pixels).save(run / name)
        return name, "pixels" if "explanations" not in name else "bytes"

    return edit


def text_edit(name: str, pattern: str, place: str) -> Edit:
    """Return an edit of the last letter of what a pattern finds."""

    def edit(run: Path, dice: random.Random) -> tuple[str, str]:
        text = (run / name).read_text()
        end = dice.choice([own.end(1) for own in re.finditer(pattern, text)])
        (run / name).write_text(
            text[: end - 1] + ("1" if text[end - 1] != "1" else "2") + text[end:]
        )
        return name, place

    return edit


def weights(run: Path, dice: random.Random) -> tuple[str, str]:
    """Turn one bit of the weights."""
    data = bytearray((run / "best.safetensors").read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    (run / "best.safetensors").write_bytes(data)
    return "best.safetensors", "bytes"


def removed(run: Path, dice: random.Random) -> tuple[str, str]:
    """Delete a file."""
    name = dice.choice(["reliability.png", "intervals.json", "subgroups.csv", "recipe.lock"])
    (run / name).unlink()
    return name, ""


def swapped(run: Path, dice: random.Random) -> tuple[str, str]:
    """Move an image to another part."""
    text = (run / "splits.csv").read_text().splitlines()
    line = dice.randrange(1, len(text))
    text[line] = re.sub("(train|val|test)$", lambda own: {"train": "test"}.get(own[1], "train"),
                        text[line])  # fmt: skip
    (run / "splits.csv").write_text("\n".join(text) + "\n")
    return "splits.csv", ""


def added(run: Path, dice: random.Random) -> tuple[str, str]:
    """Write a sentence into the page."""
    text = (run / "report.html").read_text()
    place = dice.choice([own.end() for own in re.finditer("</h2>", text)])
    (run / "report.html").write_text(f"{text[:place]}<p>Tested on patients.</p>{text[place:]}")
    return "report.html", "Tested on patients"


DERIVED: tuple[Edit, ...] = (
    json_edit("metrics.json", "test"),
    json_edit("metrics.json", "val"),
    json_edit("intervals.json", "parts", "test"),
    json_edit("calibration.json", "thresholds"),
    json_edit("calibration.json", "prediction_sets"),
    json_edit("out_of_distribution.json"),
    json_edit("run.json", "results", "test"),
    json_edit("run.json", "calibration"),
    json_edit("run.json", "class_counts"),
    csv_edit("subgroups.csv", slice(6, 9)),
    csv_edit("nine_classes.csv"),
    csv_edit("out_of_distribution.csv"),
    page_edit(r"<td>(\d\.\d{3}[^<]*)</td>", "table"),
    page_edit(r"<b>(\d\.\d{3})</b>", "head"),
    page_edit(r'<td style="[^"]*">(\d+)<small>', 'section "confusion"'),
    page_edit(r"<text [^>]*>(\d\.\d)</text>", "drawing"),
    page_edit(r'<path d="(M [\d.]+ [\d.]+ )', "drawing"),
    added,
    picture_edit("confusion_matrix.png"),
    picture_edit("curves.png"),
    picture_edit("reliability.png"),
    swapped,
)
"""Edits that are seen even where the checksums were mended."""

KEPT: tuple[Edit, ...] = (
    csv_edit("predictions.csv", slice(3, -1)),
    csv_edit("predictions_val.csv", slice(3, -1)),
    csv_edit("history.csv"),
    json_edit("run.json", "timings", named="another checksum"),
    json_edit("run.json", "recipe", "train"),
    text_edit("run.json", r'"numpy": "([\d.]+)', "numpy"),
    text_edit("recipe.lock", r'"initial_weights": "([0-9a-f]+)', ""),
    picture_edit("explanations/grad-cam-predicted.png"),
    weights,
    removed,
)
"""Edits of what nothing else in the run tells, which their checksums show."""


def plant(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Change one thing in a finished run, and have it verified."""
    run = folder / "run"
    shutil.copytree(finished_run(), run)
    edit = (*DERIVED, *KEPT)[number % (len(DERIVED) + len(KEPT))]
    file, place = edit(run, dice)
    if edit in DERIVED and number >= len(DERIVED) + len(KEPT):
        mend(run)
    start = time.process_time()
    try:
        differences = verify_run(run).differences
    except skinfw.SkinfwError as error:  # a record that no run can have written is refused
        differences = {Path(error.where).name: [error.what]}
    figures.largest("CPU seconds", time.process_time() - start)
    if any(place in line for line in differences.get(file, ())):
        figures.count("edits named")
    else:
        figures.fail(f"case {number}", f"{file} at {place!r} is not named: {differences}")


def mend(run: Path) -> None:
    """Give run.json the checksums of what is there, as somebody would who can compute them."""
    record = json.loads((run / "run.json").read_text())
    names = [name for name in record["checksums"] if (run / name).is_file()]
    record["checksums"] = {name: file_digest(run / name) for name in names}
    record["checksum"] = record_digest(record)
    (run / "run.json").write_text(json.dumps(record, indent=1))


def leave(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Train with other seeds, classes of options and reports, touch nothing, and verify."""
    reports = [name for name in REPORTS if dice.random() < 0.4] or ["history"]
    text = TINY.partition("[[explainer]]" if dice.random() < 0.8 else "[[report]]")[0]
    text = f"seed = {number}\n{text}" + "".join(f'[[report]]\nuse = "{own}"\n' for own in reports)
    for old, choices in VARIED.items():
        text = text.replace(old, dice.choice(choices))
    run = train(folder, text)
    start = time.process_time()
    found = verify_run(run, data=dice.random() < 0.3)
    figures.largest("CPU seconds", time.process_time() - start)
    if found.differences:
        figures.fail(f"case {number}", f"{reports}: {found.differences}")
    figures.count("untouched runs pass")


VARIED: Mapping[str, tuple[str, ...]] = {
    "images = 80": ("images = 70", "images = 100", "images = 130"),
    "epochs = 2": ("epochs = 1", "epochs = 2", 'epochs = 2\nselect = "val_loss"',
                   'epochs = 2\nvalidation = "test"', "epochs = 3\nlimit_eval_batches = 1"),
    "replicates = 20": ("replicates = 0", "replicates = 30"),
    "val = 0.25": ("val = 0.2", "val = 0.3"),
}  # fmt: skip


def _keys(table: Any) -> list[Any]:
    return list(table) if isinstance(table, dict) else list(range(len(table)))


def _has_number(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(_has_number(value[key]) for key in _keys(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


CAMPAIGNS = (
    Campaign("verify", 64, 2, plant, slow=True),
    Campaign("verify-untouched", 100, 1, leave, slow=True),
)
