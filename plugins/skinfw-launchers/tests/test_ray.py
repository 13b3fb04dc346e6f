"""The launcher `ray`, on a head and a second node of this machine."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import TINY, TINY_BACKBONE

pytest.importorskip(
    "ray", reason="the extra ray is not installed, which is too large for all tests"
)

pytestmark = pytest.mark.slow

SEEDS = 3


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()


def test_runs_of_a_node_that_dies_go_on_at_another(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    node = cluster.add_node(num_cpus=1)
    words = [sys.executable, "-m", "skinfw", "run", "tiny.toml", "--seeds", str(SEEDS),
             "--set", "train.epochs=4", "--set", "explainer=[]"]  # fmt: skip
    own = ["--launcher", "ray", "--launcher-set", f"address={cluster.address}", "--out", "launched"]
    host = subprocess.Popen([*words, *own], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while len(list(tmp_path.glob("launched/*/seed-*/last/state.pt"))) < 2:
        assert time.monotonic() < end and host.poll() is None
        time.sleep(0.05)
    cluster.remove_node(node, allow_graceful=False)
    said, _ = host.communicate(timeout=240)
    assert host.returncode == 0, said
    (launched,) = (tmp_path / "launched").iterdir()
    logs = [file.read_text() for file in (launched / "logs").iterdir()]
    assert any("resuming in epoch" in log or "going on with the evaluation" in log for log in logs)
    local = ["--launcher", "local", "--launcher-set", "threads=1", "--out", "local", "-q"]
    subprocess.run([*words, *local], cwd=tmp_path, check=True)
    (here,) = (tmp_path / "local").iterdir()
    for seed in range(1, SEEDS + 1):
        assert json.loads((launched / f"seed-{seed}/run.json").read_text())["status"] == "done"
        first, second = (one / f"seed-{seed}/predictions.csv" for one in (launched, here))
        assert first.read_bytes() == second.read_bytes()
