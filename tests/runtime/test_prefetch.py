"""Threads that load ahead: in order, errors told, and nobody waits for ever."""

import threading
from functools import partial
from pathlib import Path

import pytest

from skinfw.errors import SkinfwError
from skinfw.runtime import prefetch as module
from skinfw.runtime.prefetch import prefetch


def fails(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order_and_errors_in_their_place(workers: int) -> None:
    tasks = [partial(int, text) for text in "0123456789"]
    assert list(prefetch(tasks, workers)) == list(range(10))
    for error in (ValueError("seven"), SystemExit(3), MemoryError()):
        results = prefetch([*tasks[:3], partial(fails, error), *tasks[3:]], workers)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(type(error)):
            next(results)


def test_threads_end_with_who_asked_for_them() -> None:
    before = threading.active_count()
    results = prefetch([partial(int, "1")] * 50, 4)
    assert next(results) == 1 and threading.active_count() == before + 4
    results.close()
    assert threading.active_count() == before


def test_a_thread_that_hangs_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.05)
    monkeypatch.setattr(module, "_JOIN_SECONDS", 0.0)
    release = threading.Event()

    def read_from_a_dead_share() -> None:
        release.wait()

    with pytest.raises(SkinfwError, match="stand still") as error:
        list(prefetch([read_from_a_dead_share], 1))
    release.set()
    assert Path(threading.__file__).name in error.value.where  # where it waits
    assert "--resume" in error.value.cure


def test_a_system_without_threads_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(SkinfwError, match="2 threads") as error:
        list(prefetch([partial(int, "1")], 2))
    assert "engine.workers" in error.value.cure
