"""How long it takes to look for copies: the first time, and once all images are known."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

from benchmarks import pictures
from benchmarks.harness import Bench, Row, fresh

COUNT = 10_712
COLD, WARM = 60.0, 5.0


def audit(bench: Bench) -> list[Row]:
    """Look for copies among as many images as are there of ISIC 2019, in a fresh Python."""
    count = bench.amount(COUNT, 60)
    folder, different = pictures.linked(bench, count), min(len(pictures.files(bench)), count)
    known = bench.scratch / "known"
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(bench.rounds):
        shutil.rmtree(known, ignore_errors=True)
        for seconds in (cold, warm):
            seconds.append(json.loads(fresh("benchmarks.audit", folder))["seconds"])
    work = f"audit of {count:,} files, {different:,} of them different"
    return [
        Row(f"{work}, first time", "a limit", cold, [COLD] * bench.rounds, at_most=1.0),
        Row(f"{work}, again", "a limit", warm, [WARM] * bench.rounds, at_most=1.0),
    ]


def main(folder: Path) -> None:
    """Print the seconds of one audit."""
    start = time.perf_counter()
    import pandas as pd

    from skinfw import DataTable
    from skinfw.recipe.settings import ImageSettings
    from skinfw_audit.audit import audit as look
    from skinfw_duplicates.component import NearDuplicates

    os.environ["SKINFW_CACHE"] = str(folder.parent / "known")
    files = sorted(folder.iterdir())
    ids = [file.name for file in files]
    rows = pd.DataFrame({"id": ids, "path": list(map(str, files)), "label": "", "lesion": ids})
    look(
        {"files": DataTable(rows)},
        {"files": ("",)},
        (),
        NearDuplicates(ImageSettings()),
        lambda line: None,
    )
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
