"""What `skinfw data fetch` makes of the official archives is what the data sets read."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from fileserver import FileServer, zipped
from PIL import Image

from skinfw.cli import main
from skinfw_isic import isic2018, isic2019
from skinfw_isic.isic2017 import Isic2017
from skinfw_isic.isic2018 import Isic2018
from skinfw_isic.isic2019 import Isic2019


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6)).save(buffer, "JPEG")
    return buffer.getvalue()


def input_zip(folder: str, names: Sequence[str], more: dict[str, bytes] | None = None) -> bytes:
    """Return an archive of images as the challenges have it: below a folder of its name."""
    files = {f"{folder}/{name}.jpg": jpeg() for name in names}
    texts = {f"{folder}/{name}": b"as published" for name in ("LICENSE.txt", "ATTRIBUTION.txt")}
    return zipped(files | texts | (more or {}))


def truth(classes: Sequence[str], labels: dict[str, str]) -> bytes:
    rows = [[name, *(str(float(c == label)) for c in classes)] for name, label in labels.items()]
    lines = ["image," + ",".join(classes), *(",".join(row) for row in rows)]
    return "\r\n".join([*lines, ""]).encode()


def fetched(dataset: str, files: dict[str, bytes], root: Path) -> Path:
    """Fetch a data set whose official server is this machine."""
    with FileServer(files) as server:
        arguments = ["data", "fetch", dataset, "--yes", "--mirror", server.url]
        done = CliRunner().invoke(main, [*arguments, "--root", str(root)])
    assert done.exit_code == 0, done.output
    assert {path for path, _ in server.asked} == set(files)
    assert not list(root.glob("*.zip"))
    return root


def test_isic2017_reads_what_was_fetched(tmp_path: Path) -> None:
    files = {}
    for number, part in enumerate(("Training", "Validation", "Test_v2")):
        name, folder = f"ISIC_000000{number}", f"ISIC-2017_{part}_Data"
        metadata = f"image_id,age_approximate,sex\n{name},5{number},male\n".encode()
        more = {f"{folder}/{folder}_metadata.csv": metadata}
        files[f"/2017/{folder}.zip"] = input_zip(folder, [name, f"{name}_superpixels"], more)
        table = f"image_id,melanoma,seborrheic_keratosis\n{name},0.0,1.0\n"
        files[f"/2017/ISIC-2017_{part}_Part3_GroundTruth.csv"] = table.encode()
    root = fetched("isic2017", files, tmp_path / "root")
    table = Isic2017(root=root).table().rows
    assert table["split"].tolist() == ["train", "val", "test"]
    assert table["label"].tolist() == ["SK"] * 3
    assert table["age_approx"].tolist() == ["50", "51", "52"]
    assert all(Path(path).is_file() for path in table["path"])
    assert "CC-0" in (root / "LICENSE.txt").read_text()


def test_isic2018_reads_what_was_fetched(tmp_path: Path) -> None:
    files = {}
    for number, part in enumerate(("Training", "Validation", "Test")):
        name, start = f"ISIC_003000{number}", f"ISIC2018_Task3_{part}"
        files[f"/2018/{start}_Input.zip"] = input_zip(f"{start}_Input", [name])
        table = truth(isic2018.CLASSES, {name: "BKL"})
        folder = f"{start}_GroundTruth"
        files[f"/2018/{folder}.zip"] = zipped({f"{folder}/{folder}.csv": table})
    groups = b"image,lesion_id,diagnosis_confirm_type\nISIC_0030000,HAM_9,histopathology\n"
    files["/2018/ISIC2018_Task3_Training_LesionGroupings.csv"] = groups
    root = fetched("isic2018", files, tmp_path / "root")
    table = Isic2018(root=root, parts="official").table().rows
    assert table["split"].tolist() == ["train", "val", "test"]
    assert table["lesion"].tolist() == ["HAM_9", "ISIC_0030001", "ISIC_0030002"]
    assert all(Path(path).is_file() for path in table["path"])
    assert Isic2018(root=root).table().rows["id"].tolist() == ["ISIC_0030000"]
    assert "Scientific Data 5, 180161" in (root / "ATTRIBUTION.txt").read_text()


def test_isic2019_reads_what_was_fetched(tmp_path: Path) -> None:
    labels = {"ISIC_0000000": "NV", "ISIC_0000001_downsampled": "SCC"}
    secret = {"ISIC_0034321": "UNK", "ISIC_0034322": "AK"}
    folder, other = "ISIC_2019_Training_Input", "ISIC_2019_Test_Input"
    header = b"image,age_approx,anatom_site_general,lesion_id,sex\n"
    rows = b"ISIC_0000000,55,head/neck,BCN_1,male\nISIC_0000001_downsampled,,,,\n"
    classes = (*isic2019.CLASSES, isic2019.UNKNOWN)
    files = {
        "/2019/ISIC_2019_Training_GroundTruth.csv": truth(classes, labels),
        "/2019/ISIC_2019_Training_Metadata.csv": header + rows,
        f"/2019/{folder}.zip": input_zip(folder, list(labels)),
        "/2019/ISIC_2019_Test_GroundTruth.csv": truth(classes, secret),
        "/2019/ISIC_2019_Test_Metadata.csv": b"image,age_approx,anatom_site_general,sex\n"
        b"ISIC_0034321,,,\nISIC_0034322,30,,male\n",
        f"/2019/{other}.zip": input_zip(other, list(secret)),
    }
    root = fetched("isic2019", files, tmp_path / "root")
    table = Isic2019(root=root).table().rows
    assert dict(zip(table["id"], table["label"], strict=True)) == labels
    assert all(Path(path).is_file() for path in table["path"])
    assert "Scientific Data 11, 641" in (root / "ATTRIBUTION.txt").read_text()
    both = Isic2019(root=root, parts="official", unknown="class").table().rows
    assert dict(zip(both["id"], both["label"], strict=True)) == labels | secret
    assert both["split"].tolist() == ["train", "train", "test", "test"]


@pytest.mark.parametrize("dataset", [Isic2017, Isic2018, Isic2019])
def test_files_have_names_of_their_own_and_lie_at_the_challenge(
    dataset: type[Isic2017 | Isic2018 | Isic2019],
) -> None:
    files = dataset.downloads.files
    assert len({file.name for file in files}) == len(files)
    for file in files:
        assert file.url.startswith("https://isic-challenge-data.s3.amazonaws.com/20")
        assert bool(file.folder) == file.name.endswith(".zip") and file.size
