from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skinfw import Explanations, Result
from skinfw import Predictions as Found
from skinfw.toolkit import overlay
from skinfw_reports.figures import ConfusionMatrix, Curves
from skinfw_reports.sheets import ExplanationSheet
from skinfw_reports.tables import History

CLASSES = ("MEL", "NV", "DF")


def predictions(count: int) -> Found:
    rng = np.random.default_rng(0)
    names = [f"=cmd|' /C calc'!{i}" if i == 0 else f"I{i}" for i in range(count)]
    return Found(names, names, rng.integers(0, 3, count), rng.dirichlet(np.ones(3), count), CLASSES)


def result(folder: Path, images: int = 5) -> Result:
    rng = np.random.default_rng(1)
    mine = predictions(images)
    history = [
        {"epoch": e, "lr": 0.1, "train_loss": 1 / e, "val_loss": 1.0, "balanced_accuracy": 0.3 * e}
        for e in (1, 2)
    ]
    explanation = Explanations(
        "grad-cam", "predicted", mine, rng.integers(0, 256, (images, 40, 40, 3), np.uint8),
        rng.random((images, 40, 40), np.float32),
    )  # fmt: skip
    return Result(
        folder, "demo", CLASSES, history, 2, "balanced_accuracy", {"test": predictions(40)},
        {"test": {"balanced_accuracy": 0.5, "accuracy": 0.6}}, [explanation], ["a quick look"],
    )  # fmt: skip


@pytest.mark.parametrize("report", [ConfusionMatrix(), Curves()])
def test_figures_are_pictures(tmp_path: Path, report) -> None:
    report.write(result(tmp_path), tmp_path)
    (file,) = tmp_path.glob("*.png")
    with Image.open(file) as image:
        assert min(image.size) > 300
        assert len(np.unique(np.asarray(image.convert("L")))) > 50


@pytest.mark.parametrize("images", [1, 5, 16])
def test_a_sheet_has_room_for_any_number_of_images(tmp_path: Path, images: int) -> None:
    ExplanationSheet(columns=4).write(result(tmp_path, images), tmp_path)
    with Image.open(tmp_path / "explanations" / "grad-cam-predicted.png") as image:
        assert image.size[0] > 400


def test_a_dark_map_leaves_the_image_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert overlay(image, np.zeros((8, 8)), 0.6) == pytest.approx(image / 255)
    hot = overlay(image, np.ones((8, 8)), 0.6)
    assert np.abs(hot - image / 255).max() > 0.2 and hot.min() >= 0 and hot.max() <= 1


def test_history_grows_by_the_epoch_and_forgets_what_is_repeated(tmp_path: Path) -> None:
    history = History()
    history.run_start(folder=tmp_path, recipe={})
    for epoch, loss in [(1, 0.9), (2, 0.8), (3, 0.7), (2, 0.5)]:
        history.epoch_end(record={"epoch": epoch, "train_loss": loss})
    table = pd.read_csv(tmp_path / "history.csv")
    assert table["epoch"].tolist() == [1, 2] and table["train_loss"].tolist() == [0.9, 0.5]
