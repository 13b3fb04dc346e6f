from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
from failing_proxy import failing_proxy
from remote_pictures import RECIPE, make_files
from support import TINY_BACKBONE

from skinfw import SkinfwError
from skinfw.files import remote
from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

RunIt = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with an empty server that answers at once when it is asked again."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    monkeypatch.setattr(remote, "SECONDS_BETWEEN", 0.001)
    remote.forget_listings()
    yield
    remote.forget_listings()


@pytest.fixture
def run_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunIt:
    """Train the small data set from a root; returns the run folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)

    def run(root: str, *sets: str, said: list[str] | None = None) -> Path:
        recipe = tmp_path / f"{len(list(tmp_path.glob('*.toml')))}.toml"
        text = RECIPE.replace("FILE", f"{root}/images.csv")
        if root.endswith("shards"):
            text = RECIPE.replace("csv", "shards").replace('file = "FILE"', f'root = "{root}"')
        recipe.write_text(text)
        # A cache of its own: no run shall live on what another one has read.
        monkeypatch.setenv("SKINFW_CACHE", str(tmp_path / f"cache-{recipe.stem}"))
        plan = load_plan(recipe, sets)
        folder = RunFolder.create(tmp_path / "runs", plan)
        execute_run(plan, folder, [].append if said is None else said.append)
        return folder.path

    return run


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    found = make_files()
    for name, content in found.items():
        file = tmp_path / "disk" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return found


def same_run(one: Path, other: Path) -> None:
    """Hold two runs to the same bytes."""
    for name in ("best.safetensors", "splits.csv", "metrics.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    for name in ("predictions.csv", "predictions_val.csv"):
        tables = [pd.read_csv(run / name, dtype=str).drop(columns="path") for run in (one, other)]
        pd.testing.assert_frame_equal(*tables)
    records = [json.loads((run / "run.json").read_text()) for run in (one, other)]
    for key in ("data_fingerprint", "split_hash", "draw_hash"):
        assert records[0][key] == records[1][key]


def upload(files: dict[str, bytes], folder: str) -> None:
    fsspec.filesystem("memory").pipe({f"/{folder}/{name}": own for name, own in files.items()})


def test_a_run_from_a_server_is_that_from_the_disk(
    run_from: RunIt, files: dict[str, bytes], tmp_path: Path
) -> None:
    upload(files, "bucket/moles")
    same_run(run_from(str(tmp_path / "disk")), run_from("memory://bucket/moles"))


def test_a_run_from_a_zip_file_is_that_from_the_disk(
    run_from: RunIt, files: dict[str, bytes], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "moles.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"moles/{name}", content)
    recipe = RECIPE.replace("FILE", "zip://moles/images.csv::moles.zip")
    (tmp_path / "zip.toml").write_text(recipe)
    plan = load_plan(tmp_path / "zip.toml")  # the archive is seen from the recipe
    assert str(plan.dataset.file).endswith(f"::{tmp_path / 'moles.zip'}")
    rows = plan.dataset.table().rows
    assert len(rows) == 32
    root = f"zip://moles::{tmp_path / 'moles.zip'}"
    from skinfw.files.sources import source_path

    assert (source_path(root) / "images.csv").read_bytes() == files["images.csv"]
    assert source_path(rows["path"][3]).read_bytes() == files["images/ISIC_0000003.jpg"]


@pytest.mark.slow
def test_a_run_from_shards_is_that_from_their_files(
    run_from: RunIt, files: dict[str, bytes], tmp_path: Path
) -> None:
    from skinfw.data.structure.bounds import Limits
    from skinfw_datasets.own import CsvTable
    from skinfw_datasets.shard_writer import write_shards

    data = CsvTable(file=tmp_path / "disk/images.csv")
    out = tmp_path / "shards"
    write_shards(data.table(), data.classes, (), Limits(), out, 40_000, False, [].append)
    assert len(list(out.glob("shard-*.tar"))) > 1
    alone = run_from(str(tmp_path / "disk"))
    same_run(alone, run_from(str(out)))
    upload({file.name: file.read_bytes() for file in out.iterdir()}, "bucket/shards")
    same_run(alone, run_from("memory://bucket/shards"))


@pytest.mark.slow
def test_failures_of_a_server_are_tried_again_and_told(
    run_from: RunIt, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(files, "bucket")
    memory = type(fsspec.filesystem("memory"))
    whole, asked = memory.cat_file, []

    def flaky(self: Any, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        asked.append(path)
        content = whole(self, path, start, end, **more)
        if asked.count(path) == 1 and path.endswith("1.jpg"):
            raise OSError("503 Slow Down")
        return content[:-9] if asked.count(path) == 1 and path.endswith("2.jpg") else content

    monkeypatch.setattr(memory, "cat_file", flaky)
    said: list[str] = []
    run = run_from("memory://bucket", said=said)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    same_run(run_from(str(tmp_path / "disk")), run)
    notes = json.loads((run / "run.json").read_text())["notes"]
    told = [note for note in notes if "tried again" in note]
    # Of 32 images, those whose numbers end in 1 and in 2: four and three.
    assert told and told[0].startswith("7 remote reads were tried again"), notes
    assert "503 Slow Down" in told[0]
    assert any("tried again" in line for line in said)


def test_a_server_that_stays_away_ends_the_run_and_drops_no_image(
    run_from: RunIt, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(files, "bucket")
    memory = type(fsspec.filesystem("memory"))
    whole = memory.cat_file

    def gone(self: Any, path: str, *arguments: Any, **more: Any) -> Any:
        if path.endswith("7.jpg"):
            raise ConnectionResetError("gone")
        return whole(self, path, *arguments, **more)

    monkeypatch.setattr(memory, "cat_file", gone)
    with pytest.raises(SkinfwError) as error:
        run_from("memory://bucket", "dataset.bad=drop")
    assert "the server does not give a file" in error.value.what
    assert "7.jpg" in str(error.value)
    assert "8 tries" in error.value.why and "gone" in error.value.why


def test_a_url_that_is_not_read_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "one.toml").write_text(RECIPE.replace("FILE", "ssh://host/images.csv"))
    with pytest.raises(SkinfwError, match="ssh:// is no protocol") as error:
        load_plan(tmp_path / "one.toml")
    assert "one.toml:4" in str(error.value) and "dataset.file" in str(error.value)


def test_an_image_that_the_server_lacks_is_told_like_one_of_the_disk(
    run_from: RunIt, files: dict[str, bytes]
) -> None:
    del files["images/ISIC_0000005.jpg"]
    upload(files, "bucket")
    with pytest.raises(SkinfwError, match="1 of 32 images are absent"):
        run_from("memory://bucket")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the server, which runs in this process
def test_a_run_from_s3_that_is_busy_slow_and_cut_off_is_that_from_the_disk(
    run_from: RunIt, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("SKINFW_CONNECTIONS", "6")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    try:
        _, port = server.get_host_and_port()
        direct = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        direct.create_bucket(Bucket="moles")
        for name, content in files.items():
            direct.put_object(Bucket="moles", Key=f"a/{name}", Body=content)
        with failing_proxy(port) as (proxy, own):
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{own}")
            run = run_from("s3://moles/a")
            with pytest.raises(SkinfwError, match="does not exist"):
                run_from("s3://moles/b")
    finally:
        server.stop()
    same_run(run_from(str(tmp_path / "disk")), run)
    assert proxy.failures == {"busy": 8, "slow": 8, "cut": 8, "": 8}
    assert 1 < proxy.most <= 6
    notes = json.loads((run / "run.json").read_text())["notes"]
    assert any(note.startswith("16 remote reads were tried again") for note in notes), notes
