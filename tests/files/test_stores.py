"""Stores that processes share: damaged and older ones begin anew, whole ones stay."""

import sqlite3
from pathlib import Path

import pytest

from skinfw.files.stores import Store, seal

TABLES = ("CREATE TABLE words (word TEXT PRIMARY KEY, seal INTEGER)",)


def words(store: Store) -> list[str]:
    with store.open() as rows:
        return [word for (word,) in rows.execute("SELECT word FROM words ORDER BY word")]


def write(store: Store, *texts: str) -> None:
    with store.open() as rows:
        rows.executemany("REPLACE INTO words VALUES (?, ?)", [(one, seal(one)) for one in texts])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "new" / "words.sqlite"
    write(Store(file, TABLES, 1), *(f"word {number}" for number in range(500)))
    return file


def test_what_is_written_is_there_for_the_next(file: Path) -> None:
    forgotten: list[int] = []
    store = Store(file, TABLES, 1, lambda: forgotten.append(1))
    assert len(words(store)) == 500 and not forgotten
    with pytest.raises(ZeroDivisionError), store.open() as rows:
        rows.execute("DELETE FROM words")
        raise ZeroDivisionError
    assert len(words(store)) == 500  # a transaction that fails changes nothing


@pytest.mark.parametrize("layout", [2, 7])
def test_another_layout_begins_anew_and_forgets_what_belongs_to_the_old(
    file: Path, layout: int
) -> None:
    forgotten: list[int] = []
    store = Store(file, (*TABLES, "CREATE TABLE more (a)"), layout, lambda: forgotten.append(1))
    assert words(store) == [] and forgotten == [1]
    write(store, "kept")
    assert words(Store(file, (), layout)) == ["kept"]


@pytest.mark.parametrize("damage", ["rubbish", "page", "half", "header"])
def test_a_damaged_store_begins_anew(file: Path, damage: str) -> None:
    content = bytearray(file.read_bytes())
    if damage == "rubbish":
        content = bytearray(b"no database" * 99)
    elif damage == "page":
        content[4096:8192] = b"\xff" * 4096
    elif damage == "half":
        del content[len(content) // 2 :]
    else:
        content[:30] = bytes(30)
    file.write_bytes(content)
    forgotten: list[int] = []
    store = Store(file, TABLES, 1, lambda: forgotten.append(1))
    assert words(store) == [] and forgotten == [1]
    write(store, "new")
    assert words(Store(file, TABLES, 1)) == ["new"]
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_text_that_is_no_text_breaks_its_seal_and_no_query(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"word 77", b"word \xff7"))
    with Store(file, TABLES, 1).open() as rows:
        found = rows.execute("SELECT word, seal FROM words").fetchall()
    assert len(found) == 500
    assert [word for word, own in found if seal(word) != own] == ["word \ufffd7"]


def test_a_place_that_cannot_be_used_is_told_and_nothing_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError):
        Store(tmp_path / "file" / "words.sqlite", TABLES, 1)
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(sqlite3.Error):
        Store(tmp_path / "folder.sqlite", TABLES, 1)
    assert (tmp_path / "file").read_text() == "mine" and (tmp_path / "folder.sqlite").is_dir()


def test_seals_tell_values_types_and_order_apart() -> None:
    rows = [(1, "a"), ("1", "a"), ("a", 1), (1, "b"), (None, "a"), (1.0, "a")]
    assert len({seal(*row) for row in rows}) == len(rows)
