"""Rows in an SQLite file that processes share, of which none that is damaged is ever used.

What lies in a store can be made again. So a store that is damaged, or was written in an older
layout, begins anew without a word, and a row whose seal is broken counts as absent.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

_SECONDS = 60
# What another process or the system refuses says nothing about the file.
_REFUSALS = {
    sqlite3.SQLITE_AUTH, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY,
}  # fmt: skip


class Store:
    """Open rows that several processes share, one transaction at a time."""

    def __init__(
        self,
        file: Path,
        tables: Sequence[str],
        layout: int,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """Open or make a store.

        file: where it lies; its folder is made.
        tables: statements that create its tables.
        layout: the number of their layout, which changes with them; at least 1.
        forget: called before a store begins anew, to delete what only the old rows speak of.
        Raises OSError or sqlite3.Error where it can be neither read nor made.
        """
        self._file, self._tables, self._layout, self._forget = file, tables, layout, forget
        file.parent.mkdir(parents=True, exist_ok=True)
        if not self._is_sound():
            self._replace()
        elif not self._is_current():
            self._begin_anew()

    @contextmanager
    def open(self) -> Generator[sqlite3.Connection]:
        """Give the rows for one transaction; other processes wait."""
        with closing(sqlite3.connect(self._file, timeout=_SECONDS)) as rows, rows:
            # A text that is damaged must break its seal, not the whole query.
            rows.text_factory = lambda content: content.decode("utf-8", "replace")
            yield rows

    def _is_sound(self) -> bool:
        """Tell whether SQLite finds no fault with the structure of the file."""
        try:
            with self.open() as rows:
                return bool(rows.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSALS:
                raise
            return False

    def _is_current(self) -> bool:
        with self.open() as rows:
            return _layout(rows) == self._layout

    def _begin_anew(self) -> None:
        """Make the tables in place of older ones, unless another process has just done so."""
        with self.open() as rows:
            rows.execute("BEGIN IMMEDIATE")
            if _layout(rows) == self._layout:
                return
            old = rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in old:
                rows.execute(f'DROP TABLE "{name}"')
            self._forget()
            self._create(rows)

    def _create(self, rows: sqlite3.Connection) -> None:
        for statement in self._tables:
            rows.execute(statement)
        rows.execute(f"PRAGMA user_version = {self._layout}")

    def _replace(self) -> None:
        """Put an empty store in the place of a damaged one, in one step."""
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
        fresh.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(fresh)) as rows, rows:
                self._create(rows)
            if self._is_sound():  # another process was faster
                return
            self._forget()
            for suffix in ("-journal", "-wal", "-shm"):  # of the old file, and no longer of any
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            fresh.replace(self._file)
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def seal(*values: object) -> int:
    """Return the checksum of a row, to be kept with it and compared when it is read.

    values: of all its columns, in one order: numbers, texts and None.
    """
    return zlib.crc32(repr(values).encode())


def _layout(rows: sqlite3.Connection) -> int:
    return int(rows.execute("PRAGMA user_version").fetchone()[0])
