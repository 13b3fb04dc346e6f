"""A trained network answers the same, whoever computes it and wherever it is opened."""

import json
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support import ROOT, TINY_BACKBONE, remembered_runs

from skinfw.errors import RecipeError, SkinfwError
from skinfw.inference.model_evaluator import ModelEvaluator
from skinfw.inference.prediction import Case, CasePreparation, predict_images
from skinfw.inference.torch_model import TorchPredictor
from skinfw.inference.trained_model import load_trained_model
from skinfw.models.autotune import has_bf16_units
from skinfw.models.freezing import head_name
from skinfw.toolkit import find_images, find_listed_images, image_ids

SIZE = 32
DATA = """
    import dataclasses
    from pathlib import Path

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Files:
        '''Read files whose names say the class.'''

        root: Path
        most_red: int = 12

        classes = ("dark", "bright", "red")

        def table(self):
            import pandas as pd

            from skinfw import DataTable

            files = sorted(self.root.rglob("*.*g"))
            red = [file for file in files if file.stem.startswith("red")]
            files = [file for file in files if file not in red[self.most_red :]]
            labels = [file.stem.split("-")[0] for file in files]
            names = [file.stem for file in files]
            columns = dict(id=names, path=map(str, files), label=labels, lesion=names)
            return DataTable(pd.DataFrame(columns))
"""
RECIPE = """
    [dataset]
    use = "./data.py:Files"
    root = "pictures"
    [backbone]
    use = "./tiny.py:tiny"
    [split]
    use = "lesion-stratified"
    val = 0.25
    test = 0.4
    [image]
    size = 32
    [train]
    epochs = 2
    batch_size = 4
    [engine]
    precision = "fp32"
    cache = false
    [[report]]
    use = "history"
"""
Trained = Callable[..., Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Train on image files; returns the run folder, one per setting for all tests."""
    place = tmp_path_factory.mktemp("inference")
    draw(place / "pictures")
    (place / "data.py").write_text(textwrap.dedent(DATA))
    (place / "tiny.py").write_text(TINY_BACKBONE)
    recipe = place / "files.toml"
    recipe.write_text(textwrap.dedent(RECIPE))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield remembered_runs(recipe)


def draw(folder: Path) -> None:
    """Draw images of three classes in sizes and formats that differ."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    colours = {"dark": (40, 30, 30), "bright": (220, 200, 190), "red": (200, 60, 50)}
    for number in range(36):
        name, colour = list(colours.items())[number % 3]
        height, width = 40 + number, 90 - number
        pixels = np.clip(rng.normal(colour, 40, (height, width, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}-{number}.{('jpg', 'png')[number % 2]}")


def own_predictions(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "predictions.csv").set_index("id")


def paths_of(run: Path, ids: Any) -> list[str]:
    files = {file.stem: str(file) for file in (run.parents[1] / "pictures").iterdir()}
    return [files[name] for name in ids]


def answers(network: Any, paths: list[str], batch_size: int = 8) -> np.ndarray:
    predictions = list(predict_images([Case(path) for path in paths], network, batch_size))
    assert not [answer for answer in predictions if isinstance(answer, SkinfwError)]
    return np.stack(predictions)


def exported(run: Path, file: Path) -> Path:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    from skinfw_inference.onnx_export import export

    assert export(load_trained_model(run), file) <= 1e-4
    return file


def opened(file: Path, rows: int = 8) -> Any:
    from skinfw_inference.onnx_predictor import OnnxPredictor

    return OnnxPredictor(file, rows)


RARE = "dataset.most_red=6"
VIEWS = {
    "one view": (),
    "four views": ('view.use="dihedral"',),
    "nine views that vote": (
        'view={use="multi-crop", grid=3, resize=2.0, scores="sigmoid", combine="vote"}',
    ),
    "four views that are adjusted": ('view={use="dihedral", logit_adjustment=0.5}', RARE),
    "prepared images and another head": (
        'prepare=[{use="border-crop", pixels=2}, {use="shades-of-gray"}]',
        'modify=[{use="cosine-head", scale=8.0}, {use="drop-block", after=["0"]}]',
    ),
}


@pytest.mark.parametrize("sets", VIEWS.values(), ids=VIEWS)
def test_torch_repeats_the_predictions_of_the_run(trained: Trained, sets: tuple[str, ...]) -> None:
    run = trained(*sets)
    own = own_predictions(run)
    network = TorchPredictor(load_trained_model(run))
    outputs = answers(network, paths_of(run, own.index))
    assert np.abs(outputs - own[list(network.trained_model.classes)].to_numpy()).max() < 1e-5


def test_features_are_those_of_the_data_set_and_end_in_the_probabilities(trained: Trained) -> None:
    run = trained(*VIEWS["prepared images and another head"])
    saved = load_trained_model(run)
    ids = own_predictions(run).index
    rows = pd.DataFrame({"id": ids, "path": paths_of(run, ids), "lesion": ids})
    rows["label"] = [name.partition("-")[0] for name in ids]
    (dataset,) = saved.components("dataset")
    expected = ModelEvaluator(saved).features(rows, dataset.make())
    predictor, prepare = TorchPredictor(saved), CasePreparation(saved)
    cases = [prepare(Case(path)) for path in rows["path"]]
    views = np.stack([case.views[0] for case in cases if not isinstance(case, SkinfwError)])
    chances, features = predictor.probabilities_and_features(views)
    assert (chances == predictor.probabilities(views)).all()
    assert features == pytest.approx(expected.values, abs=1e-5)
    with torch.inference_mode():
        head = predictor.model.get_submodule(head_name(predictor.model))
        assert head(torch.from_numpy(features)).softmax(1).numpy() == pytest.approx(
            chances, abs=1e-5
        )


@pytest.mark.parametrize("sets", VIEWS.values(), ids=VIEWS)
def test_onnx_repeats_the_predictions_of_the_run(
    trained: Trained, tmp_path: Path, sets: tuple[str, ...]
) -> None:
    run = trained(*sets)
    own = own_predictions(run)
    network = opened(exported(run, tmp_path / "model.onnx"))
    outputs = answers(network, paths_of(run, own.index))
    assert np.abs(outputs - own[list(network.trained_model.classes)].to_numpy()).max() < 1e-4


def test_a_run_is_adjusted_by_the_images_that_it_trained_on(trained: Trained) -> None:
    view = 'view={use="center", logit_adjustment='
    plain, run = (own_predictions(trained(view + strength, RARE)) for strength in ("0}", "0.5}"))
    parts = pd.read_csv(trained(view + "0.5}", RARE) / "splits.csv")
    counts = parts.loc[parts["part"] == "train", "label"].value_counts()
    classes = ["dark", "bright", "red"]
    assert counts["red"] < counts["dark"]
    expected = plain[classes] / (counts[classes] / counts.sum()) ** 0.5
    expected = expected.div(expected.sum(axis=1), axis=0)
    assert np.abs(run.loc[plain.index, classes] - expected).to_numpy().max() < 1e-6


def test_a_run_that_counted_no_images_cannot_be_adjusted(trained: Trained, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained(), tmp_path / "old"))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "class_counts": {}}))
    assert (
        len(answers(TorchPredictor(load_trained_model(run)), paths_of(trained(), ["dark-0"]))) == 1
    )
    with pytest.raises(SkinfwError, match="how many images of each class"):
        _ = load_trained_model(run, ["view.logit_adjustment=0.5"]).view_averaging


def test_several_views_are_not_the_first_view(trained: Trained) -> None:
    run = trained(*VIEWS["four views"])
    paths = paths_of(run, own_predictions(run).index)
    network = TorchPredictor(load_trained_model(run))
    several = answers(network, paths)
    saved = load_trained_model(run)
    saved.tables["view"]["count"] = 1
    assert np.abs(answers(TorchPredictor(saved), paths) - several).max() > 1e-3


def test_the_precision_of_the_run_is_kept_where_the_cpu_has_it(trained: Trained) -> None:
    run = trained("engine.precision=bf16", "engine.device=cpu")
    own = own_predictions(run)
    network = TorchPredictor(load_trained_model(run))
    if torch.cuda.is_available():
        pytest.skip("a run of the CPU is computed on the GPU here")
    outputs = answers(network, paths_of(run, own.index), network.trained_model.batch_size)
    assert np.abs(outputs - own[list(network.trained_model.classes)].to_numpy()).max() < (
        1e-5 if has_bf16_units() else 0.05
    )


def test_the_file_works_with_onnx_runtime_alone(trained: Trained, tmp_path: Path) -> None:
    """The oracle is the network's formula, written out with the weights of the run."""
    file = exported(trained(), tmp_path / "model.onnx")
    import onnxruntime

    weights = load_file(trained() / "best.safetensors")
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    values = (pixels - mean[:, None, None]) / std[:, None, None]
    values = torch.nn.functional.conv2d(values, weights["0.weight"], weights["0.bias"], stride=2)
    values = torch.nn.functional.batch_norm(
        values, weights["1.running_mean"], weights["1.running_var"],
        weights["1.weight"], weights["1.bias"],
    )  # fmt: skip
    logits = values.relu().mean((2, 3)) @ weights["6.weight"].T + weights["6.bias"]
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for count in (1, 5):
        (chances,) = session.run(["probabilities"], {"images": images[:count]})
        assert chances.shape == (count, 3)
        assert np.abs(chances - logits.softmax(1).numpy()[:count]).max() < 1e-5


def test_the_file_says_how_it_is_used(trained: Trained, tmp_path: Path) -> None:
    run = trained("train.limit_batches=1")
    file = exported(run, tmp_path / "model.onnx")
    import onnx

    texts = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert json.loads(texts["classes"]) == ["dark", "bright", "red"]
    assert json.loads(texts["image"])["size"] == SIZE
    assert json.loads(texts["view"]) == {
        "use": "center",
        "resize": pytest.approx(256 / 224),
        "scores": "softmax",
        "combine": "average",
        "logit_adjustment": 0.0,
    }
    assert json.loads(texts["training_images"]) == [4, 4, 4]
    assert "Resize the short side" in texts["view_does"]
    assert json.loads(texts["backbone"])["use"].endswith("tiny.py:tiny")
    assert json.loads(texts["marks"]) == ["a quick look: 1 training batches per epoch"]
    assert texts["notice"] == "research software, not a medical device"
    assert texts["skinfw_version"] and "uint8 RGB [N, 32, 32, 3]" in texts["input"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_batch_of_any_size_gives_the_same_answers(trained: Trained, tmp_path: Path) -> None:
    run = trained()
    file = exported(run, tmp_path / "model.onnx")
    paths = paths_of(run, own_predictions(run).index)
    whole = answers(opened(file, rows=len(paths)), paths, len(paths))
    for batch in (1, 4, 7):
        assert np.abs(answers(opened(file, batch), paths, batch) - whole).max() < 1e-6


BRANCHES = """
    from torch import nn

    class Branches(nn.Module):
        cam_layer = "head"

        def __init__(self, count):
            super().__init__()
            self.head = nn.Linear(3, count)

        def forward(self, x):
            means = x.mean((2, 3))
            return self.head(means if {condition} else -9 * means)

    def branches(classes, *, unused: int = 0) -> nn.Module:
        return Branches(len(classes))
"""


def test_a_file_whose_answers_differ_is_not_kept(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    from skinfw_inference.onnx_export import export

    code = textwrap.dedent(BRANCHES).format(condition="bool(x.mean() > 0)")
    (tmp_path / "branches.py").write_text(code)
    run = trained(f"backbone.use='{tmp_path / 'branches.py'}:branches'")
    kept = tmp_path / "model.onnx"
    kept.write_text("an older file")
    with pytest.raises(SkinfwError, match="ONNX Runtime and torch differ by") as error:
        export(load_trained_model(run), kept)
    assert "--runtime torch" in error.value.cure
    assert kept.read_text() == "an older file" and not list(tmp_path.glob("*.partial"))


def test_a_network_that_cannot_be_traced_is_said(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    from skinfw_inference.onnx_export import export

    code = textwrap.dedent(BRANCHES).format(condition="True").replace("x.mean(", "turned(x).mean(")
    code += "import torch\ndef turned(x):\n    return torch.fft.fft2(x).real\n"
    (tmp_path / "turning.py").write_text(code)
    run = trained(f"backbone.use='{tmp_path / 'turning.py'}:branches'")
    with pytest.raises(SkinfwError, match="the network cannot be exported"):
        export(load_trained_model(run), tmp_path / "model.onnx")
    assert not list(tmp_path.glob("model*"))


def test_the_program_of_the_docs_needs_no_skinfw(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained()
    file = exported(run, tmp_path / "lesions.onnx")
    monkeypatch.chdir(tmp_path)
    program, _ = re.findall(
        r"^```py\n(.*?)^```", (ROOT / "docs" / "inference.md").read_text(), re.M | re.S
    )
    assert "skinfw" not in program
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (7, 9, 3), np.uint8)
        Image.fromarray(noise).resize((200, 150)).save("lesion.jpg", quality=95)
        result: dict[str, Any] = {}
        exec(program, result)
        expected = answers(opened(file, 1), ["lesion.jpg"], 1)
        assert np.abs(result["probabilities"] - expected).max() < 0.01


def test_bad_images_stop_no_other(trained: Trained, tmp_path: Path) -> None:
    run = trained()
    good = paths_of(run, own_predictions(run).index)[:3]
    content = Path(good[0]).read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    bad = [str(tmp_path / name) for name in ("half.jpg", "empty.jpg", "absent.jpg")]
    network = TorchPredictor(load_trained_model(run))
    mixed = [good[0], bad[0], good[1], bad[1], bad[2], good[2]]
    predictions = list(predict_images([Case(path) for path in mixed], network, 2))
    named = list(zip(mixed, predictions, strict=True))
    failed = {path: answer for path, answer in named if isinstance(answer, SkinfwError)}
    assert list(failed) == bad
    assert "is empty" in failed[bad[1]].why and "does not exist" in failed[bad[2]].why
    right = [answer for answer in predictions if not isinstance(answer, SkinfwError)]
    assert np.abs(np.stack(right) - answers(network, good)).max() < 1e-6


def test_only_a_few_batches_are_decoded_ahead(trained: Trained) -> None:
    """Memory does not grow with the number of images."""
    run = trained()
    paths = paths_of(run, own_predictions(run).index) * 100
    network = TorchPredictor(load_trained_model(run))
    center, seen = network.trained_model.view.make(size=network.trained_model.image.size), []

    class Counting:
        def plan(self, size: tuple[int, int]) -> Any:
            seen.append(size)
            return center.plan(size)

    counting = replace(network.trained_model.view, implementation=lambda **_: Counting())
    vars(network.trained_model)["view"] = counting
    stream = predict_images([Case(path) for path in paths], network, 2)
    next(stream)
    stream.close()
    assert 2 <= len(seen) < len(paths) / 10


def test_ids_are_stems_unless_two_are_the_same() -> None:
    assert image_ids(["b/one.jpg", "a/two.png"]) == ["one", "two"]
    assert image_ids(["a/one.jpg", "a/b/one.jpg", "a/two.jpg"]) == [
        "one.jpg",
        "b/one.jpg",
        "two.jpg",
    ]
    assert image_ids(["a/one.jpg", "a/one.png"]) == ["one.jpg", "one.png"]


def test_images_are_found_in_folders_and_by_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/2.jpg", "a/1.PNG", "a/deep/3.tif", "a/notes.txt", "a/._1.jpg", "[b].jpg"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    assert find_images(["a"]) == ["a/1.PNG", "a/2.jpg", "a/deep/3.tif"]
    assert find_images(["a/*.jpg", "a"]) == ["a/2.jpg", "a/1.PNG", "a/deep/3.tif"]
    assert find_images(["a/**/*.tif"]) == ["a/deep/3.tif"]
    assert find_images(["[b].jpg", "absent.jpg"]) == ["[b].jpg", "absent.jpg"]
    (tmp_path / "none").mkdir()
    for word in ("none", "a/*.bmp"):
        with pytest.raises(RecipeError, match="there is no image in"):
            find_images([word])


def test_a_table_names_images_and_their_ids(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("path,id\nshots/1.jpg,left\nshots/2.jpg,\n")
    images = find_listed_images(["a.png", "list.csv"])
    assert {image.path: image.id for image in images} == {
        "a.png": "a", "shots/1.jpg": "left", "shots/2.jpg": "2"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("file\na.jpg\n", "the header lacks path"),
        ("path\n", "a header and no row"),
        ("path,id\n,x\n", "has no path"),
        ("path,id\na.jpg,x\nb.jpg,x\n", 'two images have the id "x"'),
        ("path,id\na.jpg,x\na.jpg,y\n", "an image is there twice"),
        ("path,id\na.jpg,../x\n", "cannot be an id"),
    ],
)
def test_a_table_that_names_no_images_is_refused(text: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    with pytest.raises(SkinfwError) as error:
        find_listed_images([str(file)])
    assert what in error.value.what


def copied(run: Path, place: Path, **changes: Any) -> Path:
    """Copy a run folder with changes to its record."""
    place.mkdir()
    (place / "best.safetensors").write_bytes((run / "best.safetensors").read_bytes())
    record = json.loads((run / "run.json").read_text())
    (place / "run.json").write_text(json.dumps(record | changes))
    return place


def test_a_run_that_is_not_done_is_marked(trained: Trained, tmp_path: Path) -> None:
    run = copied(trained(), tmp_path / "run", status="stopped")
    assert "the run is stopped: its weights are the best so far" in load_trained_model(run).marks
    assert not [mark for mark in load_trained_model(trained()).marks if "weights" in mark]


def test_a_run_without_weights_is_refused(trained: Trained, tmp_path: Path) -> None:
    run = copied(trained(), tmp_path / "run")
    (run / "best.safetensors").unlink()
    with pytest.raises(SkinfwError, match="no weights") as error:
        load_trained_model(run)
    assert "--resume" in error.value.cure


def test_weights_of_another_network_are_refused(trained: Trained, tmp_path: Path) -> None:
    record = json.loads((trained() / "run.json").read_text())
    record["recipe"]["backbone"]["width"] = 16
    run = copied(trained(), tmp_path / "run", recipe=record["recipe"])
    with pytest.raises(SkinfwError, match="the weights do not fit"):
        TorchPredictor(load_trained_model(run))


def test_parameters_that_no_longer_exist_are_told(trained: Trained, tmp_path: Path) -> None:
    record = json.loads((trained() / "run.json").read_text())
    record["recipe"]["view"]["gone"] = 1
    run = copied(trained(), tmp_path / "run", recipe=record["recipe"])
    with pytest.raises(SkinfwError, match="when the network was trained") as error:
        _ = load_trained_model(run).view
    assert "gone" in error.value.why


def test_damaged_onnx_files_are_refused(trained: Trained, tmp_path: Path) -> None:
    file = exported(trained(), tmp_path / "model.onnx")
    import onnx

    (tmp_path / "rubbish.onnx").write_bytes(b"rubbish")
    model = onnx.load(file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    for name, what in (
        ("rubbish.onnx", "cannot be opened"),
        ("bare.onnx", "lacks the key"),
        ("absent.onnx", "no such file"),
    ):
        with pytest.raises(SkinfwError, match=what) as error:
            opened(tmp_path / name)
        assert "skinfw export" in error.value.cure
