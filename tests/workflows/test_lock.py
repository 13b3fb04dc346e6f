"""recipe.lock: what a run was made of, and what of it may differ when it is repeated."""

import copy
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from support import TINY, TINY_BACKBONE, Run

from skinfw.errors import RecipeError, SkinfwError
from skinfw.recipe.plan import load_plan
from skinfw.registry.distributions import extra_packages, needed_packages
from skinfw.workflows.lock import read_lock
from skinfw.workflows.lock_differences import Differences, data_differences, lock_differences
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder, record_digest


def run_once(place: Path, name: str, lock: Path | None = None, *sets: str) -> Path:
    folder = RunFolder.create(place, load_plan(place / "tiny.toml", sets), name)
    execute_run(load_plan(place / "tiny.toml", sets), folder, lambda _: None, lock=lock)
    return folder.path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lock")
    (folder / "tiny.toml").write_text(TINY.partition("[[explainer]]")[0])
    (folder / "tiny.py").write_text(TINY_BACKBONE)
    run_once(folder, "first", None, "train.epochs=1")
    return folder


@pytest.fixture
def lock(place: Path) -> dict[str, Any]:
    return read_lock(place / "first")


def test_every_run_leaves_a_lock_and_the_checksums_of_its_files(
    place: Path, lock: dict[str, Any]
) -> None:
    record = json.loads((place / "first/run.json").read_text())
    for key in ("recipe", "components", "versions", "split_hash", "draw_hash", "hardware"):
        assert lock[key] == record[key]
    assert record["machine"] == lock["machine"] and {"cuda", "cudnn"} <= record["machine"].keys()
    assert record["packages"]["torch"] == version("torch")
    assert record["packages"].keys() == lock["packages"].keys()
    files = {file.name for file in (place / "first").iterdir() if file.is_file()} - {"run.json"}
    assert set(record["checksums"]) == files and "recipe.lock" in files
    for name, digest in record["checksums"].items():
        content = (place / "first" / name).read_bytes()
        assert digest == hashlib.sha256(content).hexdigest()
    assert record["checksum"] == record_digest(record)
    assert {"torch", "numpy", "scikit-learn", "pluggy"} <= set(lock["packages"])
    assert lock["plugins"]["metrics"]["kinds"] == ["metric"]


def test_a_locked_run_repeats_and_refuses_what_can_change_a_number(place: Path) -> None:
    first = place / "first/recipe.lock"
    again = run_once(place, "again", first, "train.epochs=1", "engine.save_minutes=3")
    for name in ("predictions.csv", "metrics.json"):
        assert (again / name).read_bytes() == (place / "first" / name).read_bytes()
    with pytest.raises(SkinfwError, match="can change its numbers") as raised:
        run_once(place, "other", first, "train.epochs=2")
    assert "recipe: train.epochs = 1 then, 2 now" in raised.value.why
    assert (place / "other/recipe.lock").is_file()  # written before it trained
    assert not (place / "other/best.safetensors").exists()


@pytest.mark.parametrize(
    ("keys", "value", "line"),
    [
        (("packages", "numpy", "version"), "1.0", "package numpy"),
        (("packages", "scipy", "sha256"), "0", "package scipy: other files of the same version"),
        (("plugins", "losses", "sha256"), "0", "plugin losses"),
        (("skinfw",), "0", "skinfw: its sources"),
        (("machine", "instructions"), "NEON", "machine: instructions"),
        (("hardware", "threads"), 99, "hardware: threads"),
        (("versions", "python"), "3.2.1", "Python: 3.2.1 then"),
        (("initial_weights",), "0", "initial weights"),
        (("draw_hash",), "0", "draw hash"),
        (("recipe", "augment", 0, "scale"), [0.1, 1.0], "recipe: augment.0.scale"),
        (("recipe", "engine", "eval_batch_size"), 7, "recipe: engine.eval_batch_size"),
    ],
)
def test_what_can_change_a_number(
    lock: dict[str, Any], keys: tuple[Any, ...], value: Any, line: str
) -> None:
    found = lock_differences(_edit(lock, keys, value), lock)
    assert [own for own in found.numbers if own.startswith(line)]
    assert not found.others


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("packages", "rich", "version"), "1.0"),
        (("plugins", "reports", "sha256"), "0"),
        (("machine", "processor"), "another"),
        (("hardware", "workers"), 99),
        (("git_commit",), "0" * 40),
        (("recipe", "engine", "workers"), 3),
        (("recipe", "report", 0, "use"), "page"),
    ],
)
def test_what_changes_no_number_is_told(
    lock: dict[str, Any], keys: tuple[Any, ...], value: Any
) -> None:
    found = lock_differences(_edit(lock, keys, value), lock)
    assert len(found.others) == 1 and not found.numbers


def test_nothing_differs_from_itself(lock: dict[str, Any]) -> None:
    assert lock_differences(lock, copy.deepcopy(lock)) == Differences()


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        (("packages",), None, 'lacks the key "packages"'),
        (("versions",), {}, 'lacks the key "versions.python"'),
        (("packages", "numpy"), {"version": "1.0"}, 'lacks the key "packages.numpy.sha256"'),
        (("plugins", "losses", "kinds"), "loss", '"plugins.losses.kinds"'),
        (("machine", "system"), 3, '"machine.system"'),
        (("data", "files"), [], '"data.files"'),
        (("recipe",), [], '"recipe"'),
    ],
)
def test_a_lock_that_cannot_be_compared_is_refused(
    lock: dict[str, Any], tmp_path: Path, keys: tuple[Any, ...], value: Any, told: str
) -> None:
    other = _edit(lock, keys, value)
    if value is None:
        del other[keys[0]]
    (tmp_path / "recipe.lock").write_text(json.dumps(other))
    with pytest.raises(RecipeError) as raised:
        read_lock(tmp_path)
    assert told in raised.value.what and "recipe.lock" in raised.value.where


def test_each_file_of_the_data_that_differs_is_named() -> None:
    old = {"files": {"a.jpg": "1", "b.jpg": "2", "gone.csv": "3"}, "table": "x"}
    new = {"files": {"a.jpg": "1", "b.jpg": "9", "new.jpg": "4"}, "table": "x"}
    assert data_differences(old, new) == [
        "b.jpg: other bytes", "gone.csv: not there", "new.jpg: not there then"
    ]  # fmt: skip


def test_packages_are_followed_and_extras_only_where_they_are_used() -> None:
    plain = needed_packages(frozenset({"skinfw"}))
    assert {"torch", "sympy", "jinja2"} <= set(plain)  # sympy is torch's
    assert "torchmetrics" not in plain
    assert "torchmetrics" in needed_packages(frozenset({"skinfw"}), frozenset({"torchmetrics"}))
    assert extra_packages("skinfw", "imblearn") == ["imbalanced-learn"]
    assert extra_packages("no-such-package", "x") == []


def test_locked_is_for_runs(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    answer = skinfw("run", "tiny.toml", "--locked")
    assert answer.returncode == 2
    assert "name a run folder or its recipe.lock" in answer.stderr


def _edit(lock: dict[str, Any], keys: tuple[Any, ...], value: Any) -> dict[str, Any]:
    old = copy.deepcopy(lock)
    table: Any = old
    for key in keys[:-1]:
        table = table[key]
    table[keys[-1]] = value
    return old
