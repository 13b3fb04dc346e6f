from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from skinfw import SkinfwError
from skinfw_isic.milk10k import CLASSES, CONCEPTS, Milk10k

COLUMNS = (
    "lesion_id", "image_type", "isic_id", "attribution", "copyright_license",
    "image_manipulation", "age_approx", "sex", "skin_tone_class", "site", *CONCEPTS,
)  # fmt: skip
LABELS = {"IL_0000001": "SCCKA", "IL_0000002": "NV"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    truth, rows = [["lesion_id", *CLASSES]], [list(COLUMNS)]
    for number, (lesion, label) in enumerate(LABELS.items()):
        truth.append([lesion, *(str(float(name == label)) for name in CLASSES)])
        folder = tmp_path / "MILK10k_Training_Input" / lesion
        folder.mkdir(parents=True)
        for place, kind in enumerate(("clinical: close-up", "dermoscopic")):
            name = f"ISIC_00000{number}{place}"
            (folder / f"{name}.jpg").write_bytes(b"a picture")
            about = ["MILK study team", "CC-BY-NC", "instrument only", "65", "female", "3", "trunk"]
            rows.append([lesion, kind, name, *about, *(f"0.{place}{own}" for own in range(1, 8))])
    for name, table in (("GroundTruth", truth), ("Metadata", rows)):
        text = "\n".join(map(",".join, table)) + "\n"
        (tmp_path / f"MILK10k_Training_{name}.csv").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("image", "ids"),
    [
        ("derm", ["ISIC_0000001", "ISIC_0000011"]),
        ("clinic", ["ISIC_0000000", "ISIC_0000010"]),
        ("pair", ["ISIC_0000001", "ISIC_0000011"]),
        ("both", ["ISIC_0000000", "ISIC_0000001", "ISIC_0000010", "ISIC_0000011"]),
    ],
)
def test_lesions_have_a_dermoscopic_and_a_clinical_image(
    root: Path, image: Literal["derm", "clinic", "both", "pair"], ids: list[str]
) -> None:
    rows = Milk10k(root=root, image=image).table().rows
    assert rows["id"].tolist() == ids
    assert [Path(path).stem for path in rows["path"]] == ids
    assert rows["label"].tolist() == [LABELS[lesion] for lesion in rows["lesion"]]
    assert set(rows["age_approx"]) == {"65"} and set(rows["anatom_site_general"]) == {"trunk"}
    if image == "pair":
        assert [Path(path).stem for path in rows["clinic"]] == ["ISIC_0000000", "ISIC_0000010"]
    if image == "derm":  # the concepts of this image, not of the other
        assert rows["MONET_ulceration_crust"].tolist() == ["0.11", "0.11"]


def test_what_is_wrong_is_told(root: Path) -> None:
    picture = root / "MILK10k_Training_Input/IL_0000002/ISIC_0000010.jpg"
    picture.unlink()
    with pytest.raises(SkinfwError, match="1 of 2 images are absent"):
        Milk10k(root=root, image="pair").table()
    assert len(Milk10k(root=root, image="pair", missing="drop").table().rows) == 1
    file = root / "MILK10k_Training_Metadata.csv"
    whole = file.read_text()
    file.write_text(whole.replace("dermoscopic", "microscopic"))
    with pytest.raises(SkinfwError, match=r"Metadata.csv:3"):
        Milk10k(root=root).table()
    file.write_text("\n".join(whole.splitlines()[:4]) + "\n")
    with pytest.raises(SkinfwError, match="1 of 2 lesions have no dermoscopic image"):
        Milk10k(root=root).table()
    truth = root / "MILK10k_Training_GroundTruth.csv"
    truth.write_text(truth.read_text().replace("IL_0000002", "IL_0000003"))
    with pytest.raises(SkinfwError, match="have no row in the ground truth"):
        Milk10k(root=root).table()
