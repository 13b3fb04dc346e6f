"""`--launcher`: a series whose runs somebody else carries out."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import TINY, TINY_BACKBONE, Run

from skinfw.cli import main

SETS = (
    "--set", "train.epochs=1", "--set", "explainer=[]", "--set", "dataset.images=64",
    "--set", 'metric=[{use="classification"}]', "--set", "report=[]", "-q",
)  # fmt: skip
LAUNCHER = '''
import os
import sys

from skinfw import TaskEnd
from skinfw.cli import main
from skinfw.guards import writes


class Forks:
    """Carry out tasks in forks of this process, one after the other."""

    def launch(self, tasks, say):
        """Carry them out."""
        print("launch", file=sys.stderr)
        for task in tasks:
            print(task.name, task.device, file=sys.stderr)
            child = os.fork()
            if not child:
                writes.end()  # here, it is not the launcher that writes
                log = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                try:
                    main(task.words)
                except SystemExit as end:
                    os._exit(end.code or 0)
            yield TaskEnd(task, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
'''
FAILING = """
from pathlib import Path

from skinfw import Draw


class Sometimes:
    '''Fail while there is a file.'''

    def draw(self, labels, context):
        '''Draw all.'''
        if Path("fail").exists() and len(list(Path("runs").glob("*/seed-1/run.lock"))):
            raise ArithmeticError("not today")
        return Draw(context.rng.permutation(len(labels)))
"""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "mine.py").write_text(LAUNCHER)
    (tmp_path / "sometimes.py").write_text(FAILING)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


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


def test_the_others_go_on_where_a_run_fails(there: Path, skinfw: Run) -> None:
    (there / "fail").touch()
    own = ("--launcher", "./mine.py:Forks", "--set", "sampler.use=./sometimes.py:Sometimes")
    done = skinfw("run", "tiny.toml", "--seeds", "2", *SETS, *own)
    assert done.returncode == 1
    assert "1 of 2 seeds are not done" in done.stderr and "not today" in done.stderr
    (folder,) = (there / "runs").iterdir()
    records = [json.loads((folder / f"seed-{n}/run.json").read_text()) for n in (1, 2)]
    assert [one["status"] for one in records] == ["failed", "done"]
    (there / "fail").unlink()
    again = skinfw("run", str(folder), "--resume", "--trust", "--launcher", "./mine.py:Forks")
    assert again.returncode == 0, again.stderr
    assert "seed-1 auto" in again.stderr and "seed-2 auto" not in again.stderr
    assert "seed 1 of 2 done after" in again.stdout


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
