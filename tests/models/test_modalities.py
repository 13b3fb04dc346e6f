"""Several pictures, metadata and auxiliary outputs: what the network gets and what it learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.nn.functional import cross_entropy

from skinfw.data.metadata import modalities_from_record, modalities_record
from skinfw.data.table import load_data
from skinfw.errors import RecipeError, SkinfwError
from skinfw.evaluation.evaluator import auxiliary_answers
from skinfw.interfaces.values import Modalities
from skinfw.models.modalities import ModalityData, check_numbers
from skinfw.recipe.plan import load_plan
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.device import choose_hardware
from skinfw.workflows.run import new_run

CPU = torch.device("cpu")
KNOWN = Modalities(
    2,
    {"age": (50.0, 10.0)},
    {"sex": ("female", "male"), "site": ("arm", "back", "leg")},
    {"veil": ("absent", "present"), "streaks": ("absent", "irregular", "regular")},
)
ROWS = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "age": ["60", "", None, "45"],
        "sex": ["male", "unknown", "female", " female "],
        "site": ["leg", "nose", None, "arm"],
        "veil": ["present", "absent", "", "present"],
        "streaks": ["regular", None, "", "absent"],
    }
)


def beside(weight: float = 1.0) -> ModalityData:
    return ModalityData(KNOWN, weight, ROWS, CPU)


def test_metadata_are_numbers_about_zero_and_places_of_words() -> None:
    (outputs,) = beside().inputs(torch.tensor([0, 1, 2, 3]))
    nan = np.nan
    expected = [[1.0, 1, 2], [nan, nan, nan], [nan, 0, nan], [-0.5, 0, 0]]
    np.testing.assert_allclose(outputs.numpy(), np.array(expected, np.float32))


def test_every_view_of_an_image_gets_its_metadata() -> None:
    (outputs,) = beside().inputs(torch.tensor([3, 0]), views=2)
    assert outputs[:, 1].tolist() == [0, 0, 1, 1]


def test_without_metadata_the_network_gets_images_alone() -> None:
    assert ModalityData(Modalities(), 1.0, ROWS, CPU).inputs(torch.tensor([0])) == ()


def test_the_auxiliary_loss_is_the_mean_over_outputs_of_those_who_know() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 3 + 5)
    veil = cross_entropy(logits[[0, 1, 3], 3:5], torch.tensor([1, 0, 1]))
    streaks = cross_entropy(logits[[0, 3], 5:], torch.tensor([2, 0]))
    loss = beside(weight=0.5).loss(logits, torch.tensor([0, 1, 2, 3]))
    assert float(loss) == pytest.approx(0.5 * float(veil + streaks) / 2, abs=1e-6)


def test_a_batch_in_which_nobody_knows_costs_nothing() -> None:
    logits = torch.randn(1, 8, requires_grad=True)
    loss = beside().loss(logits, torch.tensor([2]))
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and not logits.grad.any()


def test_answers_are_averaged_over_views() -> None:
    logits = torch.zeros(4, 2, 5)
    logits[0, :, 1] = torch.tensor([0.0, 100.0])
    answers = auxiliary_answers(beside(), logits)
    assert answers["veil"].true.tolist() == [1, 0, -1, 1]
    assert answers["veil"].probabilities[0] == pytest.approx([0.25, 0.75])
    assert answers["streaks"].values == ("absent", "irregular", "regular")


def test_run_json_gives_back_what_it_was_given() -> None:
    import json

    assert modalities_from_record(json.loads(json.dumps(modalities_record(KNOWN)))) == KNOWN
    assert modalities_from_record({}) == Modalities()


def test_several_pictures_become_channels_in_their_order() -> None:
    hardware = choose_hardware(EngineSettings(device="cpu"))
    images = torch.randint(0, 256, (3, 2, 8, 6, 3), dtype=torch.uint8)
    normalise = hardware.normaliser(torch.nn.Identity())
    normal = normalise(images)
    assert normal.shape == (3, 6, 8, 6)
    for picture in range(2):
        alone = normalise(images[:, picture])
        assert torch.equal(normal[:, 3 * picture : 3 * picture + 3], alone)


# A data set of pairs whose class only the second picture and the metadata tell.

HEAD = """
extends = "tiny.toml"

[dataset]
use = "csv"
file = "cases.csv"
images = "shots"
pictures = ["clinic"]

[modalities]
pictures = ["clinic"]
numbers = ["age"]
categories = ["sex"]
auxiliary = ["veil"]

[[modify]]
use = "multimodal-head"
"""


@pytest.fixture
def cases(tiny: Path) -> Path:
    """A recipe on pairs of pictures; the tiny recipe lies beside it."""
    folder, rng = tiny.parent, np.random.default_rng(0)
    (folder / "shots").mkdir()
    rows = []
    for number in range(48):
        label, paths = "ab"[number % 2], []
        for kind in ("derm", "clinic"):
            grey = 200 if kind == "clinic" and label == "b" else 60
            pixels = rng.integers(0, 40, (40, 48, 3)) + grey
            paths.append(f"{kind}{number}.png")
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "shots" / paths[-1])
        age = "" if number % 5 == 0 else str(40 + number)
        sex = ("male", "female", "unknown")[number % 3]
        veil = "" if number % 7 == 0 else ("absent", "present")[number % 2]
        rows.append((f"i{number}", paths[0], label, paths[1], age, sex, veil))
    columns = ["id", "path", "label", "clinic", "age", "sex", "veil"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "cases.csv", index=False)
    recipe = folder / "cases.toml"
    recipe.write_text(HEAD)
    return recipe


@pytest.fixture
def train_cases(cases: Path, train: Any, tiny: Path) -> Any:
    """Train the recipe of pairs instead of the tiny one."""
    tiny.rename(tiny.with_name("base.toml"))
    cases.write_text(cases.read_text().replace("tiny.toml", "base.toml"))
    cases.rename(tiny)
    return train


def test_the_network_learns_from_the_second_picture_and_answers_beside(train_cases: Any) -> None:
    result, folder = train_cases("train.epochs=8", "optimizer.lr=0.02")
    predictions = result.predictions["test"]
    assert result.metrics["test"]["balanced_accuracy"] > 0.9
    veil = predictions.auxiliary["veil"]
    known = veil.true >= 0
    assert (veil.probabilities.argmax(1) == veil.true)[known].mean() > 0.8
    assert veil.probabilities.sum(1) == pytest.approx(np.ones(len(known)))
    assert folder.record["modalities"]["categories"] == {"sex": ("female", "male")}
    assert len(result.explanations[0].maps) >= 4


def test_a_run_of_pairs_does_not_predict_single_images(train_cases: Any) -> None:
    from skinfw.inference.trained_model import load_trained_model

    _, folder = train_cases("train.epochs=1")
    with pytest.raises(SkinfwError) as error:
        load_trained_model(folder.path).check_pictures(["age"])
    assert "2 pictures of a lesion" in error.value.what and "without clinic" in error.value.why
    load_trained_model(folder.path).check_pictures(["clinic"])


def test_metadata_that_an_image_lacks_count_as_missing(train_cases: Any) -> None:
    from skinfw.inference.trained_model import load_trained_model
    from skinfw.toolkit import TorchPredictor

    _, folder = train_cases("train.epochs=1", "modalities.pictures=[]")
    saved = load_trained_model(folder.path)
    saved.check_pictures()
    assert any("age, sex are not given" in mark for mark in saved.image_marks())
    assert any("sex are not given" in mark for mark in saved.image_marks(["age"]))
    assert not any("not given" in mark for mark in saved.image_marks(["age", "sex"]))
    images = np.zeros((3, 32, 32, 3), np.uint8)
    chances = TorchPredictor(saved).probabilities(images)
    assert chances.shape == (3, 2) and chances.sum(1) == pytest.approx(np.ones(3))


def test_a_data_set_that_tells_less_leaves_the_rest_unknown(
    train_cases: Any, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from skinfw.cli import main

    rows = pd.read_csv(tmp_path / "cases.csv").tail(8)
    rows = rows.assign(id=[f"x{name}" for name in rows["id"]])
    rows[["id", "path", "label"]].to_csv(tmp_path / "less.csv", index=False)
    other = tmp_path / "less.toml"
    other.write_text(
        'extends = "base.toml"\n[dataset]\nuse = "csv"\nfile = "less.csv"\nimages = "shots"\n'
    )
    _, alone = train_cases("train.epochs=1", "modalities.pictures=[]")
    words = ["--dataset", str(other), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["evaluate", str(alone.path), *words])
    assert done.exit_code == 0, done.output
    assert "does not tell age, sex, veil: they count as unknown" in done.output
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 8
    _, paired = train_cases("train.epochs=1")
    done = CliRunner().invoke(main, ["evaluate", str(paired.path), *words])
    assert done.exit_code == 2 and "has no pictures in clinic" in done.output


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ('modalities.numbers=["agee"]', 'did you mean "age"'),
        ('modalities.numbers=["sex"]', "are no numbers"),
        ("modify=[]", "makes use of [modalities]"),
        ('mix.use="mixup"', "mixed images have no partners, no metadata"),
        ('sampler.use="pairs"', "the network has one branch"),
        ("explainer.0.layer=blocks", 'the backbone has no layer "blocks"'),
    ],
)
def test_what_cannot_be_is_told_before_training(train_cases: Any, change: str, what: str) -> None:
    with pytest.raises(SkinfwError) as error:
        train_cases(change)
    assert what in str(error.value)
    assert isinstance(error.value, RecipeError)


def test_a_number_in_any_part_is_told_by_its_line_before_a_run_begins(
    train_cases: Any, tiny: Path
) -> None:
    file = tiny.parent / "cases.csv"
    rows = pd.read_csv(file, dtype=str).assign(depth="0.4")
    last = len(rows) - 1
    plan = load_plan(tiny, ('modalities.numbers=["depth"]',))
    rows.to_csv(file, index=False)
    check_numbers(plan, load_data(plan).rows)
    rows.loc[last, "depth"] = "deep"
    rows.to_csv(file, index=False)
    plan = load_plan(tiny, ('modalities.numbers=["depth"]',))
    with pytest.raises(RecipeError, match='"depth" are no numbers') as error:
        new_run(plan, tiny.parent / "none")
    assert error.value.where == f"{file}:{last + 2}"
    assert not (tiny.parent / "none").exists()


def test_a_column_without_a_value_is_refused(train_cases: Any, tiny: Path) -> None:
    file = tiny.parent / "cases.csv"
    pd.read_csv(file).assign(age=np.nan).to_csv(file, index=False)
    with pytest.raises(RecipeError, match="has no value in the training part"):
        train_cases()
