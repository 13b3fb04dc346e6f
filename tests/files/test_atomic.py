"""Files are replaced in one step, or stay as they were."""

import csv
import json
import math
import os
from pathlib import Path

import pytest

from skinfw import SkinfwError, atomic_write, write_csv, write_json


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("old")
    with atomic_write(file) as partial:
        partial.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new" and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_on_the_way_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    file = tmp_path / "table.csv"
    file.write_text("old")
    with pytest.raises(error), atomic_write(file) as partial:
        partial.write_text("half")
        raise error
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(SkinfwError) as error:
        write_json(tmp_path / "taken" / "numbers.json", {})
    said = str(error.value)
    assert "numbers.json cannot be written" in said and "Not a directory" in said
    assert str(tmp_path / "taken") in said


def test_what_cannot_be_read_on_the_way_says_so_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"), atomic_write(tmp_path / "table.csv"):
        (tmp_path / "absent.jpg").read_bytes()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_json(tmp_path / "link.json", 1)
    assert (tmp_path / "link.json").is_symlink() and (tmp_path / "real.json").read_text() == "1\n"


def test_a_pipe_is_written_as_it_is() -> None:
    end, begin = os.pipe()
    if not Path(f"/dev/fd/{begin}").exists():
        pytest.skip("needs /dev/fd")
    write_json(Path(f"/dev/fd/{begin}"), [1])
    os.close(begin)
    with os.fdopen(end) as reader:
        assert json.load(reader) == [1]


def test_files_of_one_stem_do_not_meet(tmp_path: Path) -> None:
    """Neither each other nor the rows that an interrupted prediction has left."""
    (tmp_path / "a.partial").write_text("rows")
    with atomic_write(tmp_path / "a.json") as one, atomic_write(tmp_path / "a.csv") as other:
        one.write_text("{}")
        other.write_text("a,b")
    write_json(tmp_path / "b.partial", 2)
    files = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert files == {"a.partial": "rows", "a.json": "{}", "a.csv": "a,b", "b.partial": "2\n"}


def test_a_name_that_is_no_text_can_be_kept(tmp_path: Path) -> None:
    """Names of files on old disks are bytes that are no UTF-8."""
    name = os.fsdecode(b"M\xe9lanome")
    write_json(tmp_path / "run.json", {"file": name})
    assert json.loads((tmp_path / "run.json").read_text("ascii")) == {"file": name}


def test_json_has_null_for_what_was_not_measured(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    write_json(file, {"a": (1.5, math.nan), "b": {"c": -math.inf}, "d": "naïve"})
    assert json.loads(file.read_text("utf-8")) == {
        "a": [1.5, None], "b": {"c": None}, "d": "naïve"
    }  # fmt: skip


def test_a_table_has_blanks_for_what_was_not_measured(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    write_csv(file, ["name", "value"], [["a, b", math.nan], ["c", 0.25]])
    with file.open(newline="") as lines:
        assert list(csv.reader(lines)) == [["name", "value"], ["a, b", ""], ["c", "0.25"]]
