"""Names from elsewhere become names of files that lie in their folder."""

from pathlib import Path

import pytest

from skinfw.errors import SkinfwError
from skinfw.files.paths import file_name, new_folder, refuse_links


@pytest.mark.parametrize(
    "text", ["quickstart", "my recipe (2)", "ham10000_b2.v1", "grad-cam-predicted", "Nävus", "痣"]
)
def test_a_good_name_stays(text: str) -> None:
    assert file_name(text) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../../x", "/etc/passwd", "a/b", "a\\b", "C:\\x", "C:x", "a\0b", "a\nb", "con",
     "NUL.txt", "com1", "x.", "x ", ".x", "x" * 300, "痣" * 100, "a\u202eb", "\ud800", "a*b?", "~"],
)  # fmt: skip
def test_any_other_name_is_one_of_its_own_in_its_folder(text: str, tmp_path: Path) -> None:
    name = file_name(text)
    assert name != text and name not in ("", ".", "..") and len(name.encode()) < 140
    (tmp_path / name).mkdir()
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert not set(name) & set('/\\:*?"<>|\0\n') and name == name.strip(". ")


def test_two_texts_never_share_a_name() -> None:
    texts = ["a/b", "a-b", "a\\b", "a:b", "..a-b", "x" * 200, "x" * 201, "é", "e\u0301"]
    assert len({file_name(text) for text in texts}) == len(texts)


def test_a_link_that_leads_outside_is_refused_and_others_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").touch()
    (folder / "inside").symlink_to("deep/file")
    refuse_links(folder)
    (folder / "deep" / "outside").symlink_to(tmp_path / "absent")
    with pytest.raises(SkinfwError, match="leads outside") as error:
        refuse_links(folder)
    assert error.value.where.endswith("deep/outside") and "absent" in error.value.why


def test_a_new_folder_is_one_that_was_not_there(tmp_path: Path) -> None:
    made = [new_folder(tmp_path / "runs", "own") for _ in range(3)]
    assert [folder.name for folder in made] == ["own", "own-2", "own-3"]
    (tmp_path / "file").write_text("")
    with pytest.raises(SkinfwError, match="file"):
        new_folder(tmp_path / "file", "own")
