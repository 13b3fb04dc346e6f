"""The embedding map: its numbers are what others compute, and its work is bounded."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.manifold import trustworthiness
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from skinfw import Features, Predictions, Result
from skinfw.toolkit import NoFeaturesError
from skinfw_reports.embedding import BalancedAccuracy, neighbour_shares, trust_of_images
from skinfw_reports.embedding_map import EmbeddingMap
from skinfw_reports.page import Page

CLASSES = ("MEL", "NV", "DF")
SEED = np.random.default_rng(3)


def some_predictions(true: np.ndarray, called: np.ndarray, lesions: list[str]) -> Predictions:
    chances = 0.1 + 0.7 * np.eye(3)[called]
    return Predictions([f"<b>{n}" for n in range(len(true))], lesions, true, chances, CLASSES)


def made(folder: Path, counts: tuple[int, ...] = (30, 60, 30)) -> tuple[Result, list[int]]:
    """A run whose embeddings lie in one clump for each class; every fifth answer is wrong.

    The list is filled with the places that are asked for.
    """
    rng = np.random.default_rng(0)
    true = np.repeat(np.arange(3), counts)
    called = np.where(np.arange(len(true)) % 5, true, (true + 1) % 3)
    values = (9 * np.eye(3, 12)[true] + rng.normal(size=(len(true), 12))).astype(np.float32)
    test = some_predictions(true, called, [f"l{n // 2}" for n in range(len(true))])
    asked: list[int] = []

    def features(part: str, places: Any = None) -> Features:
        asked.extend(places)
        return Features(true[places], values[places], np.zeros((len(places), 3)))

    def images(part: str, places: Any) -> np.ndarray:
        return np.full((len(places), 200, 160, 3), 90, np.uint8)

    result = Result(
        folder, "my run", CLASSES, [], 1, "accuracy", {"test": test}, {"test": {"accuracy": 0.8}},
        features=features, images=images, replicates=200,
    )  # fmt: skip
    return result, asked


def test_the_trustworthiness_is_that_of_scikit_learn() -> None:
    values, plane = SEED.normal(size=(70, 9)), SEED.normal(size=(70, 2))
    for neighbours in (1, 5, 12):
        own = trust_of_images(values, plane, neighbours)
        assert own.mean() == pytest.approx(trustworthiness(values, plane, n_neighbors=neighbours))
    assert trust_of_images(values, values, 5) == pytest.approx(np.ones(70))


def test_neighbours_answer_as_those_of_scikit_learn_without_the_lesion_of_the_image() -> None:
    true, values = SEED.integers(0, 2, 40), SEED.normal(size=(40, 4))
    lesions = np.array([f"l{n // 3}" for n in range(40)])
    own = neighbour_shares(values, some_predictions(true, true, list(lesions)), 5)
    for place in range(40):
        others = lesions != lesions[place]
        oracle = KNeighborsClassifier(5).fit(values[others], true[others])
        assert own[place, :2] == pytest.approx(oracle.predict_proba(values[[place]])[0], abs=1e-4)
        assert own[place].argmax() == oracle.predict(values[[place]])[0]


def test_of_classes_with_as_many_neighbours_the_nearer_one_answers() -> None:
    true, at = np.array([0, 2, 1]), np.array([[0.0], [1.0], [-2.0]])
    shares = neighbour_shares(at, some_predictions(true, true, ["a", "b", "c"]), 2)
    assert shares[0].argmax() == 2


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    true, called = SEED.integers(0, 3, 50), SEED.integers(0, 3, 50)
    own = BalancedAccuracy()(some_predictions(true, called, [str(n) for n in range(50)]))
    assert own["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, called))


def test_clumps_lie_apart_and_their_neighbours_beat_a_network_that_errs(tmp_path: Path) -> None:
    result, asked = made(tmp_path)
    (findings,) = EmbeddingMap().analyse(result)
    (again,) = EmbeddingMap().analyse(result)
    assert findings == again, "the same images and seed give the same map"
    assert sorted(set(asked)) == list(range(120))
    EmbeddingMap().write(replace(result, findings=[findings]), tmp_path)
    told = json.loads((tmp_path / "embedding_map.json").read_text())
    assert told["trustworthiness"]["low"] < told["trustworthiness"]["value"] < 1
    assert told["trustworthiness"]["value"] > 0.8
    assert told["network"]["balanced_accuracy"]["value"] == pytest.approx(0.8)
    for where in ("embeddings", "map"):
        assert told[where]["balanced_accuracy"]["value"] > 0.98
        assert 0 < told[where]["difference"]["low"] < told[where]["difference"]["high"]
    assert "better than the network" in findings.text[2]
    table = pd.read_csv(tmp_path / "embedding_map.csv")
    middles = table.groupby("true")[["x", "y"]].transform("mean")
    spread = np.hypot(*(table[["x", "y"]] - middles).to_numpy().T)
    means = table.groupby("true")[["x", "y"]].mean().to_numpy()
    apart = min(np.hypot(*(means[a] - means[b])) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert apart > 2 * np.median(spread)


def test_few_images_of_many_are_looked_at_evenly_of_the_classes(tmp_path: Path) -> None:
    result, asked = made(tmp_path, (300, 900, 9))
    (findings,) = EmbeddingMap(images=60).analyse(result)
    assert len(asked) == 60
    counts = np.bincount(result.predictions["test"].true[asked])
    assert counts.tolist() == [26, 25, 9]
    assert findings.data["images"] == 60 and findings.data["of"] == 1209
    assert "60 of 1,209 test images are shown" in findings.text[1]
    assert sum(len(one.image) for one in findings.scatters[0].points) < 60 * 6000


def test_what_cannot_be_mapped_says_why(tmp_path: Path) -> None:
    result, _ = made(tmp_path)

    def refuse(part: str, places: Any = None) -> Features:
        raise NoFeaturesError("the network has no features of whole images", why="a map")

    small, _ = made(tmp_path, (5, 5, 5))
    for own, why in (
        (replace(result, features=None), "needs the network"),
        (replace(result, features=refuse), "no features of whole images"),
        (small, "at least 20 test images; there are 15"),
    ):
        (findings,) = EmbeddingMap().analyse(own)
        assert why in findings.text[0] and not findings.scatters
        EmbeddingMap().write(replace(own, findings=[findings]), tmp_path)
        assert why in json.loads((tmp_path / "embedding_map.json").read_text())["absent"]


def drawn(folder: Path) -> str:
    """The page of a run with an embedding map."""
    result, _ = made(folder)
    names = {"id": [], "lesion": [], "label": [], "part": []}
    pd.DataFrame(names).to_csv(folder / "splits.csv", index=False)
    findings = EmbeddingMap().analyse(result)
    Page().write(replace(result, findings=findings), folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_draws_every_image_its_class_and_its_mistakes(tmp_path: Path) -> None:
    text = drawn(tmp_path)
    assert text.count('<g class="point"') == 120
    for place, (name, count) in enumerate(zip(CLASSES, (30, 60, 30), strict=True)):
        assert f"{name} ({count})</button>" in text
        assert text.count(f'<g class="point" data-group="{place}"') == count
    assert text.count(" data-marked ") == 24
    assert "<title>&lt;b&gt;0 shows MEL, predicted NV (80%)</title>" in text
    assert "<b>119" not in text
    assert 'href="#number-trustworthiness"' in text


ASK = """
<script>
const form = document.querySelector("form.filter");
form.querySelector('[data-by="right"]').value = "no";
form.querySelector('[data-by="true"]').value = "MEL";
form.dispatchEvent(new Event("input"));
const plane = document.querySelector(".plane");
const seen = document.querySelector(".asked img");
const before = getComputedStyle(seen).visibility;
plane.focus();
plane.dispatchEvent(new KeyboardEvent("keydown", { key: "End" }));
const said = document.querySelector(".asked p").textContent;
document.querySelector('.legend button[data-group="1"]').click();
document.title = [
  [...document.querySelectorAll(".gallery li")].filter((one) => !one.hidden).length,
  form.querySelector("output").textContent,
  document.querySelectorAll(".point:not([hidden])").length,
  said,
  before,
  getComputedStyle(seen).visibility,
].join("|");
</script>
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_a_browser_filters_and_shows_what_is_asked_for(tmp_path: Path) -> None:
    text = drawn(tmp_path)
    file = tmp_path / "asked.html"
    file.write_text(text.replace("</body>", f"{ASK}</body>"), encoding="utf-8")
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", file.as_uri()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    title = done.stdout.partition("<title>")[2].partition("</title>")[0]
    wrong, output, points, said, before, after = title.split("|")
    assert wrong == "6" and output == "6 of 60 images"
    assert points == "60"
    assert (before, after) == ("hidden", "visible")
    assert said == "&lt;b&gt;119 shows DF, predicted DF (80%)"
