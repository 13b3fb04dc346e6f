import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from skinfw import SkinfwError
from skinfw_splits.lesions import KFold, LesionStratified
from skinfw_splits.official import Official
from skinfw_splits.rows import Rows


def table(seed: int = 0, lesions: int = 400) -> pd.DataFrame:
    """Return a long-tailed table with one to four images per lesion."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["NV", "MEL", "BKL", "DF"], lesions, p=[0.7, 0.2, 0.08, 0.02])
    labels[:12] = ["DF"] * 5 + ["BKL"] * 7
    rows = [
        {"label": label, "lesion": f"L{number}"}
        for number, label in enumerate(labels)
        for _ in range(rng.integers(1, 5))
    ]
    shuffled = pd.DataFrame(rows).sample(frac=1, random_state=seed, ignore_index=True)
    return shuffled.assign(id=[f"I{number}" for number in range(len(rows))])


def parts(split, rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    return rows.assign(part=split.assign(rows, np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(10))
def test_lesions_stay_whole_and_classes_in_proportion(seed: int) -> None:
    rows = parts(LesionStratified(val=0.1, test=0.2), table(seed), seed)
    assert rows.groupby("lesion")["part"].nunique().max() == 1
    for label, share in rows.groupby("label"):
        result = share["part"].value_counts()
        assert set(result.index) == {"train", "val", "test"}, label
        for part, wanted in {"train": 0.7, "val": 0.1, "test": 0.2}.items():
            # No part misses its share by more than one lesion, which has four images at most.
            assert abs(result[part] - wanted * len(share)) <= 4, (label, part)


def test_the_split_depends_on_its_stream_alone() -> None:
    rows = table()
    split = LesionStratified()
    assert (parts(split, rows, 1)["part"] == parts(split, rows, 1)["part"]).all()
    assert (parts(split, rows, 1)["part"] != parts(split, rows, 2)["part"]).any()


@pytest.mark.parametrize("kind", [LesionStratified, KFold])
def test_a_seed_of_its_own_keeps_the_split_while_the_run_changes_its_seed(kind) -> None:
    rows = table()
    fixed, other = kind(seed=7), kind(seed=8)
    assert (parts(fixed, rows, 1)["part"] == parts(fixed, rows, 2)["part"]).all()
    assert (parts(fixed, rows, 1)["part"] != parts(other, rows, 1)["part"]).any()


def test_a_scarce_class_is_trained_on_first() -> None:
    rows = pd.DataFrame({"label": ["A"] * 9 + ["B"], "lesion": list("abcdefghij")})
    assert parts(LesionStratified(), rows)["part"].iloc[9] == "train"


def test_without_a_share_a_part_is_empty() -> None:
    assert set(parts(LesionStratified(val=0, test=0.2), table())["part"]) == {"train", "test"}


def test_shares_that_leave_nothing_are_refused() -> None:
    with pytest.raises(SkinfwError, match="leave nothing to train on"):
        LesionStratified(val=0.5, test=0.5)
    with pytest.raises(SkinfwError, match="leave nothing to train on"):
        Rows(val=0.5, test=0.5)
    with pytest.raises(SkinfwError, match="too few images"):
        parts(Rows(), pd.DataFrame({"label": ["A"] * 9 + ["B"], "lesion": list("abcdefghij")}))


def test_a_lesion_with_two_labels_stays_whole() -> None:
    rows = table()
    rows.loc[rows["lesion"] == "L20", "label"] = ["MEL"] + ["NV"] * (
        (rows["lesion"] == "L20").sum() - 1
    )
    assert parts(LesionStratified(), rows).groupby("lesion")["part"].nunique().max() == 1


def test_folds_cover_every_image_once_and_keep_lesions_whole() -> None:
    rows = table()
    tested = [set(parts(KFold(folds=5, fold=f), rows).query("part == 'test'")["id"])
              for f in range(5)]  # fmt: skip
    assert set.union(*tested) == set(rows["id"])
    assert sum(map(len, tested)) == len(rows)
    for fold in range(5):
        assigned = parts(KFold(folds=5, fold=fold), rows)
        assert assigned.groupby("lesion")["part"].nunique().max() == 1
        assert set(assigned.query("part == 'val'")["id"]) == tested[(fold + 1) % 5]


def test_a_class_with_fewer_lesions_than_folds_is_named() -> None:
    with pytest.raises(SkinfwError) as error:
        parts(KFold(folds=20), table())
    assert "DF (" in error.value.why and "fewer folds" in error.value.cure
    with pytest.raises(SkinfwError, match="fold 5 does not exist"):
        KFold(folds=5, fold=5)


def test_rows_are_those_of_scikit_learn() -> None:
    rows = table()
    split = parts(Rows(test=0.3, seed=42), rows)
    train, test = train_test_split(rows, test_size=0.3, random_state=42, stratify=rows["label"])
    assert set(split.query("part == 'test'")["id"]) == set(test["id"])
    assert set(split.query("part == 'train'")["id"]) == set(train["id"])
    assert split.groupby("lesion")["part"].nunique().max() == 2, "this split is meant to leak"
    with_val = parts(Rows(test=0.3, val=0.1), rows)["part"].value_counts(normalize=True)
    assert with_val["val"] == pytest.approx(0.1, abs=0.01)


def test_official_parts_are_taken_or_missed() -> None:
    rows = table()
    with pytest.raises(SkinfwError, match="declares no official parts"):
        parts(Official(), rows)
    assert set(parts(Official(), rows.assign(split="train"))["part"]) == {"train"}


def test_a_part_that_is_not_declared_is_drawn_from_the_training_part() -> None:
    rows = table()
    rows = rows.assign(split=np.where(rows["lesion"].str[-1] == "0", "test", "train"))
    drawn = parts(Official(val=0.2, test=0.3), rows)
    declared = drawn["split"] == "test"
    assert (drawn.loc[declared, "part"] == "test").all()
    own = drawn[~declared]
    assert set(own["part"]) == {"train", "val"}, (
        "the test part is declared, and no share of it drawn"
    )
    assert own.groupby("lesion")["part"].nunique().max() == 1
    assert (own["part"] == "val").mean() == pytest.approx(0.2, abs=0.02)
    again = parts(Official(val=0.2, seed=7), rows, seed=1)
    assert again.equals(parts(Official(val=0.2, seed=7), rows, seed=2))
    with pytest.raises(SkinfwError, match="leave nothing to train on"):
        Official(val=0.5, test=0.5)
