from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Lt

from skinfw import ClassName
from skinfw.recipe.parameters import SignatureError, describe, parameters


@dataclass(frozen=True, kw_only=True)
class Everything:
    """Take one parameter of each type.

    beta: a share.
    mode: what to do,
        told on two lines.
    """

    beta: Annotated[float, Interval(ge=0, le=0.4)]
    count: Annotated[int, Ge(1)] = 3
    flag: bool = True
    mode: Literal["zero", "fix"] = "fix"
    pair: tuple[float, float] = (0.1, 1.0)
    weights: bool | Path = True
    targets: dict[ClassName, Annotated[int, Ge(1)]] = field(default_factory=dict)


def complaints(values: dict[str, Any]) -> dict[str, str]:
    _, signature = parameters(Everything).read({"beta": 0.1, **values}, ("MEL", "NV"))
    return {".".join(map(str, item.keys)): item.text + item.cure for item in signature}


def test_values_become_arguments_with_defaults() -> None:
    values = {"beta": 0, "pair": [1, 2], "weights": "a/b.pth", "targets": {"NV": 5}}
    arguments, signature = parameters(Everything).read(values, ("MEL", "NV"))
    assert not signature
    built = Everything(**arguments)
    assert built == Everything(
        beta=0.0, pair=(1.0, 2.0), weights=Path("a/b.pth"), targets={"NV": 5}
    )


@pytest.mark.parametrize(
    ("values", "key", "text"),
    [
        ({"beta": 0.9}, "beta", "must be a number in [0, 0.4], not 0.9"),
        ({"beta": True}, "beta", "must be a number in [0, 0.4], not true"),
        ({"count": 0}, "count", "must be an integer of at least 1, not 0"),
        ({"count": "3"}, "count", 'must be an integer of at least 1, not "3"'),
        ({"count": 2.5}, "count", "must be an integer of at least 1, not 2.5"),
        ({"flag": 1}, "flag", "must be true or false, not 1"),
        ({"mode": "fixed"}, "mode", 'must be "zero" or "fix", not "fixed"'),
        ({"pair": [1]}, "pair", "must be a list [a number, a number], not [1]"),
        ({"weights": 3}, "weights", "must be true or false or a path, not 3"),
        ({"targets": {"NV": 0}}, "targets.NV", "must be an integer of at least 1, not 0"),
        (
            {"targets": {"NW": 1}},
            "targets.NW",
            'names no class of the data set; did you mean "NV"?',
        ),
        ({"cuont": 1}, "cuont", 'is not a known key; did you mean "count"?'),
    ],
)
def test_complaints_say_what_is_allowed(values: dict[str, Any], key: str, text: str) -> None:
    assert text in complaints(values)[key]


def test_all_complaints_come_at_once() -> None:
    assert set(complaints({"beta": 2, "count": 0, "flagg": True})) == {"beta", "count", "flagg"}


def test_a_required_parameter_that_is_absent_is_named() -> None:
    _, signature = parameters(Everything).read({})
    assert [(item.keys, item.text) for item in signature] == [
        (("beta",), "must be given: a number in [0, 0.4]")
    ]


def test_meanings_reach_the_schema() -> None:
    properties = parameters(Everything).schema()["properties"]
    assert properties["beta"]["description"] == "a share."
    assert properties["mode"]["description"] == "what to do, told on two lines."


def test_the_star_is_the_wall() -> None:
    def make(model: Any, steps: int, *, rate: float = 0.1) -> None: ...

    signature = parameters(make)
    assert signature.engine == ("model", "steps")
    assert signature.defaults() == {"rate": 0.1}


def test_signatures_that_hide_parameters_are_refused() -> None:
    def catch_all(**options: int) -> None: ...

    def bare(*, count) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(SignatureError, match="hides parameters"):
        parameters(catch_all)
    with pytest.raises(SignatureError, match="count has no annotation"):
        parameters(bare)


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (Gt(0), "a number above 0"),
        (Lt(1), "a number below 1"),
        (Le(2), "a number of at most 2"),
        (Interval(gt=0, lt=1), "a number in (0, 1)"),
    ],
)
def test_ranges_are_put_in_words(constraint: Any, words: str) -> None:
    def make(*, value: float) -> None: ...

    make.__annotations__["value"] = Annotated[float, constraint]
    assert describe(parameters(make).schema()["properties"]["value"]) == words
