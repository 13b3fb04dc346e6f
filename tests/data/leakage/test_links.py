import time

import numpy as np
import pandas as pd
import pytest

from skinfw.data.leakage.links import (
    bare_ids,
    concatenate_links,
    connected_components,
    links_by_value,
    links_from_table,
)


def rows(**columns: list[str]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    unique = [f"i{number}" for number in range(count)]
    return pd.DataFrame({"id": unique, "lesion": unique, **columns})


def groups(table: pd.DataFrame) -> list[int]:
    return connected_components(len(table), links_from_table(table)).tolist()


@pytest.mark.parametrize("column", ["lesion", "patient"])
def test_rows_with_one_name_are_joined_and_blanks_are_not(column: str) -> None:
    assert groups(rows(**{column: ["a", "", "b", "a", ""]})) == [0, 1, 2, 0, 4]


def test_evidence_of_different_kinds_makes_chains() -> None:
    table = rows(
        id=["ISIC_0000001", "ISIC_0000001_downsampled", "x", "y"],
        lesion=["a", "b", "b", "c"],
        patient=["", "", "p", "p"],
    )
    assert groups(table) == [0, 0, 0, 0]
    assert links_from_table(table)["evidence"].tolist() == ["id", "lesion", "patient"]


def test_ids_lose_the_suffix_and_those_of_the_archive_also_path_and_ending() -> None:
    ids = pd.Series(
        [
            "ISIC_0000001_downsampled",
            "NV/ISIC_0000001.jpg",
            "NV/1.jpg",
            "MEL/1.jpg",
            "a_downsampled",
        ]
    )
    assert bare_ids(ids).tolist() == ["ISIC_0000001", "ISIC_0000001", "NV/1.jpg", "MEL/1.jpg", "a"]


def test_between_data_sets_only_names_of_the_archive_count() -> None:
    table = rows(
        id=["1", "1", "ISIC_0000001", "ISIC_0000001"],
        lesion=["7", "7", "HAM_0000118", "HAM_0000999"],
        dataset=["here", "there", "here", "there"],
    )
    assert groups(table) == [0, 1, 2, 2]
    assert groups(table.drop(columns="dataset")) == [0, 0, 2, 2]


def test_links_are_never_more_than_rows() -> None:
    assert len(links_by_value(pd.Series(["a"] * 1000), "lesion")) == 999
    nothing = concatenate_links([links_by_value(pd.Series(["a", "b"]), "lesion")])
    assert len(nothing) == 0 and connected_components(2, nothing).tolist() == [0, 1]


def test_a_long_chain_is_joined_in_time_and_without_recursion() -> None:
    count = 400_000
    chain = pd.DataFrame({"first": np.arange(count - 1), "second": np.arange(1, count)})
    assert not connected_components(count, chain.iloc[::-1]).any()


def test_many_rows_take_time_in_proportion() -> None:
    def seconds(count: int) -> float:
        rng = np.random.default_rng(0)
        table = pd.DataFrame({"id": [f"ISIC_{number:07d}" for number in range(count)]})
        for name in ("lesion", "patient"):
            table[name] = [f"{name}{number}" for number in rng.integers(0, count, count)]
        start = time.process_time()
        groups(table)
        return time.process_time() - start

    few = seconds(40_000)
    assert seconds(400_000) < 40 * few  # a quadratic step would take a hundred times as long
