"""Every entry arrives once and in order, after failures, restarts and repeats, or is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skinfw_trackers import delivery as module
from skinfw_trackers.delivery import Delivery, deliver
from skinfw_trackers.queue import Queue, count_left, read_state


class Heard:
    """Remember what comes, and fail when told to."""

    def __init__(self, fails: int = 0, replays: bool = False) -> None:
        self.replays, self.fails = replays, fails
        self.said: list[Any] = []

    def _hear(self, word: Any) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("gone")
        self.said.append(word)

    def start(self, entry: dict[str, Any], memory: dict[str, str]) -> None:
        memory["run"] = entry["run"]["id"]

    def epoch(self, entry: dict[str, Any]) -> None:
        self._hear(entry["epoch"])

    def end(self, entry: dict[str, Any]) -> None:
        self._hear("end")

    def leave(self, status: str) -> None:
        self.said.append(status)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    own = Queue(tmp_path / "queue")
    own.open("csv", {"folder": ""})
    own.add("start", run={"id": "7", "name": "one"})
    for epoch in (1, 2, 3):
        own.add("epoch", epoch=epoch)
    return own


def goes_on(times: int) -> Any:
    """Return what says "stopped" after a while."""
    left: Iterator[str] = iter([""] * times)
    return lambda: next(left, "stopped")


def test_a_failing_tracker_gets_every_entry_once(queue: Queue) -> None:
    queue.add("end", epoch=2)
    heard = Heard(fails=2)
    deliver(Delivery(queue.folder, heard), lambda: "")
    assert heard.said == [1, 2, 3, "end", "done"]
    assert queue.is_delivered() and read_state(queue.folder)["error"] == ""


def test_while_the_run_goes_on_it_is_tried_without_end(queue: Queue) -> None:
    heard = Heard(fails=50)
    deliver(Delivery(queue.folder, heard), goes_on(60))
    assert heard.said == [1, 2, 3, "stopped"]


def test_after_the_run_it_is_given_up_and_kept(queue: Queue) -> None:
    queue.add("end", epoch=2)
    heard = Heard(fails=99)
    deliver(Delivery(queue.folder, heard), lambda: "done")
    assert heard.fails == 99 - module.LAST_TRIES
    assert count_left(queue.folder) == (4, 5)
    assert read_state(queue.folder)["error"] == "ConnectionError: gone"
    deliver(Delivery(queue.folder, late := Heard()), lambda: "done")
    assert late.said == [1, 2, 3, "end", "done"] and count_left(queue.folder) == (0, 5)


@pytest.mark.parametrize("replays", [False, True])
def test_a_resumed_run_tells_no_epoch_twice(queue: Queue, replays: bool) -> None:
    deliver(Delivery(queue.folder, Heard(replays=replays)), lambda: "stopped")
    queue.add("start", run={"id": "8", "name": "one"})
    for epoch in (3, 4):  # the state of the run was of the third epoch's beginning
        queue.add("epoch", epoch=epoch)
    queue.add("end", epoch=4)
    heard = Heard(replays=replays)
    deliver(Delivery(queue.folder, heard), lambda: "")
    assert heard.said == [*([1, 2, 3] if replays else []), 4, "end", "done"]
    assert read_state(queue.folder)["memory"] == {"run": "7"} and queue.is_delivered()
