"""What skinfw writes computes nothing in a spreadsheet, and what it reads back is what it was."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skinfw import Predictions, write_csv
from skinfw.files.spreadsheets import guarded_cell, original_text
from skinfw.statistics.predictions import read_predictions, write_predictions


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1+1", "-x"]
)
def test_what_a_spreadsheet_would_compute_is_a_text(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "table.csv", [text, "b"], [[text, 1]])
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            assert row[0] == f"'{text}" and original_text(row[0]) == text


@pytest.mark.parametrize("value", [-1, -0.5, "-0.5", "-1e-05", "+3", np.float64(-2), "a=b", ""])
def test_numbers_stay_numbers_and_other_texts_are_as_they_were(value: object) -> None:
    assert guarded_cell(value) == value


@given(st.text(st.sampled_from("'=+-@\t\r1a.e"), max_size=6))
def test_the_guard_comes_off_exactly(text: str) -> None:
    written = guarded_cell(text)
    assert original_text(written) == text
    assert written[:1] not in ("=", "@", "\t", "\r")


def test_predictions_of_names_that_would_be_computed_come_back(tmp_path: Path) -> None:
    names = ("=MEL", "+NV", "@BCC")
    chances = np.random.default_rng(0).dirichlet(np.ones(3), 4)
    ids = ["=a", "@b", "+c", "d"]
    given = Predictions(ids, ids, np.array([0, 1, 2, 0]), chances, names)
    write_predictions(tmp_path / "p.csv", given)
    again = read_predictions(tmp_path / "p.csv")
    assert list(again.ids) == ids and again.classes == names
    assert (again.true == given.true).all() and (again.probabilities == chances).all()
