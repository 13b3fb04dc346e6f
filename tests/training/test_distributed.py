"""Two processes over gloo: the same predictions as one, and almost the same training."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from support import Site

COMMON = [
    "--set", "train.epochs=1", "--set", "backbone.dropout=0.0", "--set", "augment=[]",
    "--set", 'report=[{use="history"}]',
]  # fmt: skip


def run(site: Site, folder: Path, out: str, *launcher: str) -> Path:
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "skinfw", "run", "tiny.toml", "--out", out, *COMMON],
        cwd=folder, env=site.environment(OMP_NUM_THREADS="1"), capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (files,) = (folder / out).iterdir()
    return files


@pytest.mark.slow
def test_two_processes_evaluate_exactly_and_train_alike(
    site: Site, tiny: Path, tmp_path: Path
) -> None:
    alone = run(site, tmp_path, "one")
    together = run(
        site, tmp_path, "two", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"
    )
    record = json.loads((together / "run.json").read_text())
    assert record["hardware"]["processes"] == 2 and record["status"] == "done"
    first, second = (pd.read_csv(f / "predictions.csv") for f in (alone, together))
    # Every test image once and in order, although two processes shared an odd number of them.
    assert first["id"].tolist() == second["id"].tolist()
    assert first["true"].tolist() == second["true"].tolist()
    one, two = (json.loads((f / "run.json").read_text()) for f in (alone, together))
    assert one["draw_hash"] == two["draw_hash"] and one["split_hash"] == two["split_hash"]
    # Batch statistics are per process, so the weights differ a little.
    losses = [pd.read_csv(f / "history.csv")["val_loss"][0] for f in (alone, together)]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
