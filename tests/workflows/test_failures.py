"""Whoever only watches a run costs it nothing when he fails, and it is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Run

import skinfw

WATCHERS = """
import skinfw


class Report:
    def write(self, result, folder):
        result.features.__self__.model[0].weight.data.zero_()
        raise ValueError("odd")


class After:
    def write(self, result, folder):
        features = result.features("test").logits
        told = [own.title for own in result.findings]
        (folder / "after.txt").write_text(f"{float(abs(features).sum()) > 0} {told}")


class Track:
    @skinfw.hookimpl
    def epoch_end(self, record):
        raise ValueError("odd")


class Explainer:
    def __call__(self, model, images, classes):
        raise ValueError("odd")
"""


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(WATCHERS)


@pytest.mark.parametrize(
    ("kind", "name"), [("report", "Report"), ("track", "Track"), ("explainer", "Explainer")]
)
def test_a_watcher_that_fails_costs_no_run(train: Callable[..., Any], kind: str, name: str) -> None:
    after = '{use="./mine.py:After"}'
    tables = {"report": [after], kind: [f'{{use="./mine.py:{name}"}}']}
    if kind == "report":
        tables["report"] = [after, *tables["report"], after]
    sets = [f"{own}=[{', '.join(values)}]" for own, values in tables.items()]
    result, folder = train(*sets, "train.epochs=1")
    record = json.loads((folder.path / "run.json").read_text())
    assert record["status"] == "done" and record["error"] is None
    (failure,) = record["failures"]
    assert name in failure["component"] and "ValueError: odd" in failure["error"]
    assert "mine.py:" in failure["error"]
    assert [str(own.error) for own in result.failures] == [failure["error"]]
    # Whoever comes before or after tells of it, and looks at the network as it was.
    assert (folder.path / "after.txt").read_text() == "True ['What failed']"
    assert result.metrics["test"]


def test_the_exit_code_and_the_page_say_that_a_report_failed(
    skinfw: Run, tiny: Path, tmp_path: Path
) -> None:
    (tiny).write_text(tiny.read_text() + '[[report]]\nuse = "page"\n[[report]]\n'
                      'use = "./mine.py:Report"\n')  # fmt: skip
    done = skinfw("run", "tiny.toml", "--set", "train.epochs=1")
    assert done.returncode == 3, done.stderr
    assert 'report "Report"' in done.stderr and "mine.py:" in done.stderr
    page = next((tmp_path / "runs").glob("*/report.html")).read_text()
    assert "What failed" in page and "ValueError: odd" in page


def test_python_is_told_by_the_run(tiny: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = skinfw.run(
        tiny, out=tmp_path / "runs", say=said.append, track=[{"use": f"{tmp_path}/mine.py:Track"}],
        train={"epochs": 1},
    )  # fmt: skip
    assert [own.component.partition(" ")[0] for own in run.failures] == ["track"]
    assert any("ValueError: odd" in line for line in said)


SAMPLER = """
import signal


class Mine:
    def draw(self, labels, context):
        {}
"""


def test_ctrl_c_is_nobodys_error_and_a_raised_one_is(
    train: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "pressed.py").write_text(SAMPLER.format("signal.raise_signal(signal.SIGINT)"))
    (tmp_path / "raised.py").write_text(SAMPLER.format("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        train('sampler={use="./pressed.py:Mine"}')
    with pytest.raises(skinfw.SkinfwError, match=r'sampler "Mine" .* failed: KeyboardInterrupt'):
        train('sampler={use="./raised.py:Mine"}')
