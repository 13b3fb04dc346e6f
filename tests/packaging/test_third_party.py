"""A third party's wheel: built, installed with pip, named in a recipe, uninstalled again."""

import json
import re
from pathlib import Path

import pytest
from environments import Environment, build
from support import ROOT, TINY, TINY_BACKBONE

EXAMPLE = ROOT / "examples" / "skinfw-acme"
RECIPE = str(EXAMPLE / "recipe.toml")
SMALL = ("dataset.images=80", "image.size=64", "backbone.use=./tiny.py:tiny", "train.epochs=1")


def sets(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--set", text)]


@pytest.mark.slow
def test_the_wheel_of_skinfw_acme_is_listed_checked_used_and_removed(
    environment: Environment, tmp_path: Path
) -> None:
    wheels = [str(build(folder, tmp_path / "wheels")) for folder in (ROOT, EXAMPLE)]
    environment.pip("install", "--no-deps", "--no-index", *wheels)

    work = tmp_path / "work"
    work.mkdir()
    (work / "tiny.py").write_text(TINY_BACKBONE)
    listed = json.loads(environment.run("-m", "skinfw", "list-plugins", "--json", cwd=work))
    (acme,) = [plugin for plugin in listed if plugin["name"] == "acme"]
    assert acme["status"] == "working" and acme["distribution"] == "skinfw-acme"
    assert {plugin["status"] for plugin in listed} == {"working"}
    assert "registry" not in environment.run("-m", "skinfw", "list-plugins", "--available")
    assert "acme: grade full" in environment.run("-m", "skinfw", "check-plugin", "acme", cwd=work)
    checked = environment.run("-m", "skinfw", "check", RECIPE, "--try", cwd=work)
    assert checked.count("(plugin acme 0.1.0)") == 3 and "# tried on noise" in checked
    ran = environment.run("-m", "skinfw", "run", RECIPE, *sets(*SMALL), cwd=work)
    assert re.search(r"[1-9]\d* of them copies", ran) and "best epoch" in ran
    (run,) = (work / "runs").iterdir()
    header, line = environment.run("-m", "skinfw", "acme", "summarise", str(run)).splitlines()
    assert header.startswith("run,recipe") and line.startswith(f"{run.name},recipe")

    environment.pip("uninstall", "--yes", "skinfw-acme")
    refused = environment.run("-m", "skinfw", "check", RECIPE, check=False, cwd=work)
    assert "pip install 'skinfw-acme>=0.1'" in refused
    assert 'no sampler is called "repeat-factor"' in refused
    without = sets("sampler.use=shuffle", "loss.use=focal", "explainer=[]", "requires=[]")
    done = environment.run("-m", "skinfw", "run", RECIPE, *sets(*SMALL), *without, cwd=work)
    assert "best epoch" in done


@pytest.mark.slow
def test_the_package_of_the_documents_works_as_it_is_written(
    environment: Environment, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "writing-a-component.md").read_text()
    blocks = re.findall(r"^```(?:python|toml)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    project = tmp_path / "acme"
    package = project / "acme_skin"
    package.mkdir(parents=True)
    homes = {
        "[project]": project / "pyproject.toml",
        "def skinfw_components": package / "plugin.py",
        "def skinfw_commands": package / "plugin.py",
        "class Solarize": package / "ops.py",
        "def count": package / "count.py",
    }
    for text in blocks:
        for sign, file in homes.items():
            if sign in text:  # components and commands are in one file
                with file.open("a") as handle:
                    handle.write(text)
    wheels = [str(build(folder, tmp_path / "wheels")) for folder in (ROOT, project)]
    environment.pip("install", "--no-deps", "--no-index", *wheels)
    shown = environment.run("-m", "skinfw", "show", "augment", "solarize")
    assert "Invert the values above a random threshold." in shown and "how often." in shown

    (environment.folder / "tiny.py").write_text(TINY_BACKBONE)
    (environment.folder / "mine.toml").write_text(TINY)
    assert "Count the images of a recipe. (acme)" in environment.run("-m", "skinfw", "--help")
    counts = environment.run("-m", "skinfw", "count", "mine.toml").splitlines()
    assert sum(int(line.split(": ")[1]) for line in counts) == 80
    (installed,) = environment.folder.glob("lib/*/site-packages/acme_skin/count.py")
    installed.write_text("raise RuntimeError('no licence')\n")
    refused = environment.run("-m", "skinfw", "count", "mine.toml", check=False)
    assert "acme" in refused and "no licence" in refused and "Traceback" not in refused
    assert "solarize" in environment.run("-m", "skinfw", "show", "augment", "solarize")
