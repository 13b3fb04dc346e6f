from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from remote_pictures import make_files

from skinfw import SkinfwError
from skinfw.data.decoding import read_image
from skinfw.files.sources import source_path
from skinfw_isic.isic2024 import Isic2024

HEADER = (
    "isic_id,target,patient_id,age_approx,sex,anatom_site_general,clin_size_long_diam_mm,"
    "tbp_tile_type,tbp_lv_areaMM2,lesion_id,iddx_full"
)
ROWS = (
    "ISIC_0000000,0,IP_1,60.0,male,lower extremity,3.04,3D: white,3.15,,Benign",
    "ISIC_0000001,1,IP_2,NA,NA,NA,1.1,3D: XP,0.9,IL_77,Malignant::Melanoma",
    "ISIC_0000002,0,IP_1,60.0,male,head/neck,3.4,3D: XP,3.0,,Benign",
)


@pytest.fixture
def images() -> dict[str, bytes]:
    return {Path(name).stem: own for name, own in make_files(3).items() if name.endswith("jpg")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "train-metadata.csv").write_text("\n".join((HEADER, *ROWS)) + "\n")
    return tmp_path


def write_hdf5(root: Path, images: dict[str, bytes], kind: str) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(root / "train-image.hdf5", "w") as archive:
        for name, content in images.items():
            value = {"opaque": np.void(content), "text": np.bytes_(content),
                     "numbers": np.frombuffer(content, np.uint8)}.get(kind)  # fmt: skip
            if value is None:
                made = archive.create_dataset(name, (), h5py.vlen_dtype(np.uint8))
                made[()] = np.frombuffer(content, np.uint8)
            else:
                archive.create_dataset(name, data=value)


@pytest.mark.parametrize("kind", ["opaque", "text", "numbers", "files"])
def test_images_are_read_from_hdf5_or_files(
    root: Path, images: dict[str, bytes], kind: str
) -> None:
    if kind == "files":
        folder = root / "train-image" / "image"
        folder.mkdir(parents=True)
        for name, content in images.items():
            (folder / f"{name}.jpg").write_bytes(content)
    else:
        write_hdf5(root, images, kind)
    for _ in range(2):  # the second time, what is kept of the file is read
        rows = Isic2024(root=root, columns=("tbp_lv_areaMM2",)).table().rows
        assert rows["id"].tolist() == list(images)
        assert rows["label"].tolist() == ["benign", "malignant", "benign"]
        assert rows["lesion"].tolist() == ["ISIC_0000000", "IL_77", "ISIC_0000002"]
        assert rows["patient"].tolist() == ["IP_1", "IP_2", "IP_1"]
        assert rows["age_approx"].tolist() == ["60.0", "", "60.0"]
        assert rows["tbp_lv_areaMM2"].tolist() == ["3.15", "0.9", "3.0"]
        assert [source_path(path).read_bytes() for path in rows["path"]] == list(images.values())
        assert read_image(rows["path"][1]).shape == (48, 64, 3)


def test_what_is_wrong_is_told(root: Path, images: dict[str, bytes]) -> None:
    with pytest.raises(SkinfwError, match=r"neither train-image.hdf5 nor train-image/image"):
        Isic2024(root=root).table()
    write_hdf5(root, images, "of any length")
    with pytest.raises(SkinfwError, match="do not stand in one piece"):
        Isic2024(root=root).table()
    del images["ISIC_0000001"]
    write_hdf5(root, images, "opaque")
    with pytest.raises(SkinfwError, match="1 of 3 images are absent"):
        Isic2024(root=root).table()
    assert len(Isic2024(root=root, missing="drop").table().rows) == 2
    (root / "train-metadata.csv").write_text(f"{HEADER}\n{ROWS[0].replace(',0,', ',2,')}\n")
    with pytest.raises(SkinfwError, match=r"train-metadata.csv:2"):
        Isic2024(root=root).table()


def test_hdf5_that_leads_to_other_files_is_refused(root: Path, images: dict[str, bytes]) -> None:
    h5py = pytest.importorskip("h5py")
    write_hdf5(root, images, "opaque")
    (root / "train-image.hdf5").rename(root / "other.hdf5")
    link = h5py.ExternalLink(root / "other.hdf5", "ISIC_0000001")
    for value, said in ((link, "is a link"), (h5py.SoftLink("/ISIC_0000001"), "is a link")):
        with h5py.File(root / "train-image.hdf5", "w") as archive:
            archive["ISIC_0000000"] = value
        with pytest.raises(SkinfwError, match=said):
            Isic2024(root=root).table()
    with h5py.File(root / "train-image.hdf5", "w") as archive:
        archive.create_dataset("ISIC_0000000", (9,), np.uint8, external=[("/etc/passwd", 0, 9)])
    with pytest.raises(SkinfwError, match="do not stand in one piece"):
        Isic2024(root=root).table()
