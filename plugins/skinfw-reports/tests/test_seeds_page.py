"""seeds.html and the comparison of recipes: what another training would give stands on the page."""

import math
from pathlib import Path

import pytest

from skinfw import Comparison, ComparisonEntry, SeedNumber, SeedsSummary
from skinfw_reports.page import Page

EVIL = "<script>alert(1)</script>"
NAN = math.nan


@pytest.mark.parametrize("one_division", [False, True])
def test_the_page_of_seeds_tells_mean_spread_and_interval(
    tmp_path: Path, one_division: bool
) -> None:
    numbers = {
        "balanced_accuracy": SeedNumber((0.71, 0.742), 0.726, 0.0226, (0.5211, 0.9312)),
        "sensitivity/MEL": SeedNumber((0.5, NAN), 0.5, NAN, (NAN, NAN)),
        "sensitivity/DF": SeedNumber((NAN, NAN), NAN, NAN, (NAN, NAN)),
    }
    names, counts = ("seed-1", "seed-2"), (40, 41)
    chosen = "balanced_accuracy"
    Page().summarize(
        SeedsSummary(EVIL, names, counts, (20, 21), one_division, numbers, chosen, [EVIL]), tmp_path
    )
    text = (tmp_path / "seeds.html").read_text()
    assert EVIL not in text and text.count("&lt;script&gt;") == 3
    for said in ("0.726", "0.521 to 0.931", "0.023", "0.710", "0.742", "not measured"):
        assert said in text
    assert ("All seeds have the same division" in text) == one_division
    assert ("Each seed has a division of its own" in text) != one_division


def test_a_difference_of_recipes_holds_where_its_interval_leaves_out_0(tmp_path: Path) -> None:
    first = ComparisonEntry(0.7, (0.6, 0.8), deviation=0.0214)
    better = ComparisonEntry(0.8, (0.7, 0.9), 0.1, (0.02, 0.18), deviation=0.01)
    unsure = ComparisonEntry(0.72, (0.6, 0.8), 0.02, (-0.02, 0.06), deviation=0.01)
    runs, counts = ("a", "b", "c"), (9, 9, 9)
    numbers = {"accuracy": [first, better, unsure]}
    Page().compare(Comparison(runs, counts, counts, numbers, (), (3, 3, 3)), tmp_path)
    text = (tmp_path / "comparison.html").read_text()
    assert "over lesions and seeds together" in text and "0.021" in text
    assert text.count("<td>holds</td>") == 1 and text.count("<td>not shown</td>") == 1
