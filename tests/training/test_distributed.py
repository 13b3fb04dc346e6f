"""One, two and four processes over gloo: the same draws, and the same training but for rounding."""

import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import load_file
from support import Site

BACKBONE = '''
from torch import nn


def norms(classes) -> nn.Module:
    """Build a network with batch normalisation and no dice; no bias is without a gradient."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, len(classes)),
    )
'''
SETS = (
    "train.epochs=2", "train.batch_size=28", "backbone.use=./norms.py:norms",
    "engine.sync_batch_norm=true", "optimizer.use=sgd", "optimizer.lr=0.05",
    'report=[{use="history"}]', "explainer=[]",
)  # fmt: skip
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def run(site: Site, folder: Path, out: str, launcher: tuple[str, ...], *words: str) -> Path:
    sets = [word for text in SETS for word in ("--set", text)]
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "skinfw", "run", "own.toml", "--out", out, *sets, *words],
        cwd=folder, env=site.environment(OMP_NUM_THREADS="1"), capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (files,) = (folder / out).iterdir()
    return files


@pytest.mark.slow
def test_several_processes_learn_as_one(site: Site, tiny: Path, tmp_path: Path) -> None:
    text = tiny.read_text()
    start = text.index("[backbone]")
    end = text.index("[", start + 1)
    (tmp_path / "own.toml").write_text(text[:start] + text[end:])
    (tmp_path / "norms.py").write_text(BACKBONE)
    alone = run(site, tmp_path, "one", ())
    record = json.loads((alone / "run.json").read_text())
    # An epoch ends with a batch that neither two nor four processes can share evenly.
    rest = sum(record["class_counts"].values()) % 28
    assert rest >= 8 and rest % 2
    others = {
        2: run(site, tmp_path, "two", TORCHRUN),
        4: run(site, tmp_path, "four", (), "--processes", "4"),
    }
    for count, files in others.items():
        own = json.loads((files / "run.json").read_text())
        assert own["hardware"]["processes"] == count and own["status"] == "done"
        for key in ("draw_hash", "split_hash", "data_fingerprint"):
            assert own[key] == record[key]
        first, second = (pd.read_csv(folder / "predictions.csv") for folder in (alone, files))
        assert first["id"].tolist() == second["id"].tolist(), "every image once and in order"
        assert first["true"].tolist() == second["true"].tolist()
        histories = [
            pd.read_csv(folder / "history.csv").drop(columns=["seconds", "images_per_second"])
            for folder in (alone, files)
        ]
        pd.testing.assert_frame_equal(*histories, check_exact=False, atol=1e-6, rtol=1e-5)
        weights = [load_file(folder / "best.safetensors") for folder in (alone, files)]
        for name, values in weights[0].items():
            np.testing.assert_allclose(weights[1][name], values, atol=1e-4, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("folders", [("one", "two"), ("both", "both")])
def test_each_machine_fills_a_cache_of_its_own(
    site: Site, tmp_path: Path, folders: tuple[str, str]
) -> None:
    (tmp_path / "images").mkdir()
    rows = []
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"images/{number}.png")
        rows.append({"id": number, "path": f"images/{number}.png", "label": "AB"[number % 2]})
    pd.DataFrame(rows).to_csv(tmp_path / "own.csv", index=False)
    (tmp_path / "norms.py").write_text(BACKBONE)
    (tmp_path / "own.toml").write_text(
        'explainer = []\nreport = []\n[dataset]\nuse = "csv"\nfile = "own.csv"\n'
        '[backbone]\nuse = "./norms.py:norms"\n[image]\nsize = 32\n'
        "[train]\nepochs = 1\nbatch_size = 8\n[engine]\nworkers = 2\n"
    )
    port = free_port()
    environments = [
        site.environment(
            OMP_NUM_THREADS="1", RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK="0",
            MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), SKINFW_CACHE=str(tmp_path / folder),
        )
        for rank, folder in enumerate(folders)
    ]  # fmt: skip
    words = [sys.executable, "-m", "skinfw", "run", "own.toml", "--out", "runs"]
    machines = [
        subprocess.Popen(words, cwd=tmp_path, env=own, stderr=subprocess.PIPE, text=True)
        for own in environments
    ]
    for machine in machines:
        _, said = machine.communicate(timeout=300)
        assert machine.returncode == 0, said
    for folder in set(folders):
        index = sqlite3.connect(tmp_path / folder / "images/index.sqlite")
        assert index.execute("SELECT COUNT(*) FROM images").fetchone() == (40,)
        assert len(list((tmp_path / folder / "images").glob("*.rgb"))) == 1, "one has filled it"
        assert not list((tmp_path / folder).glob("*.shared"))
        index.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
