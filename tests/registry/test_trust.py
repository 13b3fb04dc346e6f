"""A Python file that came with a run is imported only where the user trusts it."""

import json
import py_compile
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import skinfw as sf
from skinfw import RecipeError
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.plan import load_plan
from skinfw.registry.catalog import Catalog
from skinfw.registry.trust import trust, trusted_list
from skinfw.workflows.trial import try_plan

SETS = ("explainer=[]", "report=[]", "split.check=ids", "evaluate.replicates=0", "train.epochs=1")


@pytest.fixture(autouse=True)
def _own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINFW_CONFIG", str(tmp_path / "config"))


def _evil(run: Path, kind: str = "view") -> Path:
    """Let a run name a Python file beside it, which tells when it is imported."""
    file = run / "evil.py"
    file.write_text(f"open({str(run / 'ran')!r}, 'w').close()\n")
    record = json.loads((run / "run.json").read_text())
    record["recipe"][kind] = {"use": f"{file}:Any"}
    (run / "run.json").write_text(json.dumps(record))
    return file


def test_a_run_of_ones_own_is_used_without_a_word_and_a_stranger_is_not(
    train: Callable[..., Any], tmp_path: Path
) -> None:
    _, folder = train(*SETS)
    assert load_trained_model(folder.path).components("backbone")
    theirs = tmp_path / "theirs"
    shutil.copytree(folder.path, theirs)
    file = _evil(theirs)
    for use in (
        lambda: load_trained_model(theirs).view,
        lambda: load_trained_model(theirs, ("view.resize=1.2",)),
        lambda: load_plan(theirs),
        lambda: sf.check(theirs),
        lambda: sf.load(theirs).predict([]),
        lambda: load_plan(theirs, trust=False),
    ):
        with pytest.raises(RecipeError, match="you have not trusted") as error:
            use()
        assert str(file) in error.value.why and "SHA-256" in error.value.why
        assert "--trust" in error.value.cure
    assert not (theirs / "ran").exists()
    with pytest.raises(RecipeError, match='has no "Any"'):
        _ = load_trained_model(theirs, trust=True).view
    assert (theirs / "ran").exists()


def test_what_is_trusted_is_the_text_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("Net = 1\n")
    trust(file)
    trust(file)
    assert len(trusted_list().read_text().splitlines()) == 1
    copy = shutil.copy(file, tmp_path / "copy.py")
    assert Catalog().find("view", f"{copy}:Net", "", tmp_path, trusted=False).file == copy
    file.write_text("Net = 2\n")
    with pytest.raises(RecipeError, match="you have not trusted"):
        Catalog().find("view", f"{file}:Net", "", tmp_path, trusted=False)


def test_a_list_that_cannot_be_written_trusts_nothing(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the place of the folder")
    (tmp_path / "mine.py").write_text("Net = 1\n")
    trust(tmp_path / "mine.py")
    with pytest.raises(RecipeError, match="you have not trusted"):
        Catalog().find("view", f"{tmp_path}/mine.py:Net", "", tmp_path, trusted=False)


def test_bytecode_beside_a_file_is_not_what_was_read(tmp_path: Path) -> None:
    from skinfw.recipe.component import import_target

    file, other = tmp_path / "mine.py", tmp_path / "other.py"
    file.write_text("def Net(classes):\n    'A.'\n")
    other.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef Net(classes): 'A.'\n")
    target = tmp_path / "__pycache__" / f"mine.{__import__('sys').implementation.cache_tag}.pyc"
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(other), str(target), invalidation_mode=mode)
    import_target(Catalog().find("backbone", f"{file}:Net", "", tmp_path), "")
    assert not (tmp_path / "ran").exists()


def test_a_file_that_has_changed_since_is_told(train: Callable[..., Any], tmp_path: Path) -> None:
    _, folder = train(*SETS)
    file = tmp_path / "tiny.py"
    file.write_text(file.read_text() + "# changed\n")
    trust(file)
    assert (
        "tiny.py has changed since the network was trained with it"
        in load_trained_model(folder.path).marks
    )


def test_a_trial_of_a_strangers_run_trusts_it_once_and_not_for_ever(
    train: Callable[..., Any],
) -> None:
    folder = train(*SETS)[1].path
    file = folder / "theirs.py"
    file.write_text("def Theirs():\n    return lambda predictions: {'theirs': 1.0}\n")
    record = json.loads((folder / "run.json").read_text())
    record["recipe"]["metric"].append({"use": f"{file}:Theirs"})
    (folder / "run.json").write_text(json.dumps(record))
    try_plan(load_plan(folder, trust=True))
    assert "theirs.py" not in trusted_list().read_text()
    with pytest.raises(RecipeError, match="not trusted"):
        load_plan(folder)
