"""Zips from elsewhere: whole and harmless, or refused."""

import io
import shutil
import stat
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
from fileserver import zipped

from skinfw import SkinfwError
from skinfw_fetch.unpack import unpack


class Deaf:
    def begin(self, text: str, total: int, done: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def say(self, text: str) -> None: ...


def unpack_bytes(folder: Path, content: bytes) -> Path:
    """Unpack bytes into `folder/A`, as a fetch does."""
    archive = folder / "A.zip"
    archive.write_bytes(content)
    with unpack(archive, folder / "A", Deaf()) as whole:
        assert not (folder / "A").exists()
        whole.rename(folder / "A")
    return folder / "A"


@pytest.mark.parametrize("prefix", ["", "A/", "A/A/"])
def test_a_folder_of_its_own_name_is_not_nested_twice(tmp_path: Path, prefix: str) -> None:
    target = unpack_bytes(tmp_path, zipped({f"{prefix}1.jpg": b"1", f"{prefix}2.jpg": b"2"}))
    result = target / prefix.removeprefix("A/")
    assert sorted(file.name for file in result.iterdir()) == ["1.jpg", "2.jpg"]
    assert {file.name for file in tmp_path.iterdir()} == {"A", "A.zip"}


@pytest.mark.parametrize(
    "name", ["../x", "A/../../x", "/x", "C:/x", "C:x", "..\\x", "\\x", "//host/share/x"]
)
def test_a_member_that_would_lie_outside_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    refused(folder, zipped({"1.jpg": b"1", name: b"bad"}), "would lie outside")
    assert [file.name for file in tmp_path.rglob("*")] == ["inner", "A.zip"]


@pytest.mark.parametrize(
    ("names", "why"),
    [(["a", "a/b"], "would lie in a file"), (["a/b", "A"], "would lie in a file"),
     (["."], "has no name"), (["a.jpg", "a.jpg."], "is there twice"),
     (["\u00e9", "e\u0301"], "is there twice")],
)  # fmt: skip
def test_members_that_hide_each_other_on_some_system_are_refused(
    tmp_path: Path, names: list[str], why: str
) -> None:
    refused(tmp_path, zipped(dict.fromkeys(names, b"1")), why)


def test_a_bomb_is_refused_before_it_takes_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinfw_fetch.unpack._HARMLESS", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.csv", bytes(10_000_000))
    refused(tmp_path, buffer.getvalue(), "nothing honest compresses like that")


def test_a_link_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
        archive.writestr("link/x", b"bad")
    refused(tmp_path, buffer.getvalue(), '"link" is a link')


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, zipped({"1.jpg": b"1", "1.JPG": b"2"}), "is there twice")


def refused(folder: Path, content: bytes, why: str) -> None:
    with pytest.raises(SkinfwError) as error:
        unpack_bytes(folder, content)
    assert why in error.value.why and "cannot be trusted" in error.value.what
    assert not (folder / "A").exists() and not list(folder.glob(".*"))


@pytest.mark.parametrize("damage", ["no zip", "half", "a flipped bit"])
def test_a_damaged_zip_is_said_and_leaves_nothing(tmp_path: Path, damage: str) -> None:
    whole = zipped({f"{number}.jpg": bytes(1000) for number in range(9)})
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 1
    content = {"no zip": b"<html>", "half": whole[: len(whole) // 2], "a flipped bit": broken}
    with pytest.raises(SkinfwError) as error:
        unpack_bytes(tmp_path, bytes(content[damage]))
    assert error.value.what == "A.zip is damaged" and "delete it" in error.value.cure
    assert [file.name for file in tmp_path.iterdir()] == ["A.zip"]


def test_a_zip_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(9999, 0, 9999))
    with pytest.raises(SkinfwError) as error:
        unpack_bytes(tmp_path, zipped({"bomb": bytes(10_000)}))
    assert "10.0 kB" in error.value.why and [f.name for f in tmp_path.iterdir()] == ["A.zip"]


def test_what_a_kill_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".A.unpacking").mkdir()
    (tmp_path / ".A.unpacking" / "half.jpg").write_bytes(b"h")
    target = unpack_bytes(tmp_path, zipped({"1.jpg": b"1"}))
    assert [file.name for file in target.iterdir()] == ["1.jpg"]
