"""Two runs that all tests of evaluations read."""

from pathlib import Path

import pytest
from support import TINY, TINY_BACKBONE

from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny recipe and two runs of it, of other seeds on the same lesions."""
    place = tmp_path_factory.mktemp("runs")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "tiny.toml").write_text(TINY)
    for seed in (1, 2):
        reports = 'report=[{use="out-of-distribution", features=true}, {use="page"}]'
        sets = (f"seed={seed}", "split.seed=3", "train.epochs=1", "explainer=[]", reports)
        plan = load_plan(place / "tiny.toml", sets)
        run = RunFolder.create(place / f"seed{seed}", plan)
        assert execute_run(plan, run, lambda _: None)
        run.path.rename(place / f"run{seed}")
    return place
