"""The plugin in examples/: it keeps to the public names, and does what its page says.

It stands on a path with the metadata that pip would write, which takes seconds; test_third_party.py
installs its wheel.
"""

import csv
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support import ROOT, Run, Site

EXAMPLE = ROOT / "examples" / "skinfw-acme"
SOURCES = sorted(EXAMPLE.rglob("*.py"))
DOORS = {"skinfw", "skinfw.metrics", "skinfw.testing", "skinfw.toolkit"}
SMALL = (
    "dataset.images=80", "dataset.size=64", "image.size=32", "backbone.use=./tiny.py:tiny",
    "train.epochs=1", "evaluate.replicates=20", "explainer.0.images=2", "report=[]",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _installed(site: Site) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    ((name, module),) = project["entry-points"]["skinfw"].items()
    site.install(name, f"from {module} import *", project["name"], project["version"])
    package = module.split(".")[0]
    (site.folder / package).symlink_to(EXAMPLE / "src" / package)


def test_it_enters_by_the_public_doors() -> None:
    for file in SOURCES:
        used = re.findall(r"^\s*(?:from|import) (skinfw[\w.]*)", file.read_text(), re.MULTILINE)
        assert {name for name in used if not name.startswith("skinfw_acme.")} <= DOORS, file


def test_it_keeps_every_promise(skinfw: Run) -> None:
    done = skinfw("check-plugin", "acme", "--json")
    said = json.loads(done.stdout)
    assert said["grade"] == "full", done.stdout
    tried = {f"{one['kind']} {one['component']}" for one in said["checks"]}
    assert tried == {
        "plugin acme",
        "sampler repeat-factor",
        "loss seesaw",
        "explainer smooth-gradient",
        "command acme summarise",
    }
    expected = [one["check"] for one in said["checks"] if one["status"] != "passed"]
    assert expected == ["right gradient"]


@pytest.mark.slow
def test_its_own_tests_pass(site: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "--ignore", "tests/test_conformance.py"],
        cwd=EXAMPLE, env=site.environment(), capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_recipe_runs_and_a_line_sums_it_up(skinfw: Run, tiny: Path, tmp_path: Path) -> None:
    recipe = str(EXAMPLE / "recipe.toml")
    checked = skinfw("check", recipe)
    assert checked.returncode == 0, checked.stderr
    ran = skinfw("run", recipe, *(word for text in SMALL for word in ("--set", text)))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert re.search(r"draw  \d+ images per epoch, [1-9]\d* of them copies", ran.stdout)

    summed = skinfw("acme", "summarise", str(run))
    assert summed.returncode == 0, summed.stderr
    (row,) = csv.DictReader(summed.stdout.splitlines())
    numbers = json.loads((run / "metrics.json").read_text())["test"]
    assert row["run"] == run.name and row["marks"] == "synthetic images, not patients"
    assert float(row["balanced_accuracy"]) == pytest.approx(numbers["balanced_accuracy"], abs=1e-4)
    assert float(row["accuracy low"]) < float(row["accuracy high"])
