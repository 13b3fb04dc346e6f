"""`skinfw run` as a user and as a script see it."""

import json
import os
import re
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
                  "evaluating the best epoch"):  # fmt: skip
        assert words in done.stdout, done.stdout
    # How long it says depends on the machine; test_progress.py holds the clock and the number.
    assert re.search(r"epoch 1/2  .*  training \d+ s left$", done.stdout, re.MULTILINE)
    assert json.loads((only(tmp_path / "runs") / "run.json").read_text())["status"] == "done"


NUMBER = r"\d\.\d{3}  \(\d\.\d{3} to \d\.\d{3}\)"


def test_a_run_ends_with_what_it_was_three_numbers_and_where_to_read_on(
    skinfw: Run, tiny: Path, tmp_path: Path
) -> None:
    done = skinfw("run", "tiny.toml", "--set", "train.limit_eval_batches=9")
    head, test, *rest = done.stdout[done.stdout.index("synthetic · ") :].splitlines()
    assert re.fullmatch(r"synthetic · tiny\.py:tiny · best epoch [12] · \d+ s", head)
    assert test == "test  21 images of 15 lesions, 95 % intervals in brackets"
    for name, line in zip(("balanced accuracy", "accuracy", "macro auc"), rest[:3], strict=True):
        assert re.fullmatch(rf"test  {name} +{NUMBER}", line)
    few, *marks, place = rest[3:]
    assert few.startswith("note: few test lesions, for which intervals are wide: MEL 2")
    assert "note: a quick look: 9 evaluation batches" in marks
    assert all(mark.startswith("note: ") for mark in marks)
    assert place == f"  {only(tmp_path / 'runs').relative_to(tmp_path)}", "no report wrote a page"


def test_quiet_prints_the_last_lines_alone_and_the_page_among_them(
    skinfw: Run, tiny: Path, tmp_path: Path
) -> None:
    page = 'report=[{use="history"}, {use="page"}]'
    done = skinfw("run", "tiny.toml", "-q", "--set", page, "--set", "train.select=macro_auc")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("synthetic · ") and len(lines) < 10, done.stdout
    told = [re.split(r"  +", line)[1] for line in lines if line.startswith("test  ")][1:]
    assert told == ["macro auc", "balanced accuracy", "accuracy"], "what selected it comes first"
    folder = only(tmp_path / "runs").relative_to(tmp_path)
    assert lines[-1] == f"  {folder}/report.html"
    wrong = skinfw("run", "gone.toml", "--quiet")
    assert wrong.returncode == 2 and "there is no recipe gone.toml" in wrong.stderr


def test_verbose_prints_every_number_and_every_file(
    skinfw: Run, tiny: Path, tmp_path: Path
) -> None:
    done = skinfw("run", "tiny.toml", "--verbose", "--set", "evaluate.replicates=0")
    folder = only(tmp_path / "runs")
    numbers = json.loads((folder / "metrics.json").read_text())["test"]
    for name in [name for name in numbers if "/" not in name]:
        assert re.search(rf"^test  {name.replace('_', ' ')} ", done.stdout, re.MULTILINE), name
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        assert f"  {file.relative_to(tmp_path)}\n" in done.stdout
    assert re.search(r"^best epoch [12]: balanced accuracy 0\.\d{3}$", done.stdout, re.MULTILINE)
    assert "run folder runs/tiny-" in done.stdout and "in brackets" not in done.stdout


@pytest.mark.parametrize("command", ["run", "cross-validate"])
def test_without_its_data_nothing_starts_and_the_cure_fetches_them(
    skinfw: Run, tmp_path: Path, command: str
) -> None:
    words = (command, "isic2019_densenet", "--set", "split.use=kfold")
    done = skinfw(*words)
    assert done.returncode == 1
    assert "there is no folder data/ISIC_2019" in done.stderr
    assert "skinfw data fetch isic2019 --root data/ISIC_2019 fills it" in done.stderr
    (tmp_path / "data/ISIC_2019").mkdir(parents=True)
    half = skinfw(*words)
    assert half.returncode == 1 and "GroundTruth.csv is missing" in half.stderr
    assert "skinfw data fetch" in half.stderr
    assert not (tmp_path / "runs").exists()


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_closed_pipe_and_a_bad_path_are_no_defects(skinfw: Run, site: Site) -> None:
    done = skinfw("schema", "--out", "nowhere/s.json")
    assert done.returncode == 1 and "s.json cannot be written" in done.stderr
    piped = subprocess.run(
        f"{sys.executable} -m skinfw schema | head -1",
        shell=True, env=site.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert piped.stdout == "{\n" and "defect" not in piped.stderr
