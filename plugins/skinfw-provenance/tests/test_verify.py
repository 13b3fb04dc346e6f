"""`skinfw verify` and `skinfw pack` on one small run, edited in copies."""

import hashlib
import json
import os
import shutil
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from PIL import Image
from support import TINY, TINY_BACKBONE

from skinfw import SkinfwError
from skinfw.cli import main
from skinfw.data.table import class_counts, split_hash
from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder
from skinfw_provenance.archive import write_archive
from skinfw_provenance.compare import csv_differences
from skinfw_provenance.pack import choose_contents, pack_run, terms_of_data
from skinfw_provenance.pages import strip_images
from skinfw_provenance.rebuild import read_splits, rebuild
from skinfw_provenance.records import check_splits
from skinfw_provenance.verification import Verification
from skinfw_provenance.verify import verify_run

REPORTS = """
[[report]]
use = "confusion-matrix"
[[report]]
use = "explanations"
[[report]]
use = "page"
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("provenance")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "tiny.toml").write_text(
        TINY.replace("images = 4", "images = 2\nmistakes = 0") + REPORTS
    )
    plan = load_plan(place / "tiny.toml", ["train.epochs=1", "train.refit=train+val"])
    folder = RunFolder.create(place / "runs", plan)
    assert execute_run(plan, folder, lambda _: None)
    return folder.path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def verify(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["verify", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


def test_an_untouched_run_agrees_and_says_what_nobody_could_derive(run: Path) -> None:
    said = verify(run, "--data")
    assert "values of 1" in said
    assert "not verified: explanations/grad-cam-predicted.png" in said
    assert "differences" not in said


def test_the_network_is_asked_again_with_the_data_and_not_without(run: Path) -> None:
    """A report that changes pixels would else find no network, and differ from what it wrote."""
    without = rebuild(run, None, Verification()).result
    assert without.predict_changed
    with pytest.raises(SkinfwError, match="needs the data set"):
        without.predict_changed("test", [0], lambda viewed: viewed.pixels[None])
    result = rebuild(run, load_plan(run, trust=True), Verification(), trust=True).result
    assert result.predict_changed
    places = [3, 0]
    answers = result.predict_changed("test", places, lambda viewed: viewed.pixels[None])
    expected = result.predictions["test"].probabilities[places]
    np.testing.assert_allclose(answers[:, 0], expected, atol=1e-6)


def test_a_changed_number_is_named_with_what_the_predictions_give(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    true, metrics["test"]["accuracy"] = metrics["test"]["accuracy"], 0.91
    (run / "metrics.json").write_text(json.dumps(metrics))
    said = verify(run, code=1)
    assert f"metrics.json: test.accuracy says 0.91, the predictions give {true}" in said


def test_weights_and_record_are_known_by_their_checksums(run: Path) -> None:
    weights = bytearray((run / "best.safetensors").read_bytes())
    weights[-1] ^= 1
    (run / "best.safetensors").write_bytes(weights)
    record = json.loads((run / "run.json").read_text())
    record["recipe"]["train"]["batch_size"] = 16
    (run / "run.json").write_text(json.dumps(record))
    found = verify_run(run).differences
    assert "best.safetensors" in found
    assert any("recipe.train.batch_size says 16, recipe.lock has 8" in line
               for line in found["run.json"])  # fmt: skip


@pytest.mark.slow
def test_what_a_refit_has_learned_is_derived_from_the_splits(run: Path) -> None:
    weights = bytearray((run / "refit.safetensors").read_bytes())
    weights[-1] ^= 1
    (run / "refit.safetensors").write_bytes(weights)
    record = json.loads((run / "run.json").read_text())
    images = record["refit"]["images"]
    record["refit"] |= {"images": 80, "epochs": 9}
    (run / "run.json").write_text(json.dumps(record))
    found = verify_run(run).differences
    assert found["run.json"][0] == f"refit.images says 80, splits.csv gives {images}"
    assert "refit.epochs says 9, the run's files give 1" in found["run.json"]
    assert "refit.safetensors" in found


def test_nothing_outside_of_the_run_is_vouched_for(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    record = json.loads((run / "run.json").read_text())
    digest = hashlib.sha256(b"secret").hexdigest()
    record["checksums"] |= {"../secret": digest, str(tmp_path / "secret"): digest}
    (run / "run.json").write_text(json.dumps(record))
    said = verify(run, code=1)
    assert "../secret: is not there" in said and f"{tmp_path}/secret: is not there" in said


def test_a_picture_that_is_none_starts_no_other_program(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghostscript = tmp_path / "bin" / "gs"
    ghostscript.parent.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(ghostscript.parent), prepend=os.pathsep)
    with Image.open(run / "confusion_matrix.png") as picture:
        width, height = picture.size
    (run / "confusion_matrix.png").write_text(
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {width} {height}\n%%EndComments\nshowpage\n"
    )
    assert "confusion_matrix.png" in verify(run, code=1)
    assert not (tmp_path / "ran").exists()


def test_images_inside_drawings_are_taken_out_whole() -> None:
    figure = Figure()
    figure.subplots().imshow(np.random.default_rng(0).random((9, 9, 3)))
    drawing = StringIO()
    figure.savefig(drawing, format="svg")
    assert "base64," in drawing.getvalue()
    stripped = strip_images(drawing.getvalue())
    assert "base64" not in stripped and "iVBOR" not in stripped


def test_predictions_that_cannot_be_read_are_a_difference_too(run: Path) -> None:
    text = (run / "predictions.csv").read_text().splitlines()
    last = text[-1].replace(",0.", ",0.x", 1)
    (run / "predictions.csv").write_text("\n".join([*text[:-1], last]) + "\n")
    found = verify_run(run).differences
    assert f"line {len(text)}" in found["predictions.csv"][0]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("metrics.json", "[" * 100_000, "nested more than"),
        pytest.param("recipe.lock", "[" * 100_000, "nested more than", marks=pytest.mark.slow),
        ("recipe.lock", '{"format": 1, "recipe": {}}', 'lacks the key "name"'),
        ("history.csv", "epoch,lr,train_loss,val_loss\n2,0,0,0\n", "the epoch 1 should stand here"),
    ],
)
def test_what_cannot_be_read_is_a_difference_of_its_file(
    run: Path, name: str, text: str, told: str
) -> None:
    (run / name).write_text(text)
    assert any(told in line for line in verify_run(run).differences[name])


def test_tables_are_compared_cell_by_cell_and_one_that_is_none_says_why(tmp_path: Path) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    new.write_text("id,x\n'@a,1.0\nb,2\n")
    for text, told in (
        ("id,x\n'@a,1\nb,2.0\n", []),
        ("id,x\n'@a,1\nb,3\n", ['line 3 ("b"), x says 3, it gives 2']),
        ("id,y\n'@a,1\nb,2\n", ["the columns are id, y, it gives id, x"]),
        ("id,x\n'@a,1\nb\n", ["line 3: the row has 1 cells, the header 2"]),
    ):
        old.write_text(text)
        assert list(csv_differences(old, new, "it gives")) == told
    old.write_text("id,x,path\n'@a,1,here\nb,2,there\n")
    assert not list(csv_differences(old, new, "it gives", without=("path",)))


def test_names_that_a_spreadsheet_would_compute_are_compared_as_they_are(tmp_path: Path) -> None:
    splits = "id,lesion,label,part,component\n'@a,'=b,'-mel,train,'=b\n'+c,d,nv,test,d\n"
    (tmp_path / "splits.csv").write_text(splits)
    table = pd.DataFrame({"id": ["@a", "+c"], "part": ["train", "test"]})
    record = {
        "split_hash": split_hash(table),
        "classes": ["-mel", "nv"],
        "class_counts": class_counts(pd.DataFrame({"label": ["-mel"]}), ["-mel", "nv"]),
    }
    found = Verification()
    check_splits(tmp_path, record, found)
    assert not found.differences and found.agreeing == {"splits.csv": 2}
    assert read_splits(tmp_path)["component"].tolist() == ["=b", "d"]


@pytest.mark.slow
def test_a_run_with_a_file_that_is_not_trusted_is_refused_and_trusted_for_once(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKINFW_CONFIG", str(tmp_path / "config"))
    for command in (["verify"], ["pack", "--out", str(tmp_path / "a.zip")]):
        refused = CliRunner().invoke(main, [*command, str(run)])
        assert refused.exit_code == 2, refused.output
        assert "you have not trusted yet" in refused.output and "--trust" in refused.output
    said = verify(run, "--retrain", "--trust")
    assert "differences" not in said and "can change numbers" not in said
    assert not (tmp_path / "config").exists()


@pytest.mark.slow
def test_a_pack_shows_no_patient_and_can_be_verified_without_the_data(
    run: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "pack.zip"
    contents = pack_run(run, archive, images=False, licence="CC BY 4.0")
    assert contents.left_out == ["explanations/grad-cam-predicted.png"]
    assert "confusion_matrix.png" in contents.members
    assert "data:image" in (run / "report.html").read_text()
    with zipfile.ZipFile(archive) as content:
        assert "data:image" not in content.read("run/report.html").decode()
        crate = json.loads(content.read("ro-crate-metadata.json"))
        bill = json.loads(content.read("sbom.cdx.json"))
        members = content.namelist()
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    assert graph["#licence"]["name"] == "CC BY 4.0"
    described = {own["@id"] for own in graph["./"]["hasPart"]}
    assert described == {*members} - {"ro-crate-metadata.json"}
    lock = json.loads((run / "recipe.lock").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {own["name"] for own in bill["components"]} == set(lock["packages"])
    shutil.rmtree(run)
    assert "it is not in the archive" in verify(archive)


def forge(run: Path, archive: Path, **about: Any) -> None:
    """Write an archive of a run whose pack.json says more than is true."""
    members: dict[str, Path | bytes] = {
        f"run/{file.relative_to(run).as_posix()}": file
        for file in run.rglob("*") if file.is_file()
    }  # fmt: skip
    said = {"format": 1, "left_out": [], "stripped": {}, **about}
    write_archive(archive, {**members, "pack.json": json.dumps(said).encode()})


def test_the_terms_of_several_data_sets_are_told_together() -> None:
    sets = [{"use": name, "root": name} for name in ("isic2018", "isic2017")]
    backbone = {"use": "lite/efficientnet-lite0"}
    alone, both = (
        terms_of_data(load_plan({"dataset": own, "backbone": backbone}), "licence").split("; ")
        for own in (sets[0], sets)
    )
    assert len(alone) == 1 and both[0] == alone[0] and both[1].startswith("CC-0")


def test_what_is_in_an_archive_is_compared_whatever_it_says_was_left_out(
    run: Path, tmp_path: Path
) -> None:
    shutil.copy(run / "explanations/grad-cam-predicted.png", run / "confusion_matrix.png")
    forge(run, tmp_path / "a.zip", left_out=["confusion_matrix.png"])
    assert "confusion_matrix.png: other pixels" in verify(tmp_path / "a.zip", code=1)
    (run / "confusion_matrix.png").unlink()
    forge(run, tmp_path / "b.zip", left_out=["confusion_matrix.png"])
    assert "confusion_matrix.png: it is not in the archive" in verify(tmp_path / "b.zip")


def test_an_archive_cannot_bring_checksums_of_its_own(run: Path, tmp_path: Path) -> None:
    weights = bytearray((run / "best.safetensors").read_bytes())
    weights[-1] ^= 1
    (run / "best.safetensors").write_bytes(weights)
    digest = hashlib.sha256(weights).hexdigest()
    forge(run, tmp_path / "a.zip", stripped={"best.safetensors": digest})
    assert "none of skinfw pack" in verify(tmp_path / "a.zip", code=2)


def test_the_same_run_packs_to_the_same_bytes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinfw_provenance.pack.verify_run", lambda run, trust: Verification())
    for name in ("a.zip", "b.zip"):
        pack_run(run, tmp_path / name, images=True, licence="")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert not choose_contents(run, images=True).left_out


def test_a_run_that_differs_is_not_packed(run: Path, tmp_path: Path) -> None:
    (run / "metrics.json").write_text("{}")
    result = CliRunner().invoke(main, ["pack", str(run), "--out", str(tmp_path / "a.zip")])
    assert result.exit_code == 1
    assert "does not say what its own files give" in result.output
    assert not (tmp_path / "a.zip").exists()
