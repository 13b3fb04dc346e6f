"""What a library's signature becomes in a recipe."""

# ruff: noqa: UP007, UP045  # libraries write Optional and Union

import json
import numbers
from collections.abc import Callable, Sequence
from enum import Enum
from importlib import import_module
from typing import Any, Literal, Optional, Union

import pytest

from skinfw.recipe.parameters import describe, parameters
from skinfw_bridges.descriptions import first_sentence, meanings
from skinfw_bridges.signatures import builder, library_parameters
from skinfw_bridges.toml_types import toml_type


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (float, float),
        (numbers.Number, float),
        (Optional[int], int | Literal["unset"]),
        (Union[int, Callable[[], int]], int),
        (Union[str, Colour, int], Literal["red", "blue"]),
        (Literal["a", None], Literal["a", "unset"]),
        (Optional[Literal["a", None]], Literal["a", "unset"]),
        (Sequence[float], tuple[float, ...]),
        (Union[float, Sequence], float | tuple[float, ...]),
        (tuple[int, float], tuple[int, float]),
        (tuple[int, ...], tuple[int, ...]),
        (list[int], list[int]),
        (dict[str, float | None], dict[str, float | Literal["unset"]]),
        (dict[type, float], None),
        (Callable[[], int], None),
        (Optional[Callable[[], int]], None),
        (tuple[int, bytes], None),
    ],
)  # fmt: skip
def test_a_type_keeps_what_toml_can_say(annotation: Any, expected: Any) -> None:
    assert toml_type(annotation) == expected


class Library:
    """Do a thing, as a library would. It does more, too.

    Args:
        size (int): Pixels of the side. Two sentences.
        colour: one of
            several colours

            and another paragraph.
        unused: Nothing.
    """

    def __init__(
        self,
        size: "int",
        colour: Colour = Colour.RED,
        seed: Optional[int] = None,
        factor=2.0,  # type: ignore[no-untyped-def]
        ranges: "tuple[float | None, float]" = (None, 1.0),
        hook: Optional[Callable[[], None]] = None,
        inplace: bool = False,
        **more: Any,
    ) -> None:
        if size < 0:
            raise ValueError("a size is\n  positive")
        self.values = size, colour, seed, factor, ranges


def make() -> Callable[..., Any]:
    own = library_parameters(Library, leave_out={"inplace"})
    assert own is not None
    return builder("acme", "Library", Library, own, Library)


def test_the_signature_of_a_class_becomes_parameters_of_a_recipe() -> None:
    signature = parameters(make())
    assert signature.summary == "Do a thing, as a library would."
    defaults = {"colour": "red", "seed": "unset", "factor": 2.0, "ranges": ["unset", 1.0]}
    assert signature.defaults() == defaults
    keys = signature.schema()["properties"]
    assert list(keys) == ["size", *defaults], "callables, ** and what is left out are not offered"
    assert describe(keys["seed"]) == 'an integer or "unset"'
    assert keys["size"]["description"] == "Pixels of the side."
    assert keys["colour"]["description"] == "one of several colours."
    assert keys["factor"]["description"] == "see the documentation of acme."


def test_values_come_back_as_the_library_wants_them() -> None:
    build = make()
    given = {"size": 3, "colour": "blue", "seed": "unset", "ranges": ["unset", 2.0]}
    arguments, complaints = parameters(build).read(given)
    assert not complaints
    assert build(**arguments).values == (3, Colour.BLUE, None, 2.0, (None, 2.0))
    _, complaints = parameters(build).read({"size": "3", "colour": "green", "sead": 1})
    assert [complaint.text for complaint in complaints] == [
        'must be an integer, not "3"',
        'must be "red" or "blue", not "green"',
        'is not a known key; did you mean "seed"?',
    ]


def test_what_a_library_refuses_is_an_error_with_a_cure() -> None:
    from skinfw import SkinfwError

    with pytest.raises(SkinfwError, match="acme refuses what Library is given") as error:
        make()(size=-1)
    assert error.value.why == "a size is positive" and error.value.cure


def test_what_needs_more_than_toml_can_say_is_not_offered() -> None:
    def needs(size: int, hook: Callable[[], None]) -> None: ...

    assert library_parameters(needs) is None


FAMILIES = [
    "torchvision_ops", "albumentations_ops", "timm_losses", "torchmetrics_metrics",
    "imblearn_samplers", "timm_optimizers", "torch_optimizers",
]  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
def test_every_member_is_explained_and_its_defaults_can_be_read_back(name: str) -> None:
    family = import_module(f"skinfw_bridges.{name}")
    members = family.variants()
    assert members == sorted(members)
    for variant in members:
        signature = parameters(family.member(variant))
        assert signature.summary[-1] in ".!?" and len(signature.summary) > 5, variant
        assert "`" not in signature.summary, variant
        for key, node in signature.schema().get("properties", {}).items():
            assert node.get("description"), (variant, key)
        assert "null" not in json.dumps(signature.defaults()), variant
        _, complaints = signature.read(signature.defaults())
        assert all(complaint.missing for complaint in complaints), (variant, complaints)


def test_docstrings_of_both_styles_are_read_and_others_give_nothing() -> None:
    numpy = """Choose samples.

    Parameters
    ----------
    version : int, default=1
        Version of :class:`~acme.NearMiss`, see `the paper <https://example.org>`_.

        More of it.

    size_ : str
        A ``size``

    Attributes
    ----------
    found : int
        Not a parameter.
    """
    assert meanings(numpy) == {
        "version": "Version of acme.NearMiss, see the paper.",
        "size_": "A size.",
    }
    assert meanings("Just text.") == {}
    assert first_sentence("") == ""
    assert first_sentence("One line. And\nmore.\n\nEnd.") == "One line."
