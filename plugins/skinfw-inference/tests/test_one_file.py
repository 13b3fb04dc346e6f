"""A model that is one HTML file: its maps, its numbers, what it holds and what it refuses."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import TINY, Run

from skinfw import SkinfwError
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.component import plan_component
from skinfw.recipe.places import Origin
from skinfw.recipe.plan import load_plan
from skinfw.registry.catalog import Catalog
from skinfw.toolkit import load_trained_model, named_explainer, run_explainers
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

if not (find_spec("onnx") and find_spec("onnxruntime")):
    pytest.skip("needs the extra onnx", allow_module_level=True)

from skinfw_inference.graph import Graph
from skinfw_inference.one_file import runtime_web
from skinfw_inference.one_file.class_maps import MappedGraph, find_class_maps
from skinfw_inference.one_file.export import export_page
from skinfw_inference.one_file.variants import halve_weights, quantise
from skinfw_inference.onnx_export import write_graph

BACKBONES = '''
from torch import nn


def layers(classes):
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, len(classes)),
    )
    return model


def straight(classes) -> nn.Module:
    """Pool and weigh the layer to explain."""
    model = layers(classes)
    model.cam_layer = "3"
    return model


def bent(classes) -> nn.Module:
    """Bend what the layer to explain gives."""
    model = layers(classes)
    model.cam_layer = "2"
    return model
'''
CALIBRATION = {
    "temperature": 1.7,
    "limits": {"MEL": 0.9, "NV": 0.7, "BCC": None},
    "sets": "aps",
    "coverage": 0.9,
    "unknown": 0.4,
}
ORIGIN = Origin("a test", Path.cwd())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small network for a batch; returns the run folder."""
    place = tmp_path_factory.mktemp("runs")
    (place / "nets.py").write_text(BACKBONES)
    (place / "tiny.toml").write_text(TINY)
    few = ("train.limit_batches=1", "train.epochs=1", "explainer=[]")
    plan = load_plan(place / "tiny.toml", (*few, f"backbone.use={place / 'nets.py'}:straight"))
    folder = RunFolder.create(place, plan)
    execute_run(plan, folder, lambda _: None)
    return folder.path


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand for the unpacked package: files of no use, whose checksums are the right ones."""
    folder, digests = tmp_path / "package", {}
    for name in runtime_web.DIGESTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
        digests[name] = hashlib.sha256(name.encode()).hexdigest()
    monkeypatch.setattr(runtime_web, "DIGESTS", digests)
    return folder


def page_of(run: Path, runtime: Path, file: Path, **options: Any) -> str:
    model = load_trained_model(run, **options)
    export_page(model, file, "fp32", runtime, lambda _: None)
    return file.read_text(encoding="utf-8")


def changed(run: Path, place: Path, recipe: dict[str, Any], **record: Any) -> Path:
    """Copy a run whose record tells something else; what it has learned stays."""
    shutil.copytree(run, place)
    known = json.loads((place / "run.json").read_text())
    known = {**known, **record, "recipe": {**known["recipe"], **recipe}}
    (place / "run.json").write_text(json.dumps(known))
    return place


def test_the_maps_of_the_graph_are_those_of_grad_cam(run: Path) -> None:
    model = load_trained_model(run)
    graph = Graph(model).eval()
    maps = find_class_maps(graph, model)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    with torch.no_grad():
        probabilities, found = MappedGraph(graph, maps)(torch.from_numpy(images))
    assert torch.equal(probabilities, graph(torch.from_numpy(images)))
    size = torch.nn.functional.interpolate(found, (32, 32), mode="bilinear", align_corners=False)
    highest = size.amax((2, 3), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    network, normalised = graph.networks[0], graph._normalise[0](torch.from_numpy(images))
    component, _ = plan_component(
        KINDS["explainer"], ("explainer", 0), {"use": "grad-cam"}, ORIGIN, "", Catalog(), None
    )
    assert component
    grad_cam, speaks = component.make(), False
    for label in range(len(model.classes)):
        expected = grad_cam(network, normalised, torch.full((4,), label))
        speaks |= bool(expected.any())
        torch.testing.assert_close((size / highest)[:, label], expected, atol=1e-4, rtol=0)
    assert speaks


def test_a_head_that_is_not_linear_has_no_map_and_says_so(
    run: Path, runtime: Path, tmp_path: Path
) -> None:
    use = {"use": f"{run.parent / 'nets.py'}:bent"}
    page = page_of(changed(run, tmp_path / "bent", {"backbone": use}), runtime, tmp_path / "b.html")
    assert "what follows the layer 2 is not linear" in page


def test_a_layer_of_the_recipe_with_a_bent_head_gives_way_to_the_declared_one(
    run: Path, tmp_path: Path
) -> None:
    own = {"explainer": [{"use": "grad-cam", "layer": "2", "images": 1}]}
    model = load_trained_model(changed(run, tmp_path / "other", own))
    about = find_class_maps(Graph(model).eval(), model).about
    assert "Grad-CAM of the layer 3" in about and "own is of the layer 2" in about


def test_the_page_asks_nobody_for_anything(run: Path, runtime: Path, tmp_path: Path) -> None:
    page = page_of(run, runtime, tmp_path / "model.html")
    assert not re.findall(r"https?://|//[a-z]+\.|@import|url\(", page)
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0].replace(
        "&#39;", "'"
    )
    assert policy.startswith("default-src 'none'; ") and "unsafe-inline" not in policy
    for tag in ("style", 'script type="module"'):
        inside = re.findall(rf"<{tag}>(.*?)</{tag.split()[0]}>", page, re.DOTALL)
        (text,) = inside
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_the_page_holds_network_runtime_words_card_and_notice(
    run: Path, runtime: Path, tmp_path: Path
) -> None:
    import onnxruntime

    classes = json.loads((run / "run.json").read_text())["classes"]
    fitted = {**CALIBRATION, "limits": dict.fromkeys(classes, 0.8)}
    calibrated = changed(run, tmp_path / "calibrated", {}, calibration=fitted)
    page = page_of(calibrated, runtime, tmp_path / "model.html")
    blocks = dict(re.findall(r'<script type="text/plain" id="([^"]*)">([^<]*)</script>', page))
    unpacked = {name: gzip.decompress(base64.b64decode(own)) for name, own in blocks.items()}
    assert unpacked["runtime-wasm"] == runtime_web.WASM.encode()
    session = onnxruntime.InferenceSession(unpacked["network"])
    assert [own.name for own in session.get_outputs()] == ["probabilities", "maps"]
    about = json.loads(re.findall(r'id="about">(.*?)</script>', page)[0])
    assert about["words"]["MEL"] == "melanoma" and about["views"] == 1
    assert about["calibration"]["unknown"] == 0.4 and about["short"] == 48
    weights = hashlib.sha256((run / "best.safetensors").read_bytes()).hexdigest()
    for said in (
        "not a medical device", "synthetic images, not patients", weights, "temperature 1.70",
        "Permission is hereby granted", "balanced accuracy",
    ):  # fmt: skip
        assert said in page


def test_a_run_without_calibration_is_exported_and_told(
    run: Path, runtime: Path, tmp_path: Path
) -> None:
    page = page_of(run, runtime, tmp_path / "model.html")
    assert "no temperature was fitted" in page and "No prediction sets were fitted" in page


@pytest.mark.parametrize(
    ("recipe", "record", "what"),
    [
        ({"prepare": [{"use": "shades-of-gray"}]}, {}, "prepared by shades-of-gray"),
        ({}, {"modalities": {"numbers": {"age": [50.0, 9.0]}}}, "gets metadata"),
        ({"view": {"use": "./views.py:Own"}}, {}, 'by the view "./views.py:Own"'),
    ],
)
def test_what_a_page_cannot_ask_for_is_refused(
    recipe: dict[str, Any], record: dict[str, Any], what: str,
    run: Path, runtime: Path, tmp_path: Path,
) -> None:  # fmt: skip
    other = changed(run, tmp_path / "other", recipe, **record)
    with pytest.raises(SkinfwError, match="cannot be one HTML file") as refused:
        page_of(other, runtime, tmp_path / "model.html")
    assert what in refused.value.why and "--onnx" in refused.value.cure
    assert not (tmp_path / "model.html").exists()


def test_a_run_of_a_newer_skinfw_is_refused(run: Path, runtime: Path, tmp_path: Path) -> None:
    newer = changed(run, tmp_path / "newer", {}, versions={"skinfw": "99.0"})
    with pytest.raises(SkinfwError, match=r"made by skinfw 99\.0") as refused:
        page_of(newer, runtime, tmp_path / "model.html")
    assert refused.value.cure


@pytest.fixture
def onnx_file(run: Path, tmp_path: Path) -> Path:
    model = load_trained_model(run)
    graph, file = Graph(model).eval(), tmp_path / "full.onnx"
    write_graph(graph, graph, ("probabilities",), model, file)
    return file


@pytest.mark.parametrize("variant", ["fp16", "int8"])
def test_a_variant_is_smaller_and_answers_nearly_alike(
    variant: str, onnx_file: Path, tmp_path: Path
) -> None:
    import onnxruntime

    small = tmp_path / "small.onnx"
    images = np.random.default_rng(3).integers(0, 256, (8, 32, 32, 3), np.uint8)
    if variant == "fp16":
        halve_weights(onnx_file, small)
    else:
        quantise(onnx_file, small, list(images))
    one, other = (onnxruntime.InferenceSession(file) for file in (onnx_file, small))
    answers = [own.run(["probabilities"], {"images": images})[0] for own in (one, other)]
    far = np.abs(answers[0] - answers[1]).max()
    assert 0 < far < (1e-3 if variant == "fp16" else 0.05)
    texts = [own.get_modelmeta().custom_metadata_map for own in (one, other)]
    assert texts[0] == texts[1] and "classes" in texts[0]
    if variant == "fp16":
        assert small.stat().st_size < onnx_file.stat().st_size


def test_what_a_variant_loses_is_measured_where_the_data_are(
    run: Path, runtime: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    page = export_page(
        load_trained_model(run), tmp_path / "small.html", "int8", runtime, said.append
    )
    assert re.search(
        r"On the \d+ images of \d+ lesions of the test part, the balanced accuracy is 0\.\d+, .* "
        r"95 % interval [+-]0\.\d+ to [+-]0\.\d+",
        page.loss,
    )
    assert page.loss in (tmp_path / "small.html").read_text()
    assert "int8 on 59 images that are not of the test part" in said[0]


def test_another_file_than_the_one_that_was_tried_is_refused(runtime: Path) -> None:
    (runtime / runtime_web.WASM).write_bytes(b"another")
    with pytest.raises(SkinfwError, match="is not that of version") as refused:
        runtime_web.find_runtime(runtime)
    assert "--runtime-web" in refused.value.cure


@pytest.fixture
def npm(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put an npm first in the path that packs the runtime of the tests."""
    monkeypatch.setenv("SKINFW_CACHE", str(tmp_path / "cache"))
    archive, folder = tmp_path / "packed.tgz", tmp_path / "bin"
    with tarfile.open(archive, "w:gz") as members:
        for name in runtime_web.DIGESTS:
            content = (runtime / name).read_bytes()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    folder.mkdir()
    program = folder / "npm"
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, shutil, sys\n"
        f"assert sys.argv[1:3] == ['pack', 'onnxruntime-web@{runtime_web.VERSION}']\n"
        f"shutil.copy({str(archive)!r}, 'onnxruntime-web.tgz')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    yield program


@pytest.mark.skipif(sys.platform == "win32", reason="npm is another kind of program there")
def test_npm_fetches_the_runtime_once(npm: Path, tmp_path: Path) -> None:
    first = runtime_web.find_runtime(None)
    npm.unlink()
    assert runtime_web.find_runtime(None) == first
    assert first.wasm == runtime_web.WASM.encode()


@pytest.mark.skipif(sys.platform == "win32", reason="npm is another kind of program there")
def test_what_npm_fetches_is_kept_only_where_it_is_what_was_tried(
    npm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = dict(runtime_web.DIGESTS)
    monkeypatch.setattr(runtime_web, "DIGESTS", {**right, runtime_web.WASM: "0" * 64})
    with pytest.raises(SkinfwError, match="onnxruntime-web is not here") as refused:
        runtime_web.find_runtime(None)
    assert f"the SHA-256 of package/{runtime_web.WASM} is another one" in refused.value.why
    assert not list((tmp_path / "cache").rglob("*.wasm"))
    monkeypatch.setattr(runtime_web, "DIGESTS", right)
    assert runtime_web.find_runtime(None).wasm == runtime_web.WASM.encode()


@pytest.mark.skipif(sys.platform == "win32", reason="npm is another kind of program there")
@pytest.mark.parametrize("cut", [b"no archive", 300])
def test_an_archive_that_is_damaged_is_told(npm: Path, tmp_path: Path, cut: bytes | int) -> None:
    archive = tmp_path / "packed.tgz"
    content = archive.read_bytes()
    if isinstance(cut, int):  # the checksum of what is packed does not fit any more
        cut = content[:60] + bytes(byte ^ 255 for byte in content[60:90]) + content[90:]
    archive.write_bytes(cut)
    with pytest.raises(SkinfwError, match="onnxruntime-web is not here"):
        runtime_web.find_runtime(None)


def test_without_npm_the_cure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINFW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SkinfwError, match="onnxruntime-web is not here") as refused:
        runtime_web.find_runtime(None)
    assert refused.value.why == "npm is not installed" and "--runtime-web" in refused.value.cure


@pytest.mark.parametrize(
    ("table", "parameters"),
    [
        ({"use": "grad-cam", "layer": "auto"}, {"layer": "0"}),
        ({"use": "auto"}, {"method": "grad-cam", "layer": "0"}),
    ],
)
def test_the_layer_that_a_run_has_chosen_is_the_one_of_its_file(
    table: dict[str, str], parameters: dict[str, str], run: Path, tmp_path: Path
) -> None:
    choice = {"use": table["use"], "parameters": parameters, "text": [],
              "table": {"caption": "", "head": [], "rows": []}}  # fmt: skip
    recipe = {"explainer": [table]}
    model = load_trained_model(changed(run, tmp_path / "chosen", recipe, explainers=[choice]))
    (own,) = run_explainers(model, "rise")
    assert own.arguments["layer"] == "0", "serve and explain ask this one"
    assert named_explainer(model, table["use"], "a test").arguments["layer"] == "0"
    assert "The run's own is of the layer 0" in find_class_maps(Graph(model).eval(), model).about


def test_another_runtime_is_refused_in_four_lines(run: Path, skinfw: Run, tmp_path: Path) -> None:
    for name in runtime_web.DIGESTS:
        (tmp_path / "old" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "old" / name).write_bytes(b"an older one")
    with pytest.raises(SkinfwError, match=r"is not that of version 1\.30\.0") as error:
        page_of(run, tmp_path / "old", tmp_path / "page.html")
    assert all((error.value.where, error.value.why, error.value.cure))
    done = skinfw("export", str(run), "--onnx", "--variant", "fp16")
    assert done.returncode == 2 and "belong to --html" in done.stderr
