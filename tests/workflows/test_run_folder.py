"""What a run folder records of the repository of its recipe, without running anything of it."""

import subprocess
from pathlib import Path

import pytest

from skinfw.recipe.plan import load_plan
from skinfw.workflows.run_folder import RunFolder, _git_commit
from skinfw.workflows.series import FOLDS, RunSeries, run_folder


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    answer = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    file = tmp_path / "recipe.toml"
    file.write_text("seed = 1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "recipe.toml")
    git(tmp_path, "commit", "--quiet", "--message", "a recipe")
    return file


def test_the_commit_is_marked_where_the_recipe_differs(recipe: Path, tmp_path: Path) -> None:
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert _git_commit(recipe) == commit
    recipe.write_text("seed = 2\n")
    assert _git_commit(recipe) == f"{commit}-dirty"
    assert _git_commit(tmp_path / "other.toml") == commit, "git does not know this one"


def test_nothing_of_the_repository_is_run(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_text("* filter=evil\n")
    git(tmp_path, "config", "filter.evil.clean", f"sh -c 'touch {tmp_path}/ran; cat'")
    hook = tmp_path / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    recipe.write_text("seed = 2\n")
    git(tmp_path, "diff")  # what looks at the files runs the filter
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    assert _git_commit(recipe).endswith("-dirty")
    assert not (tmp_path / "ran").exists()


def test_a_run_of_a_series_knows_what_it_is_one_of(tiny: Path, tmp_path: Path) -> None:
    series = RunSeries(FOLDS, tmp_path / "tiny-folds", tiny, (), 5)
    plan = load_plan(tiny)
    folder, _ = run_folder(series, 2, plan)
    expected = {"recipe": "tiny", "study": "tiny-folds", "word": "fold", "value": 2, "count": 5}
    again, _ = run_folder(series, 2, plan)  # from its record, as a resumed run has it
    assert folder.start()["lineage"] == again.start()["lineage"] == expected
    assert RunFolder.create(tmp_path, plan).start()["lineage"] == {"recipe": "tiny"}
