"""A third party's wheel: built, installed with pip, named in a recipe, uninstalled again."""

import json
import re
import textwrap
from pathlib import Path

import pytest
from environments import Environment, build
from support import PLUGIN, ROOT, SAMPLER, TINY, TINY_BACKBONE

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "skinfw-acme"
version = "2.0.0"
dependencies = ["skinfw"]

[project.entry-points.skinfw]
acme = "acme_plugin"

[tool.hatch.build.targets.wheel]
include = ["acme_plugin.py", "acme_sampler.py"]
"""


@pytest.mark.slow
def test_a_wheel_from_elsewhere_is_listed_checked_used_and_removed(
    environment: Environment, tmp_path: Path
) -> None:
    project = tmp_path / "acme"
    project.mkdir()
    (project / "pyproject.toml").write_text(PYPROJECT)
    (project / "acme_plugin.py").write_text(textwrap.dedent(PLUGIN))
    (project / "acme_sampler.py").write_text(textwrap.dedent(SAMPLER))
    wheels = [str(build(folder, tmp_path / "wheels")) for folder in (ROOT, project)]
    environment.pip("install", "--no-deps", "--no-index", *wheels)

    work = tmp_path / "work"
    work.mkdir()
    (work / "tiny.py").write_text(TINY_BACKBONE)
    (work / "mine.toml").write_text(
        'requires = ["skinfw-acme>=2"]\n' + TINY + '\n[sampler]\nuse = "every-other"\n'
    )
    listed = json.loads(environment.run("-m", "skinfw", "list-plugins", "--json", cwd=work))
    (acme,) = [plugin for plugin in listed if plugin["name"] == "acme"]
    assert acme["status"] == "working" and acme["distribution"] == "skinfw-acme"
    assert {plugin["status"] for plugin in listed} == {"working"}
    assert "registry" not in environment.run("-m", "skinfw", "list-plugins", "--available")
    checked = environment.run("-m", "skinfw", "check", "mine.toml", cwd=work)
    assert "plugin acme 2.0.0" in checked
    ran = environment.run("-m", "skinfw", "run", "mine.toml", cwd=work)
    assert "draw  20 images per epoch" in ran

    environment.pip("uninstall", "--yes", "skinfw-acme")
    refused = environment.run("-m", "skinfw", "check", "mine.toml", check=False, cwd=work)
    assert "pip install 'skinfw-acme>=2'" in refused
    assert 'no sampler is called "every-other"' in refused
    done = environment.run(
        "-m", "skinfw", "run", "mine.toml", "--set", "sampler.use=shuffle", "--set", "requires=[]",
        cwd=work,
    )  # fmt: skip
    assert "best epoch" in done


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
