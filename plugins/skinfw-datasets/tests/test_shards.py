from __future__ import annotations

import importlib.util
import json
import tarfile
from pathlib import Path

import pytest
from remote_pictures import RECIPE, make_files
from support import Run

from skinfw import SkinfwError, read_table
from skinfw.data.structure.bounds import Limits
from skinfw.files.sources import source_path
from skinfw_datasets.own import CsvTable
from skinfw_datasets.shard_writer import write_shards
from skinfw_datasets.shards import Shards


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    found = make_files(12)
    for name, content in found.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "tiny.py").write_text("def tiny(classes): ...")
    (tmp_path / "moles.toml").write_text(RECIPE.replace("FILE", "images.csv"))
    return found


def write(folder: Path, out: str, parquet: bool = False) -> None:
    data = CsvTable(file=folder / "images.csv")
    most = 10**6
    write_shards(data.table(), data.classes, (), Limits(), folder / out, most, parquet, print)


def test_shards_hold_the_table_and_the_bytes_of_every_image(
    skinfw: Run, files: dict[str, bytes], tmp_path: Path
) -> None:
    ended = skinfw("data", "shard", "moles.toml", "--out", "one", "--megabytes", "1")
    assert ended.returncode == 0, ended.stderr
    assert "12 of 12 images" in ended.stdout
    write(tmp_path, "two", parquet=importlib.util.find_spec("pyarrow") is not None)
    ours = CsvTable(file=tmp_path / "images.csv").table().rows
    shards = tmp_path / "one" / "shard-00000.tar"
    assert shards.read_bytes() == (tmp_path / "two" / "shard-00000.tar").read_bytes()
    for root in ("one", "two"):
        data = Shards(root=tmp_path / root)
        rows = data.table().rows
        assert data.classes == ("MEL", "NV")
        for column in ("id", "label", "lesion", "age"):
            assert rows[column].tolist() == ours[column].tolist()
        assert [source_path(path).read_bytes() for path in rows["path"]] == [
            files[f"images/{name}.jpg"] for name in rows["id"]
        ]
    with tarfile.open(shards) as archive:  # as WebDataset reads it
        names = archive.getnames()
        assert names[:2] == ["ISIC_0000000.jpg", "ISIC_0000000.json"] and len(names) == 24
        about = archive.extractfile(names[1])
        assert about and json.load(about) == {
            "id": "ISIC_0000000", "label": "MEL", "lesion": "lesion-0", "age": "30",
        }  # fmt: skip
    with pytest.raises(SkinfwError, match="holds shards already"):
        write(tmp_path, "one")


def test_a_changed_byte_of_a_shard_is_told(files: dict[str, bytes], tmp_path: Path) -> None:
    from skinfw.data.decoding import UnreadableError, read_image

    write(tmp_path, "one")
    rows = Shards(root=tmp_path / "one").table().rows
    shard = tmp_path / "one" / "shard-00000.tar"
    content = bytearray(shard.read_bytes())
    place = bytes(content).index(files["images/ISIC_0000004.jpg"]) + 400
    content[place] ^= 1
    shard.write_bytes(content)
    read_image(rows["path"][3])
    with pytest.raises(UnreadableError, match="not those that were written"):
        read_image(rows["path"][4])
    shard.write_bytes(content[: place + 1])
    with pytest.raises(UnreadableError, match="its file ends after"):
        read_image(rows["path"][4])


@pytest.mark.parametrize(
    "place", ["/../../other.jpg", "/x/../../other.jpg#0+5/x.jpg", "/x::local", "", "/.."]
)
def test_an_index_names_nothing_but_pieces_of_its_shards(
    files: dict[str, bytes], tmp_path: Path, place: str
) -> None:
    write(tmp_path, "one")
    index = tmp_path / "one" / "index.csv"
    text = index.read_text()
    start = text.index("shard-00000.tar#")
    end = text.index(",", start)
    (tmp_path / "one" / "shard-00000.tar#1+2+00000000").mkdir()  # so that ".." leads somewhere
    (tmp_path / "other.jpg").write_bytes(b"other")
    index.write_text(f"{text[:start]}shard-00000.tar#1+2+00000000{place}{text[end:]}")
    with pytest.raises(SkinfwError, match="the path names no piece of a shard"):
        Shards(root=tmp_path / "one").table()


def test_whatever_files_are_called_their_pieces_have_plain_names(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    name = "images/ISIC_0000000.jpg"
    (tmp_path / name).rename(tmp_path / "images" / "one.j;p:g (1)")
    table = (tmp_path / "images.csv").read_text()
    (tmp_path / "images.csv").write_text(table.replace(name, "images/one.j;p:g (1)"))
    write(tmp_path, "one")
    rows = Shards(root=tmp_path / "one").table().rows
    assert source_path(rows["path"][0]).read_bytes() == files[name]


def test_a_folder_without_shards_is_told(tmp_path: Path) -> None:
    with pytest.raises(SkinfwError, match="holds no shards"):
        _ = Shards(root=tmp_path).classes
    (tmp_path / "shards.json").write_text("{}")
    with pytest.raises(SkinfwError, match="lacks the key"):
        _ = Shards(root=tmp_path).classes


def test_parquet_is_read_as_the_csv_of_the_same_table(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    values = {
        "path": ["a.jpg", " b.jpg"], "label": ["MEL", "NV"], "age": [35.0, float("nan")],
        "count": [3, None], "kind": arrow.array(["x", "y"]).dictionary_encode(),
    }  # fmt: skip
    parquet.write_table(arrow.table(values), tmp_path / "t.parquet")
    text = "path,label,age,count,kind\na.jpg,MEL,35,3,x\nb.jpg,NV,,,y\n"
    (tmp_path / "t.csv").write_text(text)
    needed = ["path", "label"]
    ours = read_table(tmp_path / "t.parquet", needed)
    assert ours.equals(read_table(tmp_path / "t.csv", needed))
    assert read_table(tmp_path / "t.parquet", needed, columns=["label"]).columns == ["label"]
    for name, column, said in (
        ("hidden", arrow.array(["a", "b\u200e"]), r"t.parquet, row 2"),
        ("label ", arrow.array(["a", "b"]), "header cannot have the name"),
        ("nested", arrow.array([[1], [2]]), "holds list"),
    ):
        parquet.write_table(arrow.table({**values, name: column}), tmp_path / "t.parquet")
        with pytest.raises(SkinfwError, match=said):
            read_table(tmp_path / "t.parquet", needed)
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(SkinfwError, match="no readable Parquet"):
        read_table(tmp_path / "t.parquet", needed)


@pytest.mark.parametrize("stored", [True, False])
def test_a_small_parquet_that_means_long_texts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from skinfw.files import parquet_tables

    file, rows, width = tmp_path / "t.parquet", 50_000, 90_000
    codes = arrow.DictionaryArray.from_arrays([0] * rows, ["x" * width])  # 4.5 GB of texts
    parquet.write_table(arrow.table({"path": codes}), file, store_schema=stored)
    assert file.stat().st_size < 100_000
    monkeypatch.setattr(parquet_tables, "MAX_BYTES", 10**8)
    before = arrow.default_memory_pool().max_memory()
    with pytest.raises(SkinfwError, match="too large for a table"):
        read_table(file, ["path"])
    assert arrow.default_memory_pool().max_memory() < max(before, 6 * 10**8)


def test_a_small_parquet_of_too_many_cells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    from skinfw.files import parquet_tables

    monkeypatch.setattr(parquet_tables, "_MAX_CELLS", 50_000)
    file, nothing = tmp_path / "t.parquet", arrow.nulls(10_000)
    parquet.write_table(arrow.table({f"c{own}": nothing for own in range(6)}), file)
    with pytest.raises(SkinfwError, match="60,000 cells"):
        read_table(file, ["c1"])
    assert len(read_table(file, ["c1"], columns=["c1"])) == 10_000
