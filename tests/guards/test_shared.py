"""What components share is put back and told; where they write is theirs."""

import importlib
import os
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from skinfw.errors import AnswerError
from skinfw.guards import writes
from skinfw.guards.answers import check_image
from skinfw.guards.process import IMPORT, Shared, watch_dice
from skinfw.guards.tensors import NetworkState
from skinfw.guards.writes import watch_writes

SEEDS = count()


@pytest.fixture
def acting() -> Iterator[Callable[..., None]]:
    """Let a component act in this thread until the test ends."""
    yield writes.begin
    writes.end()


@pytest.mark.parametrize(
    ("change", "read", "says"),
    [
        (lambda: os.chdir("/"), Path.cwd, "the working folder"),
        (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype, "dtype"),
        (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled, "gradients"),
        (lambda: torch.set_num_threads(3), torch.get_num_threads, "number of threads"),
        (lambda: np.seterr(all="raise"), np.geterr, "floating-point errors"),
        (lambda: os.environ.update(HOME="/x"), lambda: os.environ["HOME"], "variable HOME"),
        (lambda: os.environ.pop("PATH"), lambda: os.environ["PATH"], "variable PATH"),
    ],
)
def test_what_decides_numbers_is_put_back_and_told(
    change: Callable[[], object], read: Callable[[], object], says: str
) -> None:
    before, shared = read(), Shared("loss")
    change()
    assert says in shared.restore()
    assert read() == before


def test_what_changes_no_number_is_put_back_without_a_word() -> None:
    before, shared = list(warnings.filters), Shared("metric")
    warnings.simplefilter("always")
    assert shared.restore() == ""
    assert list(warnings.filters) == before


@pytest.mark.parametrize(
    ("throw", "says"),
    [
        (random.random, "Python's random"),
        (np.random.rand, "numpy.random"),
        (lambda: torch.manual_seed(next(SEEDS)), "torch's"),
    ],
)
def test_the_dice_of_everybody_are_not_thrown_by_those_who_decide(
    throw: Callable[[], object], says: str
) -> None:
    for kind, told in (("mix", True), ("report", False), (IMPORT, False), ("augment", False)):
        shared = Shared(kind)
        throw()
        assert (says in shared.restore()) == told, kind
    with watch_dice():
        shared = Shared("augment")
        throw()
        assert says in shared.restore()


def test_dice_that_a_library_throws_while_it_is_imported_are_nobodys_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loud_library.py").write_text("import random\nrandom.random()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for blame in ("", "threw the dice of Python's random"):
        shared = Shared("split")
        if not blame:
            importlib.import_module("loud_library")
        else:
            random.random()
        assert shared.restore() == blame


def test_a_thread_that_goes_on_is_told() -> None:
    shared, stop = Shared("sampler"), threading.Event()
    thread = threading.Thread(target=stop.wait, args=(5,), name="busy")
    thread.start()
    assert shared.restore() == "left the thread busy running"
    stop.set()
    thread.join()


def test_hooks_and_modes_that_are_left_on_a_network_are_taken_off() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    before = NetworkState(model)
    model[0].register_forward_hook(lambda *_: None)
    model[0].weight.requires_grad_(False)
    model.eval()
    assert before.restore()
    assert not model[0]._forward_hooks and model[0].weight.requires_grad and model[1].training
    assert NetworkState(model).restore() == ""


@pytest.mark.parametrize(
    "write",
    [
        lambda place: (place / "new.txt").write_text("new"),
        lambda place: (place / "kept.txt").unlink(),
        lambda place: (place / "kept.txt").rename(place / "new.txt"),
        lambda place: (place / "new").mkdir(),
        lambda place: (place / "new.txt").symlink_to("kept.txt"),
    ],
)
def test_a_component_writes_where_it_may_and_nowhere_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    acting: Callable[..., None],
    write: Callable[[Path], object],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    places = {name: tmp_path / name for name in ("run", "elsewhere", "named", "temporary", "cache")}
    for place in places.values():
        place.mkdir()
        (place / "kept.txt").write_text("kept")
    with watch_writes(places["run"], ["run.json"], [places["cache"]]):
        acting(lambda: [places["named"]])
        with pytest.raises(AnswerError, match="wants to write"):
            write(places["elsewhere"])
        with pytest.raises(AnswerError, match=r"wrote run\.json"):
            (places["run"] / "run.json").write_text("{}")
        for name in ("run", "named", "temporary", "cache"):
            write(places[name])
    assert [file.name for file in places["elsewhere"].iterdir()] == ["kept.txt"]


def test_an_image_in_memory_that_somebody_keeps_is_copied() -> None:
    kept = np.zeros((4, 4, 3), np.uint8)
    assert not np.shares_memory(check_image(kept), kept)
    assert not np.shares_memory(check_image(kept[:2]), kept)
    made = check_image(np.zeros((4, 4, 3), np.uint8))
    assert made.base is None and made.flags.owndata
