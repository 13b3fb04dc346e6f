"""README.md: the Hub's own reader understands it, and names from tables stay text."""

import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard

from skinfw import Interval, Predictions, Result
from skinfw_reports.card import Card, plain_text

CLASSES = ("MEL", "NV", "DF")
EVIL = "<script>alert(1)</script>"
NUMBERS = {"balanced_accuracy": 0.5, "accuracy": 0.6, "sensitivity/MEL": 0.25}


def result(folder: Path) -> Result:
    """A run of six images; none shows DF."""
    ids, true = [f"i{n}" for n in range(6)], np.arange(6) % 2
    test = Predictions(ids, ids, true, 0.2 + 0.4 * np.eye(3)[true], CLASSES)
    rows = [f"{name},{name},{CLASSES[label]},test" for name, label in zip(ids, true, strict=True)]
    (folder / "splits.csv").write_text("\n".join(["id,lesion,label,part", *rows]) + "\n")
    record = {"recipe": {"backbone": {"use": "tiny"}, "dataset": {"use": "moles"}}}
    return Result(
        folder, "my run", CLASSES, [{"epoch": 1}, {"epoch": 2}], 2, "balanced_accuracy",
        {"test": test}, {"test": NUMBERS}, marks=["3 lesions have images in more than one part"],
        record=record,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a card asks nobody")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_the_head_has_the_measured_numbers_as_the_hub_reads_them(tmp_path: Path) -> None:
    numbers = {**NUMBERS, "macro_auc": float("nan")}
    Card().write(replace(result(tmp_path), metrics={"test": numbers}), tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == "skinfw" and card.data.license is None
    found = {own.metric_type: own.metric_value for own in card.data.eval_results}
    assert found == {"balanced_accuracy": 0.5, "accuracy": 0.6}
    assert {own.dataset_split for own in card.data.eval_results} == {"test"}


def test_the_text_tells_use_limits_numbers_and_training(tmp_path: Path) -> None:
    bounds = {"balanced_accuracy": Interval(0.3, 0.7, "mover")}
    Card().write(replace(result(tmp_path), intervals={"test": bounds}), tmp_path)
    text = ModelCard.load(tmp_path / "README.md").text
    assert "must not decide about any of them" in text
    assert "- 3 lesions have images in more than one part" in text, "the marks of the run"
    assert "| balanced accuracy | 0.500 | 0.300 to 0.700 |" in text
    assert "the weights of epoch 2 were kept" in text and "| DF | 0 | 0 |" in text
    assert all(name in text for name in CLASSES) and "skinfw predict" in text
    assert (tmp_path / "README.md").read_text().endswith("\n")


def test_several_data_sets_are_all_named(tmp_path: Path) -> None:
    sets = {"recipe": {"dataset": [{"use": "moles"}, {"use": "csv", "source": "clinic"}]}}
    Card().write(replace(result(tmp_path), record=sets), tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert {own.dataset_name for own in card.data.eval_results} == {"moles + clinic"}


def test_names_of_other_peoples_tables_stay_text(tmp_path: Path) -> None:
    bad = replace(result(tmp_path), name=f"{EVIL}\n# heading | [link](x)", marks=[EVIL])
    Card().write(bad, tmp_path)
    card = ModelCard.load(tmp_path / "README.md")
    assert "<script" not in card.text and "\n# heading" not in card.text
    assert plain_text("a | b\n`c`") == "a \\| b \\`c\\`"
    assert card.data.model_name == bad.name
