"""The table of diagnoses says of each label what it holds, once, and which classes answer it."""

import tomllib

import pandas as pd
import pytest

from skinfw.data.diagnoses import TABLE, align, diagnoses, plain_name

HAM = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
ISIC2019 = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")
ISIC2017 = ("MEL", "SK", "NV")
DERM7PT = ("BCC", "NV", "MEL", "MISC", "SK")


def test_a_name_holds_the_same_in_every_data_set_and_only_known_diagnoses() -> None:
    table = tomllib.loads(TABLE.read_text())
    assert {"HAM10000", "ISIC 2017", "ISIC 2018", "ISIC 2019", "Derm7PT", "PH2", "MILK10k"} == set(
        table["dataset"]
    )
    assert set(table["diagnosis"].values()) == {"malignant", "benign", "indeterminate"}
    held: dict[str, list[str]] = {}
    for dataset in table["dataset"].values():
        assert dataset["source"]
        for name, own in dataset["labels"].items():
            assert set(own) <= set(table["diagnosis"]) and len(set(own)) == len(own) > 0
            assert held.setdefault(plain_name(name), own) == own, name
    for diagnosis, synonyms in table["synonyms"].items():
        for name in synonyms:
            assert held.setdefault(plain_name(name), [diagnosis]) == [diagnosis], name
    for name in table["diagnosis"]:
        assert held.get(plain_name(name), [name]) == [name]


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("Melanocytic Naevus", ("nevus",)),
        ("seborrhoeic-keratosis", ("seborrheic keratosis",)),
        ("Bowen's disease", ("bowen disease",)),
        ("atypical_nevus", ("nevus",)),
        ("mel", ("melanoma",)),
        ("car", ()),
    ],
)
def test_names_are_written_in_many_ways(name: str, held: tuple[str, ...]) -> None:
    assert diagnoses().of(name) == held


@pytest.mark.parametrize(
    ("name", "malignancy"),
    [
        *((name, "malignant") for name in ("MEL", "BCC", "AKIEC", "AK", "SCC", "MAL_OTH")),
        *((name, "benign") for name in ("NV", "SK", "BKL", "DF", "VASC", "INF", "BEN_OTH")),
        ("MISC", "indeterminate"),  # some of its cases are "miscellaneous"
        ("car", None),
    ],
)
def test_a_name_is_malignant_where_all_that_it_holds_is(name: str, malignancy: str | None) -> None:
    assert diagnoses().malignancy_of(name) == malignancy


@pytest.mark.parametrize(
    ("label", "classes", "answering"),
    [
        ("SK", HAM, ("BKL",)),
        ("BKL", ISIC2017, ("SK",)),
        ("AK", HAM, ("AKIEC",)),
        # Of what ISIC 2018 calls AKIEC, ISIC 2019 calls a part AK and a part SCC ...
        ("AKIEC", ISIC2019, ("AK", "SCC")),
        # ... but most that it calls SCC is invasive, and HAM10000 has none of that.
        ("SCC", HAM, ()),
        ("SCCKA", ISIC2019, ("SCC",)),
        ("BKL", DERM7PT, ("MISC", "SK")),
        ("DF", DERM7PT, ("MISC",)),
        ("BCC", ISIC2017, ()),
        ("common nevus", HAM, ("NV",)),
        ("car", HAM, ()),
        ("car", ("car", "MEL"), ("car",)),
    ],
)
def test_classes_answer_a_label_that_shares_their_diagnoses(
    label: str, classes: tuple[str, ...], answering: tuple[str, ...]
) -> None:
    assert diagnoses().answering(label, classes) == answering


def test_what_a_data_set_tells_beside_a_coarse_label_counts() -> None:
    finer = ["dermatofibroma", "Lentigo", "melanosis", "clark nevus", "melanoma", ""]
    rows = pd.DataFrame(
        {"label": ["MISC", "MISC", "MISC", "NV", "MISC", "MISC"], "diagnosis": finer}
    )
    alignment = align(rows, HAM, {})
    # A class alone answers NV, and no MISC is a melanoma: both are taken by their labels.
    assert alignment.labels.tolist() == [
        "dermatofibroma", "Lentigo", "melanosis", "NV", "MISC", "MISC",
    ]  # fmt: skip
    assert alignment.answers == {
        "dermatofibroma": ("DF",),
        "Lentigo": ("BKL",),
        "melanosis": (),
        "NV": ("NV",),
        "MISC": ("BKL", "DF", "VASC"),
    }


def test_what_a_user_names_wins_over_the_table() -> None:
    rows = pd.DataFrame({"label": ["SK", "AK", "UNK", "MISC", "wart"], "diagnosis": "melanosis"})
    alignment = align(rows, HAM, {"SK": "DF", "AK": "", "MISC": "VASC", "wart": "UNK"})
    assert alignment.labels.tolist() == rows["label"].tolist()
    assert alignment.answers == {
        "SK": ("DF",), "AK": (), "UNK": ("UNK",), "MISC": ("VASC",), "wart": ("UNK",),
    }  # fmt: skip
    assert align(rows, (*HAM, "UNK"), {}).answers["UNK"] == ("UNK",)


def test_a_class_in_words_has_the_names_that_its_readers_know() -> None:
    assert diagnoses().in_words("AKIEC") == "Bowen disease or actinic keratosis"
    assert diagnoses().in_words("MEL") == "melanoma" and diagnoses().in_words("Fleck") == "Fleck"
