"""Mutated tables: read as a person reads them, or refused; never otherwise, and never for long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from campaigns.campaign import Campaign, Figures
from campaigns.table_sets import SETS, Grid, Meaning, TableSet, as_text, read_by_eye, write
from skinfw import SkinfwError
from skinfw.data.table import read_data_table
from skinfw.guards.answers import check_classes
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.loading import load_recipe
from skinfw.recipe.plan import plan_kind
from skinfw.registry.catalog import Catalog

SECONDS = 2.0


@dataclass
class Table:
    """Hold one table while it is mutated.

    grid: its cells.
    dice: for every choice.
    """

    grid: Grid
    dice: random.Random

    @property
    def text(self) -> str:
        """The table as CSV."""
        return as_text(self.grid)

    def row(self) -> int:
        """Return a row that is no header."""
        return self.dice.randrange(1, len(self.grid))

    def place(self) -> tuple[int, int]:
        """Return row and column of a cell that is not in the header."""
        row = self.row()
        return row, self.dice.randrange(len(self.grid[row]))

    def lines(self, change: Callable[[list[str]], None]) -> bytes:
        """Return the table with its lines changed."""
        lines = self.text.splitlines(keepends=True)
        change(lines)
        return "".join(lines).encode()


def flip_bytes(table: Table) -> bytes:
    """Flip a bit of one to three bytes."""
    content = bytearray(table.text.encode())
    for _ in range(table.dice.choice((1, 1, 2, 3))):
        content[table.dice.randrange(len(content))] ^= 1 << table.dice.randrange(8)
    return bytes(content)


def put_quotes(table: Table) -> bytes:
    """Put quotes of some kind somewhere, or around a cell."""
    dice, text = table.dice, table.text
    sign = dice.choice(['"', '"', '"', "'", "“", "`"])
    how = dice.choice(["one", "span", "cell", "three", "escaped"])
    if how in ("cell", "escaped"):
        row, column = table.place()
        inner = f"{sign}{sign}{table.grid[row][column]}" if how == "escaped" else None
        table.grid[row][column] = f"{sign}{inner or table.grid[row][column]}{sign}"
        return table.text.encode()
    count = {"one": 1, "span": 2, "three": 3}[how]
    near = dice.randrange(len(text))
    for _ in range(count):
        text = text[:near] + sign + text[near:]
        near = min(len(text), near + dice.choice((1, 5, 20, 60)))
    return text.encode()


def change_delimiters(table: Table) -> bytes:
    """Part cells by another sign: everywhere, in one line, or once."""
    dice, text = table.dice, table.text
    sign = dice.choice([";", "\t", "|", ":", "،", ", ", ",,"])
    how = dice.choice(["all", "line", "once"])
    if how == "all":
        return text.replace(",", sign).encode()
    lines = text.splitlines(keepends=True)
    place = dice.randrange(len(lines))
    lines[place] = lines[place].replace(",", sign, 1 if how == "once" else -1)
    return "".join(lines).encode()


def change_encoding(table: Table) -> bytes:
    """Write the text in another encoding."""
    row, column = table.place()
    encoding = table.dice.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "bom2",
                                  "latin-1", "cp037", "utf-7"])  # fmt: skip
    if encoding == "bom2":
        return b"\xef\xbb\xbf" * 2 + table.text.encode()
    if encoding == "latin-1":
        table.grid[row][column] += "é"
    return table.text.encode(encoding)


def change_lines(table: Table) -> bytes:
    """Swap, repeat, lose, join, split or blank lines."""
    dice, one, other = table.dice, table.row(), table.row()
    how = dice.choice(["swap", "repeat", "lose", "join", "blank", "commas", "header", "split"])

    def change(lines: list[str]) -> None:
        if how == "swap":
            lines[one], lines[other] = lines[other], lines[one]
        elif how == "lose":
            del lines[one]
        elif how == "join":
            lines[one - 1] = lines[one - 1].rstrip("\n")
        elif how == "split":
            cut = dice.randrange(len(lines[one]))
            lines[one] = lines[one][:cut] + "\n" + lines[one][cut:]
        else:
            width = len(table.grid[0])
            new = {"repeat": lines[one], "blank": "\n", "header": lines[0]}
            lines.insert(other, new.get(how, "," * (width - 1) + "\n"))

    return table.lines(change)


def cut_the_end(table: Table) -> bytes:
    """Lose what comes after some byte."""
    content = table.text.encode()
    return content[: table.dice.randrange(len(content))]


def change_cells(table: Table) -> bytes:
    """Swap two cells, blank one, or put one of another place there."""
    (row, column), (other, _) = table.place(), table.place()
    how, grid = table.dice.choice(["row", "column", "blank", "copy"]), table.grid
    if how == "row":
        along = table.dice.randrange(len(grid[row]))
        grid[row][column], grid[row][along] = grid[row][along], grid[row][column]
    elif how == "column":
        grid[row][column], grid[other][column] = grid[other][column], grid[row][column]
    else:
        grid[row][column] = "" if how == "blank" else grid[other][column]
    return table.text.encode()


def make_huge(table: Table) -> bytes:
    """Make the table very wide, a cell very long, or a line endless."""
    how = table.dice.choice(["header", "row", "both", "cell", "quoted", "quotes", "name", "blanks"])
    row, column = table.place()
    grid = table.grid
    if how in ("header", "both"):
        grid[0] += [f"c{number}" for number in range(200_000)]
    if how in ("row", "both"):
        for number in (row,) if how == "row" else range(1, len(grid)):
            grid[number] += ["0"] * 200_000
    wide = {"cell": "x" * 2_000_000, "quoted": '"' + ",\n" * 500_000 + '"', "quotes": '"' * 500_001,
            "blanks": " " * 1_000_000}  # fmt: skip
    if how in wide:
        grid[row][column] = wide[how]
    elif how == "name":
        grid[0][column] = "n" * 1_000_000
    return table.text.encode()


HIDDEN = ["\u200b", "\u00a0", "\ufeff", "\u202e", "\u00ad", "\u2060", "\u3000", "\x00",
          "\x1b", "\x7f", "\u0085", "\u2028", "\ue000", "\U000e0041"]  # fmt: skip
TWINS = dict(zip("AEMOPCTaeopcxKBHX", "АЕМОРСТаеорсхКВНХ", strict=True))  # noqa: RUF001


def put_unicode(table: Table) -> bytes:
    """Put letters that cannot be seen, or that look like others, into a cell or the header."""
    dice = table.dice
    row, column = (0, dice.randrange(len(table.grid[0]))) if dice.random() < 0.4 else table.place()
    cell = table.grid[row][column]
    at = dice.randrange(len(cell) + 1)
    twins = [place for place, letter in enumerate(cell) if letter in TWINS]
    if twins and dice.random() < 0.5:
        at = dice.choice(twins)
        cell = cell[:at] + TWINS[cell[at]] + cell[at + 1 :]
    else:
        cell = cell[:at] + dice.choice(HIDDEN) + cell[at:]
    table.grid[row][column] = cell
    return table.text.encode()


def rename_columns(table: Table) -> bytes:
    """Spell, lose or repeat the name of a column."""
    dice, header = table.dice, table.grid[0]
    # Without a column id the path is the id, so that its name may be anything else.
    one = dice.choice([place for place, name in enumerate(header) if name != "id"])
    name = header[one]
    header[one] = dice.choice([
        name.swapcase(), name.capitalize(), f" {name} ", name + "s", name[:-1], name + "_id", "",
        dice.choice(header), name.replace("_", " "), name.replace("_", ""), f'"{name}"',
    ])  # fmt: skip
    return table.text.encode()


def swap_columns(table: Table) -> bytes:
    """Swap two names of the header, or drop one with all that follows moving up."""
    dice, header = table.dice, table.grid[0]
    one, other = dice.randrange(len(header)), dice.randrange(len(header))
    if dice.random() < 0.3:
        del header[one]
    else:
        header[one], header[other] = header[other], header[one]
    return table.text.encode()


PATHS = [
    "../x",
    "/etc/passwd",
    "a/../../b",
    "C:\\x",
    "C:x",
    "..",
    ".",
    "",
    "\x00",
    "-rf",
    "CON",
    "nul.txt",
    "x" * 300,
    "x" * 3000,
    "a\\b",
    "a//b",
    "/",
    "~/x\x1b[2J",
    "a.",
    "\u202eabc",
]


def put_paths(table: Table) -> bytes:
    """Put a path, or the name of another image in other letters, in place of an id."""
    dice, row = table.dice, table.row()
    names = ("id", "image", "image_id", "case_num", "indexes")
    column = next(place for place, name in enumerate(table.grid[0]) if name in names)
    other = table.grid[1 if row != 1 else 2][column]
    table.grid[row][column] = dice.choice([*PATHS, other, other.swapcase(), f"{other} "])
    return table.text.encode()


NUMBERS = ["1,0", '"1,0"', "\u0661", "1e0", "nan", "inf", "0x1", "True", "+1", "01", "1_0", "-0",
           " 1", "1.", ".0", "1.00", "0.5", "2", "NaN", "1 0", "\u00bd", "\uff11"]  # fmt: skip


def put_numbers(table: Table) -> bytes:
    """Write a number in a way that some programs read."""
    row, column = table.place()
    table.grid[row][column] = table.dice.choice(NUMBERS)
    return table.text.encode()


def change_line_ends(table: Table) -> bytes:
    """End lines in other ways, or put rubbish behind the last."""
    dice, content = table.dice, table.text.encode()
    how = dice.choice(
        [b"\r\n", b"\r", b"\n\r", b"\r\r\n", b"\x0b", b"\x0c", b"\xe2\x80\xa8", b"\n\n"]
    )
    if dice.random() < 0.5:
        return content + dice.choice(
            [b"\x1a", b"\x00" * 9, b"\n\n\n", b",,,\n", b"\r", b"#end\n", b"PK"]
        )
    ends = [place for place, byte in enumerate(content) if byte == 10]
    if dice.random() < 0.5:
        place = dice.choice(ends)
        return content[:place] + how + content[place + 1 :]
    return content.replace(b"\n", how)


KINDS: dict[Callable[[Table], bytes], bool] = {
    flip_bytes: True, put_quotes: True, change_delimiters: True, change_encoding: False,
    change_lines: True, cut_the_end: True, change_cells: True, make_huge: False, put_unicode: False,
    rename_columns: False, swap_columns: True, put_paths: False, put_numbers: True,
    change_line_ends: True,
}  # fmt: skip
"""What is done to tables, and whether a reader may see another meaning in it afterwards."""


@cache
def component(use: str) -> PlannedComponent[Any]:
    """Return a data set as a recipe plans it; where its files are comes with each case."""
    key, name = ("file", "list.csv") if use == "csv" else ("root", "archive")
    planned = plan_kind(load_recipe({"dataset": {"use": use, key: name}}), Catalog(), "dataset")
    assert planned
    return planned


def meaning_of(tables: TableSet, contents: dict[str, bytes]) -> Meaning | None:
    """Return what a person reads in the tables, or nothing where they make no sense."""
    grids = {file: read_by_eye(content) for file, content in contents.items()}
    try:
        meaning = tables.meaning({file: grid for file, grid in grids.items() if grid})
    except (AssertionError, KeyError, ValueError, IndexError):
        return None
    if any(grid is None for grid in grids.values()):
        return None
    lost = tables.official and set(meaning) != set(tables.original())
    return None if lost else meaning


def read(tables: TableSet, folder: Path) -> Meaning:
    """Return what skinfw reads, as a run does."""
    planned = component(tables.use)
    options = {name: Path(str(value).format(folder)) for name, value in tables.options.items()}
    own = replace(planned, arguments={**planned.arguments, **options})
    dataset = own.make()
    with own.guard():
        check_classes(dataset.classes)
    rows = read_data_table(own, dataset).rows
    parts = rows["split"] if "split" in rows else [""] * len(rows)
    return {
        row.id: (row.label, row.lesion, part, Path(row.path).name)
        for row, part in zip(rows.itertuples(), parts, strict=True)
    }


def case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Mutate one table of one data set, and read it."""
    mutate = dice.choice(list(KINDS))
    tables = dice.choice(SETS)
    file = dice.choice(list(tables.tables))
    contents = {name: as_text(grid).encode() for name, grid in tables.tables.items()}
    contents[file] = mutate(Table([list(row) for row in tables.tables[file]], dice))
    write(tables, contents, folder)
    what = f"case {number}, {mutate.__name__} of {tables.use}'s {file}"
    start = time.process_time()
    try:
        result = read(tables, folder)
    except SkinfwError as error:
        result = None
        if " failed: " in error.what:
            figures.fail(what, f"a traceback in the component: {error}")
        elif not (error.where and error.cure and len(str(error).splitlines()) <= 4):
            figures.fail(what, f"an error without place or cure: {error}")
    seconds = time.process_time() - start
    figures.largest("CPU seconds", seconds)
    if seconds > SECONDS:
        figures.fail(what, f"took {seconds:.1f} s of processor")
    if result is None:
        figures.count("refused")
    elif result == tables.original():
        figures.count("read as they were")
    elif KINDS[mutate] and result == meaning_of(tables, contents):
        figures.count("read as a reader sees the change")
    else:
        figures.count("misread")
        figures.fail(
            what, f"was read as {sorted(set(result.items()) ^ set(tables.original().items()))}"
        )


CAMPAIGNS = (Campaign("tables", 3_000, 40, case),)
