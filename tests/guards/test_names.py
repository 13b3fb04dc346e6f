"""Ids, labels and lesions are texts that readers can tell apart, and ids lead nowhere."""

import pandas as pd
import pytest

from skinfw.errors import AnswerError
from skinfw.guards.answers import check_classes, check_parts
from skinfw.guards.names import check_row_texts, first_alike, id_fault, name_fault

ROWS = {"id": ["a", "b"], "path": ["a.jpg", "b.jpg"], "label": ["MEL", "NV"], "lesion": ["1", ""]}


@pytest.mark.parametrize(
    "name", ["ISIC_0000000", "nevus/deep/b.PNG", "a b.jpg", "Fall Nr. 3", "5", "Größe", "меланома"]
)
def test_what_people_call_images_is_an_id(name: str) -> None:
    assert id_fault(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "", " ", " a", "a ", "../x", "/etc/passwd", "a/../b", "a//b", "a/", ".", "..", "C:\\x",
        "c:x", "a\\b", "-rf", "a\0", "a\nb", "a\u200b", "a\u202eb", "CON", "nul.txt", "x/Com1.jpg",
        "a.", "x" * 256, "a/" * 600 + "b", "\u041cEL", "'a'", 5, None, b"a",
    ],
)  # fmt: skip
def test_what_leads_elsewhere_or_cannot_be_seen_is_no_id(name: object) -> None:
    assert id_fault(name)


def test_a_name_may_be_what_an_id_may_not() -> None:
    assert name_fault("CON") == name_fault("../x") == "" and name_fault("N\u200bV")


@pytest.mark.parametrize(
    ("one", "other"), [("a", "A"), ("é", "e\u0301"), ("M", "\u041c"), ("1", "\uff11"), ("a", "a")]
)
def test_names_that_look_the_same_are_alike(one: str, other: str) -> None:
    assert first_alike(["x", one, other]) == (1, 2)
    assert first_alike(["x", one, "y"]) is None


@pytest.mark.parametrize(
    ("column", "value", "came"),
    [
        ("id", 7, "gave the id 7, which is no text"),
        ("id", "../x", "leads elsewhere"),
        ("id", "B", 'the ids "B" and "b", which differ in no way'),
        ("path", None, "gave the path None, which is no text"),
        ("label", 1.5, "gave the label 1.5"),
        ("label", "M\nEL", "cannot be seen"),
        ("lesion", 3, "gave the lesion 3, which is no text"),
        ("lesion", "\t1", "blanks stand around it"),
    ],
)
def test_rows_of_other_things_are_told(column: str, value: object, came: str) -> None:
    rows = pd.DataFrame(ROWS).astype("object")
    check_row_texts(rows)
    rows.loc[0, column] = value
    with pytest.raises(AnswerError) as error:
        check_row_texts(rows)
    assert came in error.value.came


@pytest.mark.parametrize("lesion", [None, float("nan"), pd.NA, ""])
def test_a_lesion_may_be_unknown(lesion: object) -> None:
    check_row_texts(pd.DataFrame({**ROWS, "lesion": pd.Series(["1", lesion], dtype="object")}))


def test_classes_that_look_the_same_are_refused() -> None:
    assert check_classes(["MEL", "NV"]) == ("MEL", "NV")
    for names in (["MEL", "mel"], ["MEL", "M\u200bEL"], ["MEL", "NV\n"]):
        with pytest.raises(AnswerError):
            check_classes(names)


def test_a_series_of_parts_counts_by_its_index() -> None:
    parts = pd.Series(["test", "val", "train"], index=[2, 1, 0])
    assert check_parts(parts, 3) == ["train", "val", "test"]
    for index in ([0, 1, 1], [5, 6, 7], ["a", "b", "c"]):
        with pytest.raises(AnswerError, match="index"):
            check_parts(pd.Series(["train"] * 3, index=index), 3)
    for wrong in ({0: "train", 1: "val"}, pd.DataFrame({"train": [0], "val": [1]})):
        with pytest.raises(AnswerError):
            check_parts(wrong, 2)
