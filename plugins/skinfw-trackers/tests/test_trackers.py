"""What trackers have of a run, read back, is what the run has."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import getsource
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support import Run

from skinfw import Result
from skinfw_trackers.csv_files import Csv
from skinfw_trackers.names import flat_parameters
from skinfw_trackers.queue import FOLDER, Queue, count_left

Train = Callable[..., Any]


def table(file: Path) -> Any:
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def csv_numbers(place: Path) -> dict[tuple[int, str], float]:
    """Return what metrics.csv in a folder has, by step and name."""
    numbers = {}
    for row in table(place / "metrics.csv").itertuples():
        numbers[int(row.epoch), f"{row.part}/{row.metric}"] = float(row.value)
        for end in ("low", "high"):
            if cell := getattr(row, end):
                numbers[int(row.epoch), f"{row.part}_{end}/{row.metric}"] = float(cell)
    return numbers


def expected_numbers(result: Result) -> dict[tuple[int, str], float]:
    """Return what a tracker should have, by step and name, straight from the result."""
    numbers = {
        (int(row["epoch"]), f"epoch/{name}"): value
        for row in result.history
        for name, value in row.items()
        if name != "epoch"
    }
    for part, metrics in result.metrics.items():
        for name, value in metrics.items():
            numbers[result.best_epoch, f"{part}/{name}"] = value
            low, high = result.intervals[part].get(name, (float("nan"),) * 2)
            numbers[result.best_epoch, f"{part}_low/{name}"] = low
            numbers[result.best_epoch, f"{part}_high/{name}"] = high
    return {key: value for key, value in numbers.items() if value == value}


def test_one_tracker_has_the_run_and_another_one_gets_it_later(
    train: Train, tmp_path: Path, skinfw: Run
) -> None:
    occupied, tables = tmp_path / "occupied", "{use='csv'}, {use='csv', folder='occupied'}"
    occupied.write_text("a file, where a folder should be made")
    result, folder = train(f"track=[{tables}]")
    assert folder.record["status"] == "done"
    (failure,) = folder.record["failures"]
    assert "4 of 4 entries" in failure["error"] and "NotADirectoryError" in failure["error"]
    assert f"skinfw track runs/{folder.path.name} sends them" in failure["error"]
    numbers = expected_numbers(result)
    place = folder.path / FOLDER / "csv"
    assert csv_numbers(place) == numbers
    about = table(place / "about.csv")
    written = dict(zip(about["name"], about["value"], strict=True))
    assert written["train.epochs"] == "2" and written["augment.1.use"] == "flip"
    assert written["split_hash"] == folder.record["split_hash"]
    assert not [name for name in folder.record["checksums"] if FOLDER in name]

    occupied.unlink()
    occupied.mkdir()
    sent = skinfw("track", str(folder.path))
    assert (sent.returncode, sent.stdout) == (0, "csv: all delivered\n" * 2), sent.stderr
    assert csv_numbers(occupied / folder.path.name) == numbers


def test_a_rehearsal_is_sent_nowhere(tmp_path: Path) -> None:
    tracker = Csv(folder=str(tmp_path / "all"))
    tracker.run_start(tmp_path / "run", {"seed": 0}, {"recipe": "a"}, rehearsal=True)
    tracker.epoch_end({"epoch": 1, "val_loss": 0.5})
    tracker.run_end(Result(tmp_path / "run", "a", ("MEL", "NV"), [], 1, "accuracy"))
    assert not (tmp_path / "all").exists()
    (queue,) = (tmp_path / "run" / FOLDER).iterdir()
    assert count_left(queue) == (3, 3)


def deliver(run: Path, tracker: str, settings: dict[str, Any], lineage: dict[str, Any]) -> Path:
    """Queue a small run and deliver it in a process of its own; return the queue's folder."""
    queue = Queue(run / FOLDER / tracker)
    queue.open(tracker, settings)
    for name in ("report.html", "best.safetensors"):
        (run / name).write_text(name)
    recipe = {"seed": 3, "train": {"epochs": 2}, "report": [{"use": "page"}]}
    queue.add("start", run={"id": f"{run.name}0", "name": run.name}, recipe=recipe, lineage=lineage)
    for epoch in (1, 2):
        queue.add("epoch", epoch=epoch, numbers={"epoch/val_loss": 0.1 * epoch, "epoch/x": None})
    numbers = {"test/net_benefit+/0.10": 1 / 3, "test_low/auc": 0.1, "test_high/auc": 0.7}
    files = {"report.html": "report", "best.safetensors": "model"}
    if (run / "curves.png").is_file():
        files["curves.png"] = "figure"
    queue.add("end", epoch=2, numbers=numbers, lineage={"split_hash": "5eed"}, files=files)
    command = [sys.executable, "-P", "-m", "skinfw_trackers.delivery", str(queue.folder)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=120)
    assert queue.is_delivered(), (queue.folder / "state.json").read_text()
    return queue.folder


FOLD = {"recipe": "lab", "seed": 3, "study": "lab-folds", "study_id": "abc", "word": "fold",
        "value": 1, "count": 5}  # fmt: skip
NUMBERS = {"epoch/val_loss": [(1, 0.1), (2, 0.2)], "test_low/auc": [(2, 0.1)],
           "test_high/auc": [(2, 0.7)]}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "lab-folds" / "fold-1"
    folder.mkdir(parents=True)
    return folder


def test_tensorboard_reads_back_what_was_written(run: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Image.new("RGB", (30, 20)).save(run / "curves.png")
    events = EventAccumulator(str(deliver(run, "tensorboard", {"folder": ""}, FOLD))).Reload()
    numbers = {**NUMBERS, "test/net_benefit+/0.10": [(2, 1 / 3)]}
    assert set(events.Tags()["scalars"]) == set(numbers)
    for name, values in numbers.items():
        read = [(point.step, point.value) for point in events.Scalars(name)]
        assert read == [(step, pytest.approx(value, rel=2**-23)) for step, value in values]
    (figure,) = events.Images("figures/curves")
    assert (figure.width, figure.height) == (30, 20)
    assert figure.encoded_image_string == (run / "curves.png").read_bytes()
    text = events.Tensors("lineage")[0].tensor_proto
    assert b"| fold | 1 |" in text.string_val[0]


@pytest.mark.slow
def test_mlflow_reads_back_what_was_sent(run: Path) -> None:
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    settings = {"uri": "", "experiment": "", "model": True, "file": str(run / "mlflow.db")}
    run.with_name("fold-2").mkdir()
    with ThreadPoolExecutor() as pool:  # both make the store and the study, or find them made
        for value in (1, 2):
            own = run.with_name(f"fold-{value}")
            pool.submit(deliver, own, "mlflow", settings, {**FOLD, "value": value})
    code = f"""
import json
from mlflow.tracking import MlflowClient
client = MlflowClient({f"sqlite:///{run / 'mlflow.db'}"!r})
(experiment,) = [own for own in client.search_experiments() if own.name == "lab"]
for own in client.search_runs([experiment.experiment_id]):
    names, id = own.data.metrics, own.info.run_id
    print(json.dumps(dict(
        name=own.info.run_name, id=id, status=own.info.status, tags=own.data.tags,
        parameters=own.data.params, files=[one.path for one in client.list_artifacts(id)],
        numbers={{name: [(one.step, one.value) for one in client.get_metric_history(id, name)]
                  for name in names}},
    )))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    runs = {own["name"]: own for own in map(json.loads, done.stdout.splitlines())}
    assert set(runs) == {"lab-folds", "fold-1", "fold-2"}
    own, parent = runs["fold-1"], runs["lab-folds"]["id"]
    numbers = {**NUMBERS, "test/net_benefit_2b_/0.10": [(2, 1 / 3)]}
    read = {name: [tuple(pair) for pair in pairs] for name, pairs in own["numbers"].items()}
    assert read == numbers and own["status"] == "FINISHED"
    assert own["parameters"] == {"seed": "3", "train.epochs": "2", "report.0.use": "page"}
    assert set(own["files"]) == {"model", "report.html"}
    assert own["tags"]["skinfw.fold"] == "1" and own["tags"]["skinfw.split_hash"] == "5eed"
    assert {runs[name]["tags"]["mlflow.parentRunId"] for name in ("fold-1", "fold-2")} == {parent}


def wandb_records(content):  # type: ignore[no-untyped-def]
    """Yield the records of a .wandb file, a log of LevelDB: blocks of 32 KB, each with pieces."""
    place, whole = 7, b""  # after the mark of the file
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # the only piece, or the last one
            yield whole
            whole = b""


@pytest.mark.slow
def test_wandb_keeps_a_run_for_later(run: Path) -> None:
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    settings = {"project": "", "entity": "", "mode": "offline", "model": True}
    queue = deliver(run, "wandb", settings, FOLD)
    (kept,) = queue.glob("wandb/offline-run-*/*.wandb")
    code = f"""
import json, struct, sys
from wandb.proto.wandb_internal_pb2 import Record
{getsource(wandb_records)}
history, summary = [], {{}}
def values(items):
    return {{one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in items}}
for data in wandb_records(open({str(kept)!r}, "rb").read()):
    record = Record.FromString(data)
    if record.HasField("history"):
        history.append(values(record.history.item))
    if record.HasField("summary"):
        summary.update(values(record.summary.update))
    if record.HasField("run"):
        about = [record.run.project, record.run.run_group, record.run.job_type, record.run.host]
print(json.dumps([history, summary, about]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    history, summary, about = json.loads(done.stdout)
    losses = [(row["epoch"], row["epoch/val_loss"]) for row in history if "epoch/val_loss" in row]
    assert losses == NUMBERS["epoch/val_loss"]
    assert summary["test/net_benefit+/0.10"] == 1 / 3 and summary["test_high/auc"] == 0.7
    assert about == ["lab", "lab-folds", "fold", "skinfw"]


@pytest.mark.slow
def test_a_server_that_never_answers_holds_up_no_run(train: Train) -> None:
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:  # it takes calls, and says nothing
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        result, folder = train(f"track=[{{use='mlflow', uri='{uri}', patience=3.0}}]")
    assert folder.record["status"] == "done" and result.metrics["test"]
    (failure,) = folder.record["failures"]
    assert "4 of 4 entries" in failure["error"]
    assert count_left(next((folder.path / FOLDER).iterdir())) == (4, 4)


def test_parameters_have_the_names_of_their_keys() -> None:
    recipe = {"train": {"epochs": 2, "freeze": []}, "augment": [{"use": "flip"}, {"use": "crop"}]}
    assert flat_parameters(recipe) == {
        "train.epochs": "2", "train.freeze": "[]", "augment.0.use": "flip", "augment.1.use": "crop",
    }  # fmt: skip
