"""`--launcher`: a series whose runs somebody else carries out."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import FORKS, TINY, TINY_BACKBONE, Run

from skinfw import SkinfwError
from skinfw.cli import main
from skinfw.cli.launcher import launch_series
from skinfw.recipe.launcher_table import plan_launcher
from skinfw.recipe.plan import load_plan
from skinfw.workflows.series import SEEDS, create_series

SETS = (
    "--set", "train.epochs=1", "--set", "explainer=[]", "--set", "dataset.images=64",
    "--set", 'metric=[{use="classification"}]', "--set", "report=[]", "-q",
)  # fmt: skip
FAKES = """
from pathlib import Path

from skinfw import TaskEnd
from skinfw.workflows.run_folder import RunFolder


class Fakes:
    '''Call the runs of tasks done, but for the first one where there is a file.'''

    def launch(self, tasks, say):
        '''Write what their runs would.'''
        say("launch")
        for task in tasks:
            say(" ".join((task.name, task.device, *task.words[2:])))
            folder = RunFolder.open(Path(task.words[1]))
            if task.name == "seed-1" and Path("fail").exists():
                folder.finish("failed", ArithmeticError("not today"))
                yield TaskEnd(task, 1, "a place")
                continue
            train = folder.record["recipe"]["train"]
            train["batch_size"] = 4 if train["batch_size"] == "auto" else train["batch_size"]
            folder.finish("done")
            yield TaskEnd(task, 0)
"""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "mine.py").write_text(FORKS)
    (tmp_path / "fakes.py").write_text(FAKES)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


@pytest.mark.slow
def test_a_launched_series_is_the_one_of_this_process(there: Path, skinfw: Run) -> None:
    auto = ("--set", "train.batch_size=auto")
    for out, own in (("here", ()), ("there", ("--launcher", "./mine.py:Forks"))):
        done = skinfw("run", "tiny.toml", "--seeds", "2", *SETS, *auto, "--out", out, *own)
        assert done.returncode == 0, done.stdout + done.stderr
    asked = [line for line in done.stderr.splitlines() if "seed-" in line or line == "launch"]
    # The second seed waits for the batch size that "auto" comes to in the first.
    assert asked == ["launch", "seed-1 auto", "launch", "seed-2 auto"]
    (here,), (launched,) = (there / "here").iterdir(), (there / "there").iterdir()
    for name in ("seed-1/predictions.csv", "seed-2/metrics.json", "seeds.csv"):
        assert (here / name).read_bytes() == (launched / name).read_bytes()
    assert "seed-2" in (launched / "logs" / "seed-2.log").read_text()
    first, second = (
        json.loads((one / "seed-2/run.json").read_text())["recipe"] for one in (here, launched)
    )
    assert first == second, "where it was computed stands in no recipe"


def test_the_others_go_on_where_a_run_fails(
    there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(there)
    (there / "fail").touch()
    series = create_series(SEEDS, there, load_plan(there / "tiny.toml"), Path("tiny.toml"), (), 3)
    launcher = plan_launcher("./fakes.py:Fakes")
    with pytest.raises(SkinfwError, match="1 of 3 seeds are not done") as caught:
        launch_series(series, None, launcher)
    assert caught.value.where.endswith("logs/seed-1.log") and "not today" in caught.value.why
    # tiny.py is a file of the recipe, which this process has trusted.
    asked = [f"seed-{seed} auto --resume --trust" for seed in (1, 2, 3)]
    told = [line for line in capsys.readouterr().out.splitlines() if line in ("launch", *asked)]
    assert told == ["launch", *asked]
    (there / "fail").unlink()
    plan = launch_series(series, None, launcher)
    told = capsys.readouterr().out.splitlines()
    assert told[2] == asked[0] and asked[1] not in told
    assert told[3].startswith("seed 1 of 3 done after") and plan.seed == 3


def test_the_others_wait_for_the_batch_size_of_the_first(
    there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(there)
    sets, plan = ("train.batch_size=auto",), load_plan(there / "tiny.toml")
    series = create_series(SEEDS, there, plan, Path("tiny.toml"), sets, 2)
    plan = launch_series(series, None, plan_launcher("./fakes.py:Fakes"))
    assert plan.train.batch_size == 4
    told = [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines()]
    assert [word for word in told if word in ("launch", "seed-1", "seed-2")] == [
        "launch", "seed-1", "launch", "seed-2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--seeds", "2", "--launcher", "locl"), 'did you mean "local"'),
        (("--seeds", "2", "--launcher", "local", "--launcher-set", "workers=0"),
         "--launcher-set workers=0"),
        (("--seeds", "2", "--launcher", "local", "--launcher-set", "workers"), "needs key=value"),
        (("--seeds", "2", "--launcher-set", "workers=3"), "none is named"),
        (("--launcher", "local"), "add --seeds N"),
        (("--seeds", "2", "--launcher", "tiny.toml"), "tiny.toml:2"),
        (("--seeds", "2", "--launcher", "host.toml"), "host.toml:4"),
        (("--set", "launcher.use=local",), 'unknown table or key "launcher"'),
    ],
)  # fmt: skip
def test_what_cannot_be_launched_is_refused(
    words: tuple[str, ...], says: str, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(there)
    (there / "host.toml").write_text('[launcher]\nuse = "local"\nworkers = 2\nthreads = "two"\n')
    done = CliRunner().invoke(main, ["run", "tiny.toml", *words])
    assert done.exit_code == 2 and says in done.stderr, done.output
    assert len(done.stderr.splitlines()) <= 4 and not (there / "runs").exists()
