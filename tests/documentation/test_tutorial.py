"""The tutorial, from its first command to its last."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from documents import DOCS, Block, blocks, calls
from environments import Environment, build
from support import ROOT, TINY_BACKBONE, Run, Site

PAGE = blocks(DOCS / "tutorial.md")
PYTHON = [block.text for block in PAGE if block.language == "python"]
TOML = [block.text for block in PAGE if block.language == "toml"]
MESSAGE, GRADE, OTHER_GRADE = (block.text for block in PAGE if not block.language)
# A run of seconds: few small images, one batch, a tiny network.
SMALL = (
    'extends = "recipe.toml"\n[dataset]\nimages = 80\nsize = 64\n'
    '[backbone]\nuse = "./tiny.py:tiny"\n'
    "[image]\nsize = 32\n[train]\nepochs = 1\nlimit_batches = 1\n[evaluate]\nreplicates = 20\n"
    '[[report]]\nuse = "history"\n'
)


def write(project: Path, text: str) -> Path:
    """Write a file of the page where its first line says."""
    file = project / text.splitlines()[0].removeprefix("# ")
    assert file.is_file()
    file.write_text(text)
    return file


def install(project: Path, site: Site) -> None:
    """Do what pip would, without it."""
    own = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    ((name, module),) = own["entry-points"]["skinfw"].items()
    site.install(name, None, own["name"])
    info = next(site.folder.glob("*.dist-info"))
    origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin))
    points = info / "entry_points.txt"
    points.write_text(f"[skinfw]\n{name} = {module}\n")
    (source,) = (project / "src").iterdir()
    (site.folder / source.name).symlink_to(source)


@pytest.mark.slow
def test_what_the_page_shows_is_what_comes(skinfw: Run, site: Site, tmp_path: Path) -> None:
    assert skinfw("new-plugin", "sampler", "by-patient").returncode == 0
    project = tmp_path / "skinfw-by-patient"
    install(project, site)
    assert "by-patient" in skinfw("list-plugins").stdout
    sampler, test = (write(project, text) for text in PYTHON)
    (project / "tiny.py").write_text(TINY_BACKBONE)
    (project / "small.toml").write_text(SMALL)
    tried = skinfw("check", "--try", "skinfw-by-patient/small.toml")
    assert "# tried on noise" in tried.stdout, tried.stderr

    sampler.write_text(PYTHON[0].replace("append(index)", "append(patient)"))
    wrong = skinfw("check", "--try", "skinfw-by-patient/small.toml")
    assert wrong.stderr.replace("skinfw-by-patient/recipe.toml", "recipe.toml") == MESSAGE
    sampler.write_text(PYTHON[0].replace("context.rng.perm", "np.random.default_rng(0).perm"))
    assert skinfw("check-plugin", "by-patient").stdout == OTHER_GRADE
    sampler.write_text(PYTHON[0])
    assert skinfw("check-plugin", "by-patient").stdout == GRADE

    ran = skinfw("run", "skinfw-by-patient/small.toml", "--set", "sampler.most=2")
    assert "best epoch" in ran.stdout, ran.stderr
    for fragment in TOML:
        file = project / "mine.toml"
        file.write_text('extends = "recipe.toml"\n' + fragment)
        assert skinfw("check", str(file)).returncode == 0
    behaves = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        env=site.environment(), cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 passed" in behaves.stdout, behaves.stdout


def shell(block: Block, environment: Environment, folder: Path) -> str:
    """Run a block as it is copied, and return what it printed.

    folder: where it begins, moved by `cd`.
    """
    bin_folder = environment.python.parent
    variables = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's own way to say that there is none
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "COLUMNS": "200",
    }
    done = subprocess.run(
        ["bash", "-e"], input=block.text, cwd=folder, env=variables,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, block.text + done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_command_works_as_it_is_copied(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    wheel = build(ROOT, tmp_path / "wheels")
    environment.pip("install", "--no-deps", "--no-index", str(wheel))
    code = "from skinfw.files.pages import page; print(page('kinds.md'))"
    assert Path(environment.run("-c", code).strip()).parts[-3:] == ("skinfw", "docs", "kinds.md")
    folder, printed = tmp_path, []
    for block in PAGE:
        if block.language == "python":
            write(folder, block.text)
        if block.language == "sh":
            printed.append(shell(block, environment, folder))
            if "cd skinfw-by-patient" in block.text:
                folder = tmp_path / "skinfw-by-patient"
    assert GRADE in printed
    assert len(list((folder / "runs").iterdir())) == 2
    (shown,) = (folder / "dist").iterdir()
    listed = [words for block in PAGE if block.language == "sh" for words in calls(block.text)]
    assert f"pip install dist/{shown.name}" in "".join(block.text for block in PAGE)
    assert len(listed) == 6
