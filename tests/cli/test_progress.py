"""How long it will take: of the epoch and of the whole training."""

import pytest

from skinfw.cli import progress
from skinfw.cli.durations import duration
from skinfw.cli.progress import Watcher

RECORD = {"train_loss": 1.0, "val_loss": 1.0, "images_per_second": 1.0}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that a watcher sees, to be set."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def steps(watcher: Watcher, clock: list[float], first: int, last: int, seconds: float) -> None:
    for step in range(first, last + 1):
        clock[0] += seconds
        watcher.step_end(step=step, images=8, loss=1.0)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_the_first_epoch_tells_by_its_batches_later_ones_by_the_last(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    watcher = Watcher()
    watcher.epoch_start(epoch=1, epochs=4, steps=10, images=80)
    steps(watcher, clock, 1, 4, 40.0)  # 6 batches and 3 epochs of 10 to go
    assert last_line(capsys).endswith("epoch 4 min, training 24 min left")
    steps(watcher, clock, 5, 10, 40.0)
    clock[0] += 200.0  # the validation
    watcher.epoch_end(record={**RECORD, "epoch": 1.0, "seconds": 400.0})
    assert last_line(capsys).endswith("  400 s  training 30 min left")  # 3 times 600 s
    watcher.epoch_start(epoch=2, epochs=4, steps=10, images=80)
    steps(watcher, clock, 1, 4, 35.0)
    assert last_line(capsys).endswith("epoch 4 min, training 24 min left")  # 210 s, twice 600 s
    watcher.epoch_end(record={**RECORD, "epoch": 4.0, "seconds": 400.0})


def test_the_last_epoch_promises_nothing_after_itself(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    watcher = Watcher()
    watcher.epoch_start(epoch=4, epochs=4, steps=10, images=80)
    steps(watcher, clock, 8, 9, 40.0)  # resumed: two batches seen, of nine that are done
    assert last_line(capsys).endswith("epoch 40 s, training 40 s left")
    steps(watcher, clock, 10, 10, 40.0)
    watcher.epoch_end(record={**RECORD, "epoch": 4.0, "seconds": 400.0})
    assert last_line(capsys).endswith("  400 s")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"), (59.6, "60 s"), (119.4, "119 s"), (119.6, "2 min"), (3569.0, "59 min"),
        (3599.0, "1 h 0 min"), (3780.0, "1 h 3 min"), (360_000.0, "100 h 0 min"),
    ],
)  # fmt: skip
def test_spans_of_time_read_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
