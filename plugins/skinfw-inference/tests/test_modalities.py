"""Networks that get metadata and several pictures answer the same, whoever computes them."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from support import ROOT, TINY_BACKBONE, remembered_runs

import skinfw
from skinfw.cli import main
from skinfw.errors import RecipeError, SkinfwError
from skinfw.inference.trained_model import load_trained_model

RECIPE = """
    [dataset]
    use = "csv"
    file = "cases.csv"
    pictures = ["clinic"]
    [backbone]
    use = "./tiny.py:tiny"
    [split]
    use = "lesion-stratified"
    val = 0.25
    test = 0.4
    [image]
    size = 32
    [train]
    epochs = 3
    batch_size = 4
    [optimizer]
    use = "adam"
    lr = 0.02
    [engine]
    precision = "fp32"
    cache = false
    [evaluate]
    replicates = 0
    [[report]]
    use = "history"
    [[modify]]
    use = "multimodal-head"
    [[explainer]]
    use = "grad-cam"
    layer = "0"
    images = 4
"""
METADATA = ('modalities={numbers=["age"], categories=["sex"]}',)
PAIRS = ('modalities={pictures=["clinic"]}',)
BOTH = ('modalities={pictures=["clinic"], numbers=["age"], categories=["sex"]}',)
NETWORKS = {"metadata": METADATA, "pairs": PAIRS}
Trained = Callable[..., Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Train on cases; returns the run folder, one per setting for all tests."""
    place = tmp_path_factory.mktemp("cases")
    draw(place)
    (place / "tiny.py").write_text(TINY_BACKBONE)
    recipe = place / "cases.toml"
    recipe.write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield remembered_runs(recipe)


def draw(place: Path) -> None:
    """Write a table of cases whose second picture, age and sex tell the class."""
    rng, rows = np.random.default_rng(0), []
    for number in range(32):
        label = "ab"[number % 2]
        paths = [f"{kind}{number}.png" for kind in ("derm", "clinic")]
        for path, grey in zip(paths, (60, 60 if label == "a" else 200), strict=True):
            pixels = rng.integers(0, 40, (40, 48, 3)) + grey
            Image.fromarray(pixels.astype(np.uint8)).save(place / path)
        age = "" if number % 5 == 0 else 30.5 + number % 7 + 30 * (label == "b")
        sex = ("female", "male", "unknown")[number % 3]
        rows.append([f"i{number}", paths[0], label, paths[1], age, sex])
    columns = ["id", "path", "label", "clinic", "age", "sex"]
    pd.DataFrame(rows, columns=columns).to_csv(place / "cases.csv", index=False)


def answers(*words: str) -> pd.DataFrame:
    """Return what `skinfw predict` writes."""
    done = CliRunner().invoke(main, ["predict", *words, "--out", "answers.csv"])
    assert done.exit_code == 0, done.output
    return pd.read_csv("answers.csv").set_index("id")[["a", "b"]]


def largest(one: pd.DataFrame, other: pd.DataFrame) -> float:
    return float((one - other.loc[one.index]).abs().to_numpy().max())


@pytest.mark.parametrize("sets", NETWORKS.values(), ids=NETWORKS)
def test_a_table_gives_a_network_all_that_it_was_trained_with(
    trained: Trained, tmp_path: Path, sets: tuple[str, ...]
) -> None:
    """The oracle is what the run said of its test part."""
    pytest.importorskip("onnx", reason="needs the extra onnx")
    run = trained(*sets)
    own = pd.read_csv(run / "predictions.csv").set_index("id")[["a", "b"]]
    said = answers(str(run), "cases.csv", "--raw")
    assert largest(own, said) < 1e-5 and said["a"].std() > 0.01
    file = tmp_path / "model.onnx"
    done = CliRunner().invoke(main, ["export", str(run), "--onnx", "--out", str(file)])
    assert done.exit_code == 0, done.output
    for batch in ("1", "7"):
        words = (str(file), "cases.csv", "--raw", "--runtime", "onnx", "--batch-size", batch)
        assert largest(own, answers(*words)) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("sets", [(), BOTH], ids=["images alone", "pairs and metadata"])
def test_a_program_of_torch_answers_without_skinfw(
    trained: Trained, tmp_path: Path, sets: tuple[str, ...]
) -> None:
    run, file = trained(*(sets or ("modify=[]",))), tmp_path / "model.pt2"
    done = CliRunner().invoke(main, ["export", str(run), "--torch", "--out", str(file)])
    assert done.exit_code == 0, done.output
    texts = {"skinfw.json": ""}
    module = torch.export.load(file, extra_files=texts).module()
    about = json.loads(texts["skinfw.json"])
    assert json.loads(about["classes"]) == ["a", "b"] and about["notice"].startswith("research")
    # The middle of an image of this size is what the network sees, so that no pixel is resampled.
    rng = np.random.default_rng(1)
    shots = rng.integers(0, 256, (2, 3, 37, 37, 3), np.uint8)
    ages, sexes = [40.0, 70.0, None], ["male", None, "female"]
    known = {"age": ages, "sex": sexes, "clinic": list(shots[1])} if sets else {}
    expected = skinfw.load(run, resize=37 / 32).predict(shots[0], calibrate=False, modalities=known)
    seen = torch.from_numpy(shots[:, :, 2:34, 2:34])
    given = {"images": seen[0]}
    if sets:
        words = json.loads(about["modalities"])["categories"]["sex"]
        assert words == ["female", "male"]
        places = [[age or np.nan, words.index(sex) if sex else np.nan]
                  for age, sex in zip(ages, sexes, strict=True)]  # fmt: skip
        given = {"images": seen.transpose(0, 1), "metadata": torch.tensor(places).float()}
    for count in (1, 3):
        chances = module(**{name: own[:count] for name, own in given.items()}).numpy()
        assert np.abs(chances - expected.probabilities[:count]).max() < 1e-4


@pytest.mark.slow
def test_the_program_of_the_docs_needs_no_skinfw(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(*("modify=[]",))
    words = ["export", str(run), "--torch", "--out", str(tmp_path / "lesions.pt2")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    text = (ROOT / "docs" / "inference.md").read_text()
    program = re.findall(r"^```py\n(.*?)^```", text, re.M | re.S)[1]
    assert "import skinfw" not in program and "from skinfw" not in program
    monkeypatch.chdir(tmp_path)
    result: dict[str, Any] = {}
    exec(program, result)
    black = skinfw.load(run).predict(np.zeros((32, 32, 3), np.uint8), calibrate=False)
    assert np.abs(result["probabilities"].numpy() - black.probabilities[0]).max() < 1e-5


def test_python_gives_the_same_answers_and_explains_them(trained: Trained) -> None:
    run = trained(*BOTH)
    table = pd.read_csv("cases.csv", dtype=str)
    model = skinfw.load(run)
    known = table[["age", "sex", "clinic"]]
    said = model.predict(list(table["path"]), calibrate=False, maps=True, modalities=known)
    own = pd.read_csv(run / "predictions.csv").set_index("id")[["a", "b"]]
    said_table = pd.DataFrame(said.probabilities, columns=["a", "b"], index=table["id"])
    assert largest(own, said_table) < 1e-5
    assert said.maps is not None and said.maps.shape == (32, 32, 32) and said.maps.max() == 1
    with pytest.raises(SkinfwError, match="2 pictures of a lesion"):
        model.predict(list(table["path"]))
    with pytest.raises(RecipeError, match="1 values of age for 2 images"):
        model.predict(list(table["path"][:2]), modalities={"clinic": ["a", "b"], "age": [1]})


def test_what_a_table_lacks_is_told(trained: Trained, tmp_path: Path) -> None:
    rows = pd.read_csv("cases.csv", dtype=str).head(4)
    rows["path"] = [str(Path(path).absolute()) for path in rows["path"]]
    rows["clinic"] = [str(Path(path).absolute()) for path in rows["clinic"]]

    def predict(run: Path, table: pd.DataFrame) -> Any:
        file = tmp_path / "some.csv"
        table.to_csv(file, index=False)
        words = ["predict", str(run), str(file), "--out", str(tmp_path / "out.csv")]
        return CliRunner().invoke(main, words)

    pairs, metadata = trained(*PAIRS), trained(*METADATA)
    done = predict(pairs, rows.drop(columns="clinic"))
    assert done.exit_code == 1 and "the images come without clinic" in done.output
    done = predict(pairs, rows.assign(clinic=[*rows["clinic"][:3], ""]))
    assert done.exit_code == 1 and "the images come" not in done.output
    assert "its picture clinic is not given" in done.output
    assert len(pd.read_csv(tmp_path / "out.csv")) == 3
    done = predict(metadata, rows.drop(columns="age"))
    assert done.exit_code == 0 and "note: age are not given with an image" in done.output
    done = predict(metadata, rows.assign(sex="man"))
    assert 'sex: 4 values that training never saw, such as "man"' in done.output
    done = predict(metadata, rows.assign(age=["", "41", "55 years", "nan"]))
    assert done.exit_code == 1 and 'the age "55 years" is no number' in done.output
    assert f"{tmp_path / 'some.csv'}:4" in done.output


def test_members_trained_on_other_words_are_no_one_file(trained: Trained, tmp_path: Path) -> None:
    """Each member has its own scale of numbers, which goes into the file; words must agree."""
    pytest.importorskip("onnx", reason="needs the extra onnx")
    from skinfw_inference.graph import Graph, trial_inputs

    model = load_trained_model(trained(*METADATA))
    moved = {**model.modalities, "numbers": {"age": [0.0, 1.0]}}
    other = {**model.modalities, "categories": {"sex": ["female"]}}

    def ensemble(modalities: Any) -> Any:
        from dataclasses import replace

        member = replace(model, modalities=modalities)
        weights = replace(model.combination, weights=(0.5, 0.5))
        return replace(model, members=(model, member), combination=weights)

    images, metadata = trial_inputs(model)
    given = torch.from_numpy(images), torch.from_numpy(metadata)
    with torch.inference_mode():
        parts = [Graph(ensemble(own)).eval()(*given) for own in (model.modalities, moved)]
    assert float((parts[0] - parts[1]).abs().max()) > 1e-4
    with pytest.raises(SkinfwError, match="cannot be one exported file") as error:
        Graph(ensemble(other))
    assert "other words" in error.value.why
