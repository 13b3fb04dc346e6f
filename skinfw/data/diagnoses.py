"""Which diagnoses the labels of data sets stand for, and which classes of a network answer them.

The table is diagnoses.toml. A label and a class need not have one name, and one of them may hold
several of the other's diagnoses.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw.interfaces.values import UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

TABLE = Path(__file__).with_suffix(".toml")
FINER = "diagnosis"
"""The column in which a data set may tell more of an image than its label does."""

_ANY = "any "
"""How diagnoses begin that stand for all of a malignancy."""

Malignancy = Literal["malignant", "benign", "indeterminate"]


@dataclass(frozen=True)
class Diagnoses:
    """Hold the table of diagnoses.

    malignancy: of each diagnosis.
    names: for each name as `plain_name` returns it, the diagnoses that it holds, the most frequent
        one first.
    """

    malignancy: Mapping[str, Malignancy]
    names: Mapping[str, tuple[str, ...]]

    def of(self, name: str) -> tuple[str, ...]:
        """Return the diagnoses that a label or a class holds; none for an unknown name."""
        return self.names.get(plain_name(name), ())

    def in_words(self, name: str) -> str:
        """Return the diagnoses of a label or a class as a sentence has them.

        A name that the table lacks stays as it is.
        """
        return alternatives(self.of(name)).replace("bowen", "Bowen") or name

    def may_show(self, name: str) -> frozenset[str]:
        """Return every diagnosis that an image of a label or a class may show.

        Where a data set tells no more than benign or malignant, that is each of this malignancy.
        """
        own = self.of(name)
        open_ended = {self.malignancy[one] for one in own if one.startswith(_ANY)}
        return frozenset(own).union(
            one for one, malignancy in self.malignancy.items() if malignancy in open_ended
        )

    def malignancy_of(self, name: str) -> Malignancy | None:
        """Return the malignancy of a label or a class, None for an unknown name.

        A name whose diagnoses differ in it is indeterminate.
        """
        several = {self.malignancy[one] for one in self.of(name)}
        if not several:
            return None
        return several.pop() if len(several) == 1 else "indeterminate"

    def answering(self, label: str, classes: Sequence[str]) -> tuple[str, ...]:
        """Return the classes of a network that together answer a label, in their order.

        A class of the same name answers it alone. Otherwise those do that share a diagnosis with
        it, provided that the label's most frequent diagnosis is among what is shared.
        """
        if label in classes:
            return (label,)
        own = self.of(label)
        if not any(own[:1] == (one,) for name in classes for one in self.of(name)):
            return ()
        return tuple(name for name in classes if set(own) & set(self.of(name)))


@cache
def diagnoses() -> Diagnoses:
    """Return the table that comes with skinfw."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    names = {plain_name(name): (name,) for name in table["diagnosis"]}
    for diagnosis, synonyms in table["synonyms"].items():
        names |= {plain_name(name): (diagnosis,) for name in synonyms}
    for dataset in table["dataset"].values():
        names |= {plain_name(name): tuple(held) for name, held in dataset["labels"].items()}
    return Diagnoses(table["diagnosis"], names)


def alternatives(words: Sequence[str]) -> str:
    """Return several words as a sentence names one or another; nothing of none."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def plain_name(name: str) -> str:
    """Return a name of a diagnosis without what people write in several ways."""
    text = re.sub(r"['\u2019]", "", name.casefold())
    text = text.replace("ae", "e").replace("oe", "e")  # naevus, seborrhoeic
    return re.sub(r"[\s_/-]+", " ", text).strip()


@dataclass(frozen=True)
class Alignment:
    """Hold which classes of a network answer the labels of a data set.

    labels: of each row; what the data set's column diagnosis says where that tells more.
    answers: for each label the classes that answer it; UNK for images of none of them, nothing for
        what has no counterpart.
    """

    labels: pd.Series[str]
    answers: Mapping[str, tuple[str, ...]]


def align(rows: pd.DataFrame, classes: Sequence[str], names: Mapping[str, str]) -> Alignment:
    """Find the classes of a network that answer the labels of a data set.

    rows: of the data set, with column label.
    classes: of the network.
    names: from a label to a class, to UNK, or to nothing; they win over the table.
    A label that not exactly one class answers is replaced by the diagnosis of the row, where the
    data set has a column of this name and the table knows that the label holds it.
    """
    table = diagnoses()

    def answer(label: str) -> tuple[str, ...]:
        if label in names:
            return (names[label],) if names[label] else ()
        if label == UNKNOWN and UNKNOWN not in classes:
            return (UNKNOWN,)
        return table.answering(label, classes)

    def finer(label: str, more: str) -> str:
        held = {*table.of(more)}
        return more if label in coarse and held and held <= {*table.of(label)} else label

    labels = rows["label"].astype(str)
    coarse = {name for name in labels.unique() if name not in names and len(answer(name)) != 1}
    if coarse and FINER in rows:
        labels = labels.combine(rows[FINER].astype(str), finer)
    return Alignment(labels, {name: answer(name) for name in sorted(labels.unique())})
