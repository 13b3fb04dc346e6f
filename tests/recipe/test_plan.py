"""A plan holds a field for each kind, and the protocol of each is written down."""

from dataclasses import fields

from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.plan import Components


def test_every_kind_has_a_field_and_every_field_a_kind() -> None:
    assert {field.name for field in fields(Components)} == set(KINDS)


def test_kinds_of_which_a_recipe_names_many_are_tuples() -> None:
    for field in fields(Components):
        assert ("tuple[" in str(field.type)) == KINDS[field.name].many, field.name
