"""What the scorecard says of explainers, and which layer is chosen by it."""

import csv
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import make
from click.testing import CliRunner
from torch import nn

from skinfw import InspectedImages, RecipeError, Result, confidence_intervals
from skinfw.cli import main
from skinfw.evaluation.choices import choose_all
from skinfw.evaluation.failures import Failures
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.recorded_choices import chosen_tables
from skinfw.toolkit import KINDS, Catalog, Origin, plan_component
from skinfw_explain.auto import AutoCam
from skinfw_explain.baselines import CentredGaussian, RandomMap
from skinfw_explain.grad_cam import GradCam
from skinfw_explain.scorecard.findings import tell, verdict
from skinfw_explain.scorecard.map_choice import choose_layer
from skinfw_explain.scorecard.measures import measure_explainers
from skinfw_explain.scorecard.numbers import GAUSSIAN, Scores
from skinfw_explain.scorecard.report import ExplanationScorecard, estimates

SIDE, COUNT = 32, 16
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
LESION = np.hypot(ROWS - 9, COLUMNS - 22) <= 6  # off the middle, where the Gaussian is not


class LooksAtLesion(nn.Module):
    """Answer by how dark the lesion is, which two layers show: one well, one at a corner."""

    cam_layer = "corner"

    def __init__(self) -> None:
        super().__init__()
        self.lesion, self.corner = nn.Conv2d(3, 1, 1), nn.Conv2d(1, 1, 2, stride=2)
        for layer, weight, bias in ((self.lesion, -0.3, 1.0), (self.corner, 0.3, 0.0)):
            nn.init.constant_(layer.weight, weight)
            nn.init.constant_(layer.bias, bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        dark = 1e-3 * self.corner(self.lesion(images)).mean() - images
        seen = (dark.mean(1) * torch.from_numpy(LESION)).mean((1, 2))
        return torch.stack([20 * seen, -20 * seen], 1)


def layer_maps(layer: str) -> Callable[..., torch.Tensor]:
    """Return an explainer whose map depends on the layer alone."""
    heat = LESION if layer == "lesion" else (ROWS < 8) & (COLUMNS < 8)

    def explain(model: Any, images: torch.Tensor, classes: torch.Tensor, /) -> torch.Tensor:
        noise = torch.rand(len(images), SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        return torch.from_numpy(heat) * 0.5 + 0.6 * noise

    return explain


def shown(masks: bool = True) -> InspectedImages:
    """Return images with dark lesions, each of its own."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(180, 220, (COUNT, SIDE, SIDE, 3)).astype(np.uint8)
    pixels[:, LESION] = 30
    chances = np.tile([0.8, 0.2], (COUNT, 1))
    return InspectedImages(
        make(np.arange(COUNT) % 2, chances, ("MEL", "NV")),
        pixels,
        [LESION if masks else None] * COUNT,
        LooksAtLesion().eval(),
        lambda own: own.permute(0, 3, 1, 2).float() / 255,
    )


EXPLAINERS: Mapping[str, Any] = {
    "lesion": layer_maps("lesion"),
    "corner": layer_maps("corner"),
    GAUSSIAN: CentredGaussian(),
    "random-map": RandomMap(),
}


def test_the_better_map_scores_better_and_the_other_is_said_not_to_beat_the_gaussian(
    tmp_path: Path,
) -> None:
    measured = measure_explainers([shown()], [], EXPLAINERS)
    result = Result(tmp_path, "scored", ("MEL", "NV"), [], 1, "accuracy", replicates=100)
    numbers = estimates(measured, result)
    findings = tell(measured, numbers, "predicted")
    assert numbers["pointing/lesion/all"].value == 1
    assert numbers["pointing/corner/all"].high < 0.5 < numbers["pointing/lesion/all"].low
    for name, better in (("insertion_auc", 1), ("deletion_auc", -1), ("road", 1)):
        gap = numbers[f"{name}/lesion/all"].value - numbers[f"{name}/corner/all"].value
        assert better * gap > 0.01, name
    assert numbers["randomised_correlation/lesion/all"].value > 0.9
    good, bad = (verdict(name, numbers, True) for name in ("lesion", "corner"))
    assert good.startswith("lesion beats the centred Gaussian in pointing")
    assert "corner does not beat the centred Gaussian in pointing (difference" in bad
    assert good in findings.text and bad in findings.text
    assert not any("random-map beats" in line or "random-map does" in line
                   for line in findings.text)  # fmt: skip


def test_numbers_are_means_and_differences_of_the_same_images() -> None:
    rng = np.random.default_rng(1)
    own, rival = rng.random(COUNT), rng.random(COUNT)
    own[3] = math.nan
    predictions = make(np.arange(COUNT) % 2, np.full((COUNT, 2), 0.5), ("MEL", "NV"))
    metric = Scores({"ours": {"road": own}, GAUSSIAN: {"road": rival}})
    numbers = metric(predictions)
    known = ~np.isnan(own)
    nevi = known & (predictions.true == 1)
    assert numbers["road/ours/NV"] == pytest.approx(own[nevi].mean())
    gaps = (own - rival)[known]
    assert numbers["beyond_gaussian/road/ours/all"] == pytest.approx(gaps.mean())
    ends = confidence_intervals(metric, predictions, 2000)["beyond_gaussian/road/ours/all"]
    error = 1.96 * gaps.std(ddof=1) / math.sqrt(len(gaps))
    assert ends == pytest.approx((gaps.mean() - error, gaps.mean() + error), abs=0.03)


def test_without_masks_the_place_is_not_measured_and_the_reason_is_told(tmp_path: Path) -> None:
    measured = measure_explainers([], [shown(masks=False)], EXPLAINERS)
    result = Result(tmp_path, "scored", ("MEL", "NV"), [], 1, "accuracy", replicates=20)
    findings = tell(measured, estimates(measured, result), "predicted")
    assert any("no masks" in line for line in findings.text)
    assert findings.tables[0].head == ["explainer", "energy at corners", "seconds of a map"]


@pytest.mark.parametrize("masks", [True, False])
def test_the_layer_with_the_better_maps_is_chosen(masks: bool) -> None:
    choice = choose_layer(layer_maps, [shown(masks)])
    assert choice.parameters == {"layer": "lesion"}
    words = "energy in lesion" if masks else "insertion less deletion"
    assert words in choice.text[0] and "beats it" in choice.text[1]
    assert [row[0] for row in choice.table.rows] == ["lesion", "corner", GAUSSIAN]


def test_the_method_is_chosen_with_its_layer() -> None:
    batch = shown()
    choice = AutoCam().choose([batch])
    assert choice is not None
    method, layer = choice.parameters["method"], choice.parameters["layer"]
    energies = {row[0]: row[2].value for row in choice.table.rows[:-1]}
    assert len(energies) == 2 * 5
    assert energies[f"{method} of the layer {layer}"] == max(energies.values())
    assert f"{method} of the layer {layer} (" in choice.text[0]
    assert AutoCam(**choice.parameters).choose([batch]) is None
    images, classes = batch.to_input(torch.from_numpy(batch.pixels[:2])), torch.tensor([0, 0])
    same = GradCam(layer="lesion")(batch.model, images, classes)
    assert same.max() == 1
    auto = AutoCam(method="grad-cam", layer="lesion")
    assert torch.equal(auto(batch.model, images, classes), same)


def test_a_layer_that_is_named_is_kept_and_its_method_chosen() -> None:
    choice = AutoCam(layer="corner").choose([shown()])
    assert choice is not None and choice.parameters["layer"] == "corner"
    assert [row[0] for row in choice.table.rows][-2] == "grad-cam of the layer corner"


REPORTS = """
[[report]]
use = "explanation-scorecard"
images = 12
probed = 4

[[report]]
use = "page"
"""


@pytest.mark.slow
def test_a_run_records_the_layer_and_everything_after_uses_it(
    train: Callable[..., Any], tiny: Path
) -> None:
    tiny.write_text(tiny.read_text() + REPORTS)
    result, folder = train("train.epochs=1", 'explainer.0.layer="auto"')
    assert not result.failures
    (entry,) = json.loads((folder.path / "run.json").read_text())["explainers"]
    layer = entry["parameters"]["layer"]
    page = (folder.path / "report.html").read_text()
    assert f"the layer {layer} (" in page and "How good the explanations are" in page
    (component,) = load_trained_model(folder.path).components("explainer")
    assert component.arguments["layer"] == layer and component.use == "grad-cam"
    with (folder.path / "explanation_scorecard.csv").open() as file:
        numbers = {row["number"]: row for row in csv.DictReader(file)}
    low, value, high = (
        float(numbers["energy_in_lesion/grad-cam/all"][key]) for key in ("low", "value", "high")
    )
    assert low <= value <= high and float(numbers["seconds/grad-cam"]["value"]) > 0

    out = folder.path.parent / "scorecard"
    words = ["scorecard", str(folder.path), "--images", "12", "--probed", "0", "--out", str(out)]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 0, answer.output
    assert "grad-cam does not beat" in answer.output or "grad-cam beats" in answer.output
    told = json.loads((out / "explanation_scorecard.json").read_text())
    assert told["images"] == 12 and told["probed"] == 0 and (out / "report.html").is_file()
    refused = CliRunner().invoke(main, [*words, "--methods", "grad-cat"])
    assert refused.exit_code == 2 and 'did you mean "grad-cam"' in str(refused.output)


class Chooses(nn.Module):
    """An explainer with a choice, which must not be asked."""

    def choose(self, batches: Any) -> Any:
        raise AssertionError("the run has chosen before")


def test_a_recorded_choice_is_not_made_again() -> None:
    origin = Origin("a.toml", Path.cwd())
    table = {"use": "grad-cam", "layer": "auto"}
    planned, _ = plan_component(
        KINDS["explainer"], ("explainer",), table, origin, "a.toml", Catalog(), None
    )
    assert planned is not None
    entry = {"use": "grad-cam", "parameters": {"layer": "blocks.3"}, "text": ["chosen"]}
    pairs, chosen = choose_all([(planned, Chooses())], [entry], list, Failures(), print)
    assert pairs[0][1].layer == pairs[0][0].arguments["layer"] == "blocks.3" and chosen == [entry]
    assert chosen_tables([table], [entry]) == [{**table, "layer": "blocks.3"}]
    assert chosen_tables([table], []) == [table], "as in runs of earlier versions"


def test_predictions_alone_are_not_enough(tmp_path: Path) -> None:
    result = Result(tmp_path, "saved", ("MEL", "NV"), [], 1, "accuracy")
    (own,) = ExplanationScorecard().analyse(result)
    assert "the network itself" in own.text[0] and not own.tables
    (own,) = ExplanationScorecard().analyse(replace(result, inspect=lambda *_: iter(())))
    assert "names no explainer" in own.text[0]


def test_an_explainer_that_is_not_there_is_told_before_the_training() -> None:
    with pytest.raises(RecipeError, match="grad-cat"):
        ExplanationScorecard(methods=("grad-cat",))
