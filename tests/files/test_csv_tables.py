"""Tables of strangers are read whole, or refused with their line; no row is lost or joined."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinfw import SkinfwError, read_csv

GOOD = "id,label\na,MEL\nb,NV\nc,NV\n"


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    return tmp_path / "table.csv"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD.replace("b,NV", 'b,"NV'), 3, "never closes"),
        (GOOD.replace("b,NV", 'b,"NV') + 10_000 * "d,NV\n", 3, "none of the next 10,000 lines"),
        (GOOD.replace("b,NV", 'b,7" wide'), 3, "a stray quote stands in a cell"),
        (GOOD.replace("b,NV", "b\rx,NV"), 3, "ends its lines in two ways"),
        (GOOD.replace("\n", "\r"), 1, "ends its lines in two ways"),
        (GOOD.replace("b,NV", "b\0,NV"), 3, "the line holds U\\+0000"),
        (GOOD.replace("b,NV", "b,N\u202eV"), 3, "the line holds U\\+202E"),
        (GOOD + "\x1a", 5, "the line holds U\\+001A"),
        (GOOD.replace(",", ";"), 1, "parted by semicolons"),
        (GOOD.replace("label", "Label"), 1, 'it has "Label"'),
        (GOOD.replace("id,label", "id,label,LABEL"), 1, "differ in no way one sees"),
        (GOOD.replace("id,label", "id,label,n\u200bote"), 1, "U\\+200B"),
        (
            GOOD.replace("label", "label,").replace("MEL", "MEL,").replace("NV", "NV,1"),
            3,
            "column 3",
        ),
        ("id,label," + ",".join(map(str, range(20_000))), 1, "20,002 cells"),
        (GOOD.replace("b,NV", "b," + "x" * 200_000), 3, "a cell has 200,000 letters"),
        (GOOD.replace("b,NV", '"b,NV').replace("c,NV", 'c",NV'), 3, "closes in line 4"),
        (GOOD.replace("b,NV", '"b"x,NV'), 3, "the line is no CSV"),
        (GOOD.replace("b,NV", "b"), 3, "the row has 1 cells, the header 2"),
        (GOOD.replace("b,NV", "b,NV,MEL"), 3, "the row has 3 cells, the header 2"),
        (GOOD.replace("b,NV", ""), 3, "a blank line stands between the rows"),
        (GOOD.replace("b,NV", ","), 3, "a blank line stands between the rows"),
        (GOOD.replace("id,label", "id,id"), 1, "the header lacks label"),
        (GOOD.replace("id,label", "id,label,id"), 1, "the header has id twice"),
        ("", 1, "the file is empty"),
    ],
)
def test_what_would_lose_a_row_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SkinfwError, match=says) as error:
        read_csv(file, ["id", "label"])
    assert error.value.where == f"{file}:{line}" and error.value.cure


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", ",\n"),  # some exports end each row with a comma
        GOOD.replace(",", " , "),
        GOOD + "\n\n,\n",
        GOOD.removesuffix("\n"),
        GOOD.replace("a,MEL", '"a","MEL"'),
        GOOD.replace("a,MEL", "a,MEL\u00a0"),
        ",id,label\n0,a,MEL\n1,b,NV\n2,c,NV\n",  # pandas counts the rows
    ],
)
def test_harmless_spellings_mean_the_same(tmp_path: Path, text: str) -> None:
    table = read_csv(written(tmp_path, text), ["id", "label"])
    assert table.to_dict("list") == {"id": ["a", "b", "c"], "label": ["MEL", "NV", "NV"]}


def test_words_that_pandas_would_read_as_absent_or_numbers_stay_texts(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, "id,site\nNA,nan\n007,\n"), ["id"])
    assert table.to_dict("list") == {"id": ["NA", "007"], "site": ["nan", ""]}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "cp1252", "cp037"])
def test_other_encodings_are_told_with_the_cure(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(GOOD.replace("b,NV", "b,Nävus").encode(encoding))
    with pytest.raises(SkinfwError) as error:
        read_csv(file, ["id", "label"])
    assert error.value.where.startswith(str(file)) and error.value.cure


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=8)


@given(rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8))
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    rows = [[f"x{row[0]}", *row[1:]] for row in rows]  # no row is blank
    file = tmp_path_factory.mktemp("csv") / "table.csv"
    with file.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["a", "b", "c"], *rows])
    expected = pd.DataFrame(
        [[cell.strip() for cell in row] for row in rows], columns=["a", "b", "c"], dtype=str
    )
    pd.testing.assert_frame_equal(read_csv(file, ["a"]), expected)
