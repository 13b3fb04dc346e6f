from pathlib import Path

import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_datasets.own import CsvTable, Folder


def draw(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6)).save(file)


def test_folders_are_classes(tmp_path: Path) -> None:
    for name in ("nevus/a.jpg", "nevus/deep/b.PNG", "melanoma/a.jpg", "melanoma/notes.txt"):
        draw(tmp_path / name) if not name.endswith("txt") else (tmp_path / name).write_text("x")
    (tmp_path / ".hidden").mkdir()
    data = Folder(root=tmp_path)
    assert data.classes == ("melanoma", "nevus")
    table = data.table().rows
    assert table["id"].tolist() == ["melanoma/a.jpg", "nevus/a.jpg", "nevus/deep/b.PNG"]
    assert table["label"].tolist() == ["melanoma", "nevus", "nevus"]
    assert "split" not in table.columns
    assert Folder(root=tmp_path, names=("nevus", "melanoma")).classes == ("nevus", "melanoma")


def test_folders_of_parts_are_the_split(tmp_path: Path) -> None:
    for part in ("train", "Valid", "test"):
        for label in ("A", "B"):
            draw(tmp_path / part / label / "x.jpg")
    table = Folder(root=tmp_path).table().rows
    assert table["split"].value_counts().to_dict() == {"train": 2, "val": 2, "test": 2}
    assert table["id"].is_unique and len(table) == 6


def test_folders_without_classes_or_images_are_told(tmp_path: Path) -> None:
    with pytest.raises(SkinfwError, match="0 class folders"):
        _ = Folder(root=tmp_path).classes
    (tmp_path / "A").mkdir()
    (tmp_path / "B").mkdir()
    with pytest.raises(SkinfwError, match="no image in the class folders"):
        Folder(root=tmp_path).table()
    with pytest.raises(SkinfwError, match="is no folder"):
        Folder(root=tmp_path / "gone").table()


def write(folder: Path, text: str) -> Path:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        draw(folder / "images" / name)
    file = folder / "list.csv"
    file.write_text(text)
    return file


def test_a_csv_brings_what_it_knows(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "id,path,label,lesion,patient,split,age\n"
        "1,images/a.jpg,MEL,L1,P1,train,50\n"
        "2,images/b.jpg,NV,,P1,VALID,\n"
        "3,images/c.jpg,NV,,,test,30\n",
    )
    data = CsvTable(file=file)
    table = data.table().rows
    assert data.classes == ("MEL", "NV")
    assert table["lesion"].tolist() == ["L1", "P1", "3"]
    assert table["split"].tolist() == ["train", "val", "test"]
    assert table["age"].tolist() == ["50", "", "30"]
    assert all(Path(path).is_file() for path in table["path"])


def test_a_csv_needs_only_path_and_label(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label\na.jpg,MEL\nb.jpg,NV\n")
    table = CsvTable(file=file, images="images").table().rows
    assert table["id"].tolist() == table["lesion"].tolist() == ["a.jpg", "b.jpg"]


def test_paths_may_lead_anywhere_and_ids_do_not(tmp_path: Path) -> None:
    images = write(tmp_path, "").parent / "images"
    (tmp_path / "tables").mkdir()
    file = tmp_path / "tables" / "list.csv"
    file.write_text(f"path,label\n../images/a.jpg,A\n{images / 'b.jpg'},B\n")
    table = CsvTable(file=file).table().rows
    assert table["id"].tolist() == ["images/a.jpg", str(images / "b.jpg").lstrip("/")]
    assert all(Path(path).is_file() for path in table["path"])


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("path\nimages/a.jpg\n", "the header lacks label", 1),
        ("path,label\n", "no row", 2),
        ("path,label\nimages/a.jpg,\n", "an image has no label", 2),
        ("path,label\nimages/a.jpg,A\n,B\n", "an image has no path", 3),
        ("path,label\nimages/a.jpg,A\nimages/a.jpg,B\n", "occurs twice", 3),
        ("path,label,split\nimages/a.jpg,A,trian\n", "split is none of", 2),
        ("path,label\nimages/a.jpg,A\nimages/z.jpg,B\n", "1 of 2 images are absent", 3),
        ("path,label\nimages/a.jpg,A\nimages/b.jpg,a\n", "differ in no way one sees", 3),
        ("path,label\nimages/a.jpg,M\nimages/b.jpg,\u041c\n", "differ in no way", 3),
        ("path,label\nimages/a.jpg,MEL\nimages/b.jpg,\u041cEL\n", "cannot be a name", 3),
        ("path,label\nimages/a.jpg,A\nimages/b.jpg,A\u200b\n", "cannot be a name", 3),
        ("path,label\nimages/a.jpg,A\nimages/b.jpg,'A'\n", "cannot be a name", 3),
        ("path,label,lesion_id\nimages/a.jpg,A,1\n", 'close to "lesion"', 1),
        ("path,label,Split\nimages/a.jpg,A,1\n", 'close to "split"', 1),
        ("path,label,id\nimages/a.jpg,A,../a\n", "cannot have the id", 2),
        ("path,label,id\nimages/a.jpg,A,x\nimages/b.jpg,A,X\n", 'ids "x" and "X"', 3),
        (f"path,label\n{'x' * 5000},A\n", "cannot have the id", 2),
        ("path,label,age\nimages/a.jpg,A,30\nimages/b.jpg,B,-700\n", "age holds no age", 3),
        ("path,label,age\nimages/a.jpg,A,abc\nimages/b.jpg,B,4\n", "age holds no age", 2),
        ("path,label,Age\nimages/a.jpg,A,4\nimages/b.jpg,B,45 years\n", "Age holds no age", 3),
        ("path,label,age_approx\nimages/a.jpg,A,121\n", "age_approx holds no age", 2),
        ("path,label,sex\nimages/a.jpg,A,m\nimages/b.jpg,B,purple\n", "no word for a sex", 3),
        ("path,label,size\nimages/a.jpg,A,6 mm\nimages/b.jpg,B,0.5 cm\n", "several units", 3),
        ("path,label,size\nimages/a.jpg,A,6\nimages/b.jpg,B,5mm\n", "several units", 3),
    ],
)
def test_wrong_rows_are_told_with_their_line(
    tmp_path: Path, text: str, what: str, line: int
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SkinfwError) as error:
        CsvTable(file=file).table()
    assert what in error.value.what and error.value.where == f"{file}:{line}"


def test_metadata_that_can_be_are_left_as_they_are(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "path,label,age,sex,size,note,clinic,depth,duration\n"
        "images/a.jpg,A,0,Female,6 mm,5mm or 1 cm,images/b.jpg,3 µm,1 year\n"
        "images/b.jpg,B,120.0,unknown,NA,,images/b.jpg,4 um,2 years\n"
        "images/c.jpg,B,,x,7mm,6,images/b.jpg,5μm,3yrs\n",
    )
    table = CsvTable(file=file, pictures=("clinic",)).table().rows
    assert table["age"].tolist() == ["0", "120.0", ""]
    assert table["size"].tolist() == ["6 mm", "NA", "7mm"]


def test_a_place_is_the_line_of_an_image(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label\nimages/z.jpg,A\nimages/b.jpg,B\n")
    assert CsvTable(file=file).place("images/b.jpg") == f"{file}:3"
    file.write_text("path,label,id\nimages/a.jpg,A,one\nimages/b.jpg,B,two\n")
    assert CsvTable(file=file).place("two") == f"{file}:3"


def test_absent_images_can_be_dropped(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label\nimages/a.jpg,A\nimages/z.jpg,B\nimages/b.jpg,B\n")
    data = CsvTable(file=file, missing="drop").table()
    table = data.rows
    assert len(table) == 2 and data.notes == ("1 of 3 images are absent and left out",)


def test_masks_are_named_beside_the_images(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(tmp_path / "images" / name)
    mask = Image.new("L", (8, 6))
    mask.putpixel((2, 1), 255)
    mask.save(tmp_path / "images" / "a_mask.png")
    file = tmp_path / "images.csv"
    file.write_text("path,label,mask\na.png,A,a_mask.png\nb.png,B,\n")
    data = CsvTable(file=file, images="images")
    first, second = data.table().rows["path"]
    known = data.mask(first)
    assert known is not None and known.shape == (6, 8)
    assert known.sum() == 1 and known[1, 2]
    assert data.mask(second) is None
    file.write_text("path,label\na.png,A\nb.png,B\n")
    assert CsvTable(file=file, images="images").mask(first) is None
