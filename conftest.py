"""Fixtures: the command line as a subprocess, a site of plugins, and a tiny recipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forking import Forker
from support import TINY, TINY_BACKBONE, Run, Site

from skinfw.recipe.plan import load_plan

# Tests run side by side; threads that wait for each other's cores would make all of them slow.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests decode and trust out of the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINFW_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("SKINFW_CONFIG", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """Start what forks processes, once for all tests."""
    forker = Forker()
    yield forker
    forker.stop()


@pytest.fixture
def skinfw(request: pytest.FixtureRequest, fresh_skinfw: Run, site: Site, tmp_path: Path) -> Run:
    """Run `python -m skinfw` in an empty folder, seeing the plugins of `site`."""
    if sys.platform != "linux":  # elsewhere, what torch begins at import does not survive a fork
        return fresh_skinfw
    forker: Forker = request.getfixturevalue("forker")

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return forker.run(arguments, tmp_path, site.environment(**variables))

    return run


@pytest.fixture
def fresh_skinfw(site: Site, tmp_path: Path) -> Run:
    """Run `python -m skinfw` likewise, in a process that has imported nothing before."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "skinfw", *arguments],
            cwd=tmp_path,
            env=site.environment(**variables),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A recipe that trains in a second."""
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(TINY)
    return recipe


@pytest.fixture
def train(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the tiny recipe in this process; returns the result and the run folder."""
    from skinfw.workflows.run import execute_run
    from skinfw.workflows.run_folder import RunFolder

    monkeypatch.chdir(tmp_path)

    def run(*sets: str, listeners: tuple[object, ...] = (), said: list[str] | None = None) -> Any:
        plan = load_plan(tiny, sets)
        folder = RunFolder.create(tmp_path / "runs", plan)
        lines = [] if said is None else said
        result = execute_run(plan, folder, lines.append, listeners)
        return result, folder

    return run
