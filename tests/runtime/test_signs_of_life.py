"""Signs of life: who is silent is gone, who has left is not, and a dead store is told, too."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
import torch

from skinfw import SkinfwError
from skinfw.runtime import signs_of_life
from skinfw.runtime.device import Hardware
from skinfw.runtime.signs_of_life import SignsOfLife

KEYS = ["zero", "one"]


class Shared:
    """Counters of several threads; they may stand still, as behind a network that is cut."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(KEYS, 0)
        self.flows = threading.Event()
        self.flows.set()
        self._lock = threading.Lock()

    def add(self, key: str, amount: int, /) -> int:
        self.flows.wait()
        with self._lock:
            self.values[key] += amount
            return self.values[key]


class Listener:
    """Hear of what is lost."""

    def __init__(self) -> None:
        self.errors: list[SkinfwError] = []
        self.heard = threading.Event()

    def __call__(self, error: SkinfwError) -> None:
        self.errors.append(error)
        self.heard.set()


def begin(store: Shared, rank: int, lost: Listener) -> SignsOfLife:
    return SignsOfLife(store, KEYS, rank, lost, beat=0.01, silent=0.4)


def wait_for_beats(store: Shared, more: int) -> None:
    wanted = {key: value + more for key, value in store.values.items()}
    while any(store.values[key] < wanted[key] for key in KEYS):
        time.sleep(0.01)


def test_a_process_that_falls_silent_is_named() -> None:
    store, losts = Shared(), (Listener(), Listener())
    first, second = (begin(store, rank, lost) for rank, lost in enumerate(losts))
    wait_for_beats(store, 5)
    assert not any(lost.errors for lost in losts), "as long as both live, nobody is lost"
    second.stop()  # as one that is killed
    assert losts[0].heard.wait(30)
    assert "process 1 of 2 gives no sign of life" in str(losts[0].errors[0])
    first.stop()


def test_a_process_ends_with_the_one_that_has_started_it() -> None:
    store, lost = Shared(), Listener()
    signs = SignsOfLife(store, KEYS[:1], 0, lost, starter=os.getppid(), beat=0.01, silent=60)
    while store.values["zero"] < 5:
        time.sleep(0.01)
    assert not lost.errors
    signs.stop()
    SignsOfLife(store, KEYS[:1], 0, lost, starter=os.getpid(), beat=0.01, silent=60)
    assert lost.heard.wait(30), "somebody else's child is nobody's"
    assert "the command that has started the processes is gone" in str(lost.errors[0])


def test_a_process_without_others_ends_with_its_starter_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[SignsOfLife] = []

    def begun(*values: Any) -> SignsOfLife:
        made.append(SignsOfLife(*values, beat=0.01, silent=60))
        return made[-1]

    monkeypatch.setattr(signs_of_life, "SignsOfLife", begun)
    alone, lost = Hardware(torch.device("cpu"), "fp32", torch.contiguous_format, 0), Listener()
    monkeypatch.setattr(signs_of_life, "starter", os.getppid)
    with signs_of_life.signs_of_life(alone, lost):
        end = time.monotonic() + 30
        while made[0]._beats[0] < 5:
            assert time.monotonic() < end, "its own signs are not counted"
            time.sleep(0.01)
    assert not lost.errors
    monkeypatch.setattr(signs_of_life, "starter", os.getpid)
    with signs_of_life.signs_of_life(alone, lost):
        assert lost.heard.wait(30)


def test_a_process_that_has_left_in_order_is_not_missed() -> None:
    store, losts = Shared(), (Listener(), Listener())
    first, second = (begin(store, rank, lost) for rank, lost in enumerate(losts))
    wait_for_beats(store, 2)
    second.end()
    assert not losts[0].heard.wait(1)  # more than twice the silence that is too long
    first.end()


def test_a_process_that_reaches_nobody_says_so_of_itself() -> None:
    store, lost = Shared(), Listener()
    signs, other = begin(store, 0, lost), begin(store, 1, Listener())
    wait_for_beats(store, 2)
    store.flows.clear()  # which holds the thread that talks
    assert lost.heard.wait(30)
    assert "process 0 of 2 reaches the others no longer" in str(lost.errors[0])
    store.flows.set()
    for own in (signs, other):
        own.stop()
