"""A queue keeps every entry until it is delivered, whatever the disk and its readers do."""

import json
import math
from pathlib import Path

import pytest

from skinfw import SkinfwError
from skinfw_trackers.queue import QUEUE, Queue, count_left, read_entries


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    own = Queue(tmp_path / "queue")
    own.open("csv", {"folder": ""})
    return own


def events(queue: Queue) -> list[tuple[str, int]]:
    return [(entry["event"], entry["epoch"]) for entry, _ in read_entries(queue.folder, 0)]


def test_what_a_full_disk_refuses_is_written_with_the_next_entry(queue: Queue) -> None:
    file = queue.folder / QUEUE
    file.symlink_to("/dev/full")
    queue.add("epoch", epoch=1, numbers={"epoch/val_loss": 0.1})
    with pytest.raises(OSError, match="No space"):
        queue.flush()
    assert not queue.is_delivered()
    file.unlink()
    queue.add("epoch", epoch=2, numbers={"epoch/val_loss": math.nan})
    assert events(queue) == [("epoch", 1), ("epoch", 2)]
    first, second = (
        entry["numbers"]["epoch/val_loss"] for entry, _ in read_entries(queue.folder, 0)
    )
    assert first == 0.1 and second is None


def test_half_an_entry_of_a_killed_run_is_cut_off(queue: Queue) -> None:
    queue.add("epoch", epoch=1)
    with (queue.folder / QUEUE).open("a") as file:
        file.write('{"event": "epo')
    assert events(queue) == [("epoch", 1)]
    again = Queue(queue.folder)
    again.open("csv", {"folder": ""})
    again.add("epoch", epoch=2)
    assert events(again) == [("epoch", 1), ("epoch", 2)]
    assert count_left(again.folder) == (2, 2)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{}", "lacks the key"),
        ('{"event": "remove", "time": 1}', "event"),
        ('{"event": "end", "time": 1, "files": {"x": "secret"}}', "files"),
        ('{"event": "epoch", "time": 1e999}', "1e999"),
    ],
)
def test_a_file_that_is_no_queue_is_refused(queue: Queue, line: str, why: str) -> None:
    (queue.folder / QUEUE).write_text(line + "\n")
    with pytest.raises(SkinfwError, match=QUEUE) as caught:
        list(read_entries(queue.folder, 0))
    assert why in str(caught.value)


def test_an_entry_is_a_line_of_json(queue: Queue) -> None:
    queue.add("start", run={"id": "1", "name": "a\nb"}, recipe={"train": {"epochs": 2}})
    (line,) = (queue.folder / QUEUE).read_text().splitlines()
    assert json.loads(line)["run"]["name"] == "a\nb"
