"""Lesions on two sides, through the whole run: refused, repaired, or marked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from skinfw.cli import main
from skinfw.data.table import split_data
from skinfw.errors import RecipeError
from skinfw.recipe.plan import load_plan
from skinfw_synthetic.dataset import Synthetic

Train = Callable[..., Any]
ROWS = 'split.use="rows"'


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw sixty-four lesions, each once, and write them as files."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("drawn")
    data = Synthetic(images=200, size=96)
    paths = data.table().rows.drop_duplicates("lesion")["path"].head(64)
    for number, path in enumerate(paths):
        Image.fromarray(data.image(path)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def table(drawn: Path, tmp_path: Path) -> Callable[..., str]:
    """Write a CSV of these images with official parts; columns and copies as asked."""

    def write(copies: dict[str, str] | None = None, **columns: dict[int, str]) -> str:
        from PIL import Image

        names = sorted(file.name for file in drawn.iterdir())
        parts = ["train"] * 40 + ["val"] * 12 + ["test"] * 12
        head = ["id", "path", "label", "split", *columns]
        lines = [",".join(head)]
        for number, (name, part) in enumerate(zip(names, parts, strict=True)):
            more = [values.get(number, "") for values in columns.values()]
            label = "MEL" if number % 2 else "NV"
            lines.append(",".join([f"i{number}", str(drawn / name), label, part, *more]))
        for number, (source, part) in enumerate((copies or {}).items()):
            copy = tmp_path / f"copy-{number}.jpg"
            image = Image.open(drawn / source)
            image.crop((8, 4, image.width - 6, image.height)).rotate(90, expand=True).save(copy)
            label = "MEL" if int(source[:2]) % 2 else "NV"
            lines.append(",".join([f"c{number}", str(copy), label, part, *[""] * len(columns)]))
        (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
        return f"dataset={{use='csv', file='{tmp_path / 'table.csv'}'}}"

    return write


OFFICIAL = "split.use=official"


def divided(tiny: Path, *sets: str, compare: bool = True) -> Any:
    return split_data(load_plan(tiny, sets), compare=compare)


def refusal(tiny: Path, *sets: str) -> RecipeError:
    with pytest.raises(RecipeError, match="the split leaks") as error:
        divided(tiny, *sets)
    return error.value


def call(*words: str) -> Any:
    return CliRunner().invoke(main, words)


def test_a_row_split_is_refused_in_four_lines(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("run", str(tiny), "--set", ROWS)
    assert done.exit_code == 2
    what, where, why, cure = done.stderr.splitlines()
    assert what.startswith("error: the split leaks: ") and "lesions have images in more" in what
    assert where == f"  --set {ROWS}"
    assert "one lesion: SYN_" in why and "(train)" in why and "more pairs" in why
    assert 'split.repair = "drop-from-train"' in cure and "skinfw show split" in cure


def test_check_refuses_it_too_where_it_reads_the_data(tiny: Path) -> None:
    rows = (str(tiny), "--data", "--set", ROWS, "--set", "split.val=0.1")
    done = call("check", *rows)
    assert done.exit_code == 2 and "the split leaks" in done.stderr
    allowed = call("check", *rows, "--set", "split.allow_leakage=true")
    assert allowed.exit_code == 0 and "the test numbers are too good" in allowed.stdout


def test_a_leaking_run_that_is_allowed_is_marked(train: Train) -> None:
    result, folder = train(ROWS, "split.allow_leakage=true", "split.val=0.1", "train.epochs=1")
    count = folder.record["leakage"]["straddling"]
    assert count > 0 and folder.record["leakage"]["check"] == "ids"  # drawn: no files
    mark = f"{count} lesions have images in more than one part, so the test numbers are too good"
    assert mark in result.marks
    assert mark in json.loads((folder.path / "run.json").read_text())["marks"]


def test_repair_leaves_the_test_part_whole(train: Train) -> None:
    said: list[str] = []
    _, folder = train(ROWS, "split.val=0.1", 'split.repair="drop-from-train"', "train.epochs=1",
                      said=said)  # fmt: skip
    import pandas as pd

    kept = pd.read_csv(folder.path / "splits.csv")
    assert kept.groupby("component")["part"].nunique().max() == 1
    leaking = 80 - len(kept)
    dropped = folder.record["leakage"]["dropped"]
    assert dropped["train"] + dropped["val"] == leaking > 0 and dropped["test"] == 0
    assert (kept["part"] == "test").sum() == 24  # 30 % of 80
    assert any("training and" in line and "are left out" in line for line in said)
    assert not [mark for mark in folder.record["marks"] if "more than one part" in mark]


def test_lesions_patients_and_copies_make_chains_across_official_parts(
    tiny: Path, table: Callable[..., str]
) -> None:
    # i0 (train) and i50 are one lesion, i50 (val) and i60 one patient, c0 (test) is a copy of i1.
    data = table({"01.png": "test"}, lesion={0: "L", 50: "L"}, patient={50: "P", 60: "P"})
    error = refusal(tiny, data, OFFICIAL)
    assert "2 lesions" in error.what and error.where == f"--set {OFFICIAL}"
    first, second, third = error.why.split("; ")
    assert first.startswith("near-duplicates: ") and "01.png (train)" in first
    assert "copy-0.jpg (test)" in first
    assert second.startswith("one patient: ") and "(val)" in second and "(test)" in second
    assert third.startswith("one lesion: ") and "(train)" in third and "(val)" in third


def test_the_picture_that_is_a_copy_is_named_and_not_the_first_one_of_its_row(
    tiny: Path, table: Callable[..., str], drawn: Path, tmp_path: Path
) -> None:
    from PIL import Image

    clinic = {row: str(drawn / f"{row:02}.png") for row in range(64)}
    clinic[60] = str(tmp_path / "clinical.jpg")
    Image.open(clinic[1]).transpose(Image.Transpose.ROTATE_90).save(clinic[60])
    data = table(clinic=clinic).replace("file=", "pictures=['clinic'], file=")
    error = refusal(tiny, data, OFFICIAL, "modalities.pictures=['clinic']")
    assert "01.png (train)" in error.why and "clinical.jpg (test)" in error.why
    assert "60.png" not in error.why


def test_ids_alone_read_no_image(tiny: Path, table: Callable[..., str]) -> None:
    data = table({"01.png": "test"})
    assert "1 lesions" in refusal(tiny, data, OFFICIAL).what
    result = divided(tiny, data, OFFICIAL, 'split.check="ids"')
    assert result.leakage.straddling == 0
    assert len(divided(tiny, data, OFFICIAL, compare=False).rows) == 65


def test_repair_drops_from_train_before_validation(tiny: Path, table: Callable[..., str]) -> None:
    data = table({"01.png": "test", "45.png": "test", "02.png": "val"})
    result = divided(tiny, data, OFFICIAL, 'split.repair="drop-from-train"')
    assert result.leakage.dropped == {"train": 2, "val": 1, "test": 0}
    assert not {"i1", "i2", "i45"} & set(result.rows["id"])
    assert {"c0", "c1", "c2"} <= set(result.rows["id"])


def test_whoever_keeps_lesions_whole_keeps_copies_on_one_side(
    tiny: Path, table: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny.parent)
    (tiny.parent / "mine.py").write_text(
        "class ByLesion:\n"
        "    def assign(self, table, rng):\n"
        "        names = sorted(set(table['lesion']))\n"
        "        where = {name: ('train', 'val', 'test')[n % 3] for n, name in enumerate(names)}\n"
        "        return [where[name] for name in table['lesion']]\n"
    )
    data = table({f"{number:02}.png": "test" for number in range(6)})
    for split in ("split.use=./mine.py:ByLesion", "split.use=lesion-stratified"):
        result = divided(tiny, data, split)
        rows = result.rows.set_index("id")
        for number in range(6):
            pair = rows.loc[[f"i{number}", f"c{number}"]]
            assert pair["component"].nunique() == pair["part"].nunique() == 1
            assert pair["lesion"].nunique() == 2  # the names stay as they were
        (note,) = (line for line in result.notes if "more than their names" in line)
        assert note == "70 lesions are 64 by more than their names: 6 near-duplicates"


def test_where_nothing_is_joined_no_division_changes(tiny: Path) -> None:
    result = divided(tiny)
    assert (result.rows["component"] == result.rows["lesion"]).all()
    assert result.leakage.links.keys() == {"lesion"}
