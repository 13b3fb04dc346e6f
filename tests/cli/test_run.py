"""`skinfw run` as a user and as a script see it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import PLUGIN, SAMPLER, Run, Site


def only(folder: Path) -> Path:
    (files,) = folder.iterdir()
    return files


def test_a_run_prints_lines_a_person_can_read(skinfw: Run, tiny: Path, tmp_path: Path) -> None:
    done = skinfw("run", "tiny.toml")
    assert done.returncode == 0, done.stderr
    for words in ("train 39 images: MEL", "draw  39 images per epoch", "epoch 2/2  train loss",
                  "best epoch", "test  21 images of 15 lesions, 95 % intervals in brackets",
                  "test  balanced accuracy", "too few test lesions", "history.csv"):  # fmt: skip
        assert words in done.stdout, done.stdout
    assert json.loads((only(tmp_path / "runs") / "run.json").read_text())["status"] == "done"


def test_a_third_party_sampler_runs(skinfw: Run, site: Site, tiny: Path, tmp_path: Path) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    done = skinfw("run", "tiny.toml", "--set", "sampler.use=every-other", "--out", "here")
    assert done.returncode == 0, done.stderr
    record = json.loads((only(tmp_path / "here") / "run.json").read_text())
    (part,) = [part for part in record["components"] if part["kind"] == "sampler"]
    assert part["distribution"] == "skinfw-acme" and part["plugin"] == "acme"
    assert len(part["source_sha256"]) == 64


def test_a_sampler_in_a_file_beside_the_recipe_runs(skinfw: Run, tiny: Path) -> None:
    import textwrap

    (tiny.parent / "my_sampler.py").write_text(textwrap.dedent(SAMPLER))
    done = skinfw("run", "tiny.toml", "--set", "sampler.use=./my_sampler.py:EveryOther",
                  "--set", "sampler.start=1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "draw  19 images" in done.stdout


def test_ctrl_c_leaves_a_run_that_resumes(site: Site, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\nfrom skinfw import hookimpl\n"
        "class Slow:\n    @hookimpl\n    def step_end(self):\n"
        "        print('step', flush=True)\n        time.sleep(0.3)\n"
    )
    command = [sys.executable, "-u", "-m", "skinfw", "run"]
    lines = []
    with subprocess.Popen(
        [*command, "tiny.toml", "--set", "track=[{use = './slow.py:Slow'}]"],
        cwd=tmp_path, env=site.environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if line == "step\n" and lines.count(line) == 2:
                os.kill(process.pid, signal.SIGINT)
    assert process.returncode == 130
    folder = only(tmp_path / "runs")
    assert json.loads((folder / "run.json").read_text())["status"] == "stopped"
    assert "--resume" in lines[-1]
    arguments = lines[-1].split("skinfw run ")[1].split()
    done = subprocess.run(
        [*command, *arguments], cwd=tmp_path, env=site.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "resuming in epoch 1" in done.stdout
    assert json.loads((folder / "run.json").read_text())["status"] == "done"


def test_a_killed_run_says_running_and_resumes(site: Site, tiny: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "skinfw", "run"]
    process = subprocess.Popen(
        [*command, "tiny.toml", "--set", "train.epochs=500"],
        cwd=tmp_path, env=site.environment(), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(tmp_path.glob("runs/*/last/state.pt")):
        time.sleep(0.05)
    process.kill()
    process.wait()
    folder = only(tmp_path / "runs")
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "running"
    record["recipe"]["train"]["epochs"] = 3  # 500 were only to be sure to hit it alive
    (folder / "run.json").write_text(json.dumps(record))
    done = subprocess.run(
        [*command, str(folder), "--resume"],
        cwd=tmp_path, env=site.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "run.json").read_text())["status"] == "done"


def test_exit_codes_can_be_trusted(skinfw: Run, tiny: Path, tmp_path: Path) -> None:
    assert skinfw("run", "gone.toml").returncode == 2
    assert skinfw("run", "tiny.toml", "--set", "train.epochs=0").returncode == 2
    assert skinfw("run", "tiny.toml", "--no-such-option").returncode == 2
    assert skinfw("run", "tiny.toml", "--resume").returncode == 2
    assert skinfw("run", "tiny.toml", "--set", "optimizer.use=sgd", "--set",
                  "optimizer.lr=1e30").returncode == 1  # fmt: skip
    assert not list(tmp_path.glob("runs/*/predictions.csv"))


@pytest.mark.parametrize("place", ["a file", "read-only"])
def test_a_folder_that_cannot_be_written_is_said(
    skinfw: Run, tiny: Path, tmp_path: Path, place: str
) -> None:
    target = tmp_path / "taken"
    if place == "a file":
        target.write_text("")
        out = "taken"
    else:
        if not Path("/proc/self").is_dir():
            pytest.skip("needs a folder that even root cannot write, such as /proc")
        out = "/proc/skinfw"
    done = skinfw("run", "tiny.toml", "--out", out)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr and "--out" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_defect_of_a_plugin_is_told_without_a_traceback(
    skinfw: Run, tiny: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text(
        "class Early:\n    def __init__(self):\n        1 / 0\n"
        "class Late:\n    def draw(self, labels, context):\n        1 / 0\n"
    )
    early = skinfw("run", "tiny.toml", "--set", "sampler.use=./bad.py:Early")
    assert early.returncode == 2 and "ZeroDivisionError" in early.stderr
    assert not (tmp_path / "runs").exists()
    done = skinfw("run", "tiny.toml", "--set", "sampler.use=./bad.py:Late")
    assert done.returncode == 1
    assert 'sampler "Late"' in done.stderr and "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    record = json.loads((only(tmp_path / "runs") / "run.json").read_text())
    assert record["status"] == "failed" and "ZeroDivisionError" in record["error"]


def test_a_full_disk_is_said_and_leaves_no_half_files(
    site: Site, tiny: Path, tmp_path: Path
) -> None:
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000)); "
        "from skinfw.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "tiny.toml", "--set", "backbone.width=64"],
        cwd=tmp_path, env=site.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be written" in done.stderr, done.stderr
    folder = only(tmp_path / "runs")
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    assert not list(folder.rglob("*.partial"))


def test_a_closed_pipe_and_a_bad_path_are_no_defects(skinfw: Run, site: Site) -> None:
    done = skinfw("schema", "--out", "nowhere/s.json")
    assert done.returncode == 1 and "s.json cannot be written" in done.stderr
    piped = subprocess.run(
        f"{sys.executable} -m skinfw schema | head -1",
        shell=True, env=site.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert piped.stdout == "{\n" and "defect" not in piped.stderr
