from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinfw.build import plan
from skinfw.catalog import Catalog
from skinfw.recipe import load
from skinfw.record import RunFolder
from skinfw.run import execute


@pytest.fixture
def train(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the tiny recipe in this process; returns the result and the run folder."""

    monkeypatch.chdir(tmp_path)

    def run(*sets: str, listeners: tuple[object, ...] = (), said: list[str] | None = None) -> Any:
        planned = plan(load(tiny, sets), Catalog())
        folder = RunFolder.create(tmp_path / "runs", planned)
        lines = [] if said is None else said
        result = execute(planned, folder, lines.append, listeners)
        return result, folder

    return run
