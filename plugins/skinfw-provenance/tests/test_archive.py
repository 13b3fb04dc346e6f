"""Archives: the same bytes of the same run, and none that can hurt who opens it."""

import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from skinfw import RecipeError, SkinfwError
from skinfw_provenance.archive import opened_run, write_archive

DIGEST = "ab" * 32
ABOUT = json.dumps(
    {"format": 1, "left_out": ["map.png"], "stripped": {"report.html": DIGEST}}
).encode()


def test_what_was_packed_is_there_and_its_bytes_depend_on_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("1\n")
    members = {"run/numbers.csv": tmp_path / "numbers.csv", "pack.json": ABOUT}
    write_archive(tmp_path / "a.zip", members)
    (tmp_path / "numbers.csv").touch()
    write_archive(tmp_path / "b.zip", dict(reversed(members.items())))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with opened_run(tmp_path / "a.zip") as (run, packed):
        assert (run / "numbers.csv").read_text() == "1\n"
        assert packed.left_out == ("map.png",) and packed.stripped == {"report.html": DIGEST}
    assert not run.exists()


def test_a_folder_is_given_as_it_is(tmp_path: Path) -> None:
    with opened_run(tmp_path) as (run, packed):
        assert run == tmp_path and not packed.left_out


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "C:/outside", "run/../../outside", "run\\..\\..\\outside"]
)
def test_no_member_gets_outside(tmp_path: Path, name: str) -> None:
    file = tmp_path / "bad.zip"
    with zipfile.ZipFile(file, "w") as sink:
        sink.writestr(name, "x")
        sink.writestr("pack.json", ABOUT)
    with pytest.raises(SkinfwError, match="cannot be trusted"), opened_run(file):
        pass
    assert [own.name for own in tmp_path.rglob("*")] == ["bad.zip"]


def test_links_and_names_that_hide_each_other_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("run/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for number, members in enumerate(([link], ["run/A", "run/a"])):
        file = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(file, "w") as sink:
            for member in members:
                sink.writestr(member, "/etc/passwd")
        with pytest.raises(SkinfwError, match="cannot be trusted"), opened_run(file):
            pass


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "bomb.zip", {"run/zeros": bytes(20 * 2**20), "pack.json": ABOUT})
    with pytest.raises(SkinfwError) as raised, opened_run(tmp_path / "bomb.zip"):
        pass
    assert "cannot be trusted" in raised.value.what
    assert "nothing honest compresses like that" in raised.value.why


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"left_out": ["metrics.json"]}, "metrics.json"),
        ({"left_out": ["best.safetensors"]}, "best.safetensors"),
        ({"left_out": ["recipe.lock"]}, "recipe.lock"),
        ({"stripped": {"best.safetensors": DIGEST}}, "best.safetensors"),
        ({"stripped": {"report.html": "ab"}}, "stripped.report.html"),
        ({"left_out": "all"}, "left_out"),
        ({"format": 2}, "format"),
    ],
)
def test_what_is_told_of_an_archive_excuses_nothing_that_belongs_in_it(
    tmp_path: Path, about: dict[str, Any], why: str
) -> None:
    content = json.dumps({**json.loads(ABOUT), **about}).encode()
    write_archive(tmp_path / "a.zip", {"pack.json": content})
    with pytest.raises(RecipeError) as raised, opened_run(tmp_path / "a.zip"):
        pass
    assert "none of skinfw pack" in raised.value.what
    assert why in raised.value.why


def test_a_description_without_end_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.zip", {"pack.json": b"[" * 100_000, "x": os.urandom(2**11)})
    with pytest.raises(RecipeError, match="none of skinfw pack"), opened_run(tmp_path / "a.zip"):
        pass


def test_a_damaged_archive_says_so(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.zip", {"run/x": bytes(range(256)) * 40, "pack.json": ABOUT})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[data.index(b"run/x") + 40] ^= 255
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(SkinfwError, match="damaged"), opened_run(tmp_path / "a.zip"):
        pass
