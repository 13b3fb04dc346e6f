"""Completion: what the shell is offered when TAB is hit."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import PLUGIN, SAMPLER, Run, Site

from skinfw.recipe.shipped import shipped_recipes

Complete = Callable[..., set[str]]


@pytest.fixture
def complete(skinfw: Run) -> Complete:
    """Ask as bash does; the last word is the one that is being written."""

    def ask(*words: str) -> set[str]:
        line = " ".join(("skinfw", *words))
        done = skinfw(_SKINFW_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words)))
        assert not done.stderr, done.stderr
        return set(done.stdout.split())

    return ask


def test_commands_and_their_groups_are_offered(complete: Complete) -> None:
    assert {"plain,run", "plain,check", "plain,show", "plain,data"} <= complete("")
    assert complete("data", "ca") == {"plain,cache"}
    assert complete("data", "cache", "b") == {"plain,build"}
    assert complete("run", "--qu") == {"plain,--quiet"}


def test_show_is_offered_kinds_and_components(
    complete: Complete, site: Site, tmp_path: Path
) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    assert complete("show", "kmeans") == {"plain,kmeans-hybrid"}
    assert complete("show", "ever") == {"plain,every-other"}
    assert {"plain,sampler", "plain,loss", "plain,focal"} <= complete("show", "")
    samplers = complete("show", "sampler", "")
    assert {"plain,every-other", "plain,power"} <= samplers and "plain,focal" not in samplers
    assert complete("show", "nonsense", "") == set()


@pytest.mark.parametrize("command", ["run", "check", "cross-validate", "preview"])
def test_recipes_and_run_folders_are_offered(
    complete: Complete, tmp_path: Path, command: str
) -> None:
    (tmp_path / "mine.toml").touch()
    for folder in ("recipes", "runs/mine-1", "images"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "recipes/yours.toml").touch()
    (tmp_path / "runs/mine-1/run.json").touch()
    near = {"plain,mine.toml", "plain,recipes/yours.toml", "plain,runs/mine-1"}
    shipped = {f"plain,{name}" for name in shipped_recipes()}
    assert complete(command, "") == near | shipped
    assert complete(command, "quick") == {"plain,quickstart"}
    assert complete(command, "runs/") == {"plain,runs/mine-1"}
    assert complete(command, "im") == {"file,im"}, "the shell completes files of other kinds itself"


def test_a_plugin_that_cannot_be_imported_spoils_no_line(complete: Complete, site: Site) -> None:
    code = """
        from skinfw import Command, hookimpl
        SKINFW_API = 1

        @hookimpl
        def skinfw_commands():
            yield Command("count", "acme_count:count", "Count.")
    """
    site.install("acme", code, acme_count="raise RuntimeError")
    assert "plain,count" in complete("co")
    assert complete("count", "x") == set()


def test_completion_imports_nothing_heavy(site: Site, tmp_path: Path) -> None:
    code = (
        "import atexit, sys; from skinfw.cli import main; "
        "heavy = {'torch', 'numpy', 'pandas', 'timm', 'PIL', 'sklearn'}; "
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)))); "
        "main(prog_name='skinfw')"
    )
    for line in ("skinfw run q", "skinfw show t"):
        variables = {"_SKINFW_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "2"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=site.environment(**variables), cwd=tmp_path, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        first, *_, last = done.stdout.splitlines()
        assert first.startswith("plain,") and last == "[]"
