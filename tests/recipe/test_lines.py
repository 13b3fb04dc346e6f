import random
import tomllib
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from skinfw.errors import RecipeError, shorten
from skinfw.recipe.limits import LimitError
from skinfw.recipe.lines import key_lines
from skinfw.recipe.set_options import read_sets


def test_every_kind_of_toml_is_followed() -> None:
    text = '''# a comment with [brackets] = and "quotes"
seed = 1
extends = [
    "a.toml",  # ] in a comment
    "b.toml",
]

[sampler]
use = "k # no comment"
targets = { NV = 3500, MEL = [1, 2] }
long = """
[not a table]
x = 1
"""
"quoted key" = 'literal \\'
a.b = 2

[[augment]]
use = "flip"
[[augment]]
use = "rotation"
[augment.inner]
deep = true
'''
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines[("seed",)] == 2
    assert lines[("extends", 1)] == 5
    assert lines[("sampler",)] == 8
    assert lines[("sampler", "targets", "NV")] == 10
    assert lines[("sampler", "targets", "MEL", 1)] == 10
    assert lines[("sampler", "quoted key")] == 15
    assert lines[("sampler", "a", "b")] == 16
    assert lines[("augment", 0)] == 18
    assert lines[("augment", 1, "use")] == 21
    assert lines[("augment", 1, "inner", "deep")] == 23
    assert ("x",) not in lines


def _random_value(dice: random.Random, depth: int) -> Any:
    kind = dice.randrange(7 if depth < 3 else 4)
    if kind < 4:
        return [dice.randrange(99), 0.5, True, dice.choice(["a", 'q"#[', "x\ny", "=", "\\"])][kind]
    if kind == 4:
        return [_random_value(dice, depth + 1) for _ in range(dice.randrange(4))]
    keys = dice.sample(["use", "a b", "c", "d.e", "f"], dice.randrange(1, 4))
    return {key: _random_value(dice, depth + 1) for key in keys}


def _paths(value: Any, keys: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    result = {keys} if keys else set()
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            result |= _paths(item, (*keys, key))
    return result


@pytest.mark.parametrize("seed", range(60))
def test_no_key_of_a_random_document_is_missed(seed: int) -> None:
    dice = random.Random(seed)
    data = {f"t{i}": _random_value(dice, 0) for i in range(5)}
    text = tomli_w.dumps(data, multiline_strings=bool(seed % 2))
    lines = key_lines(text)
    assert _paths(tomllib.loads(text)) <= set(lines)
    assert max(lines.values()) <= text.count("\n") + 1


_KEYS = ["a", "b.c", '"d\\u0065"', "'f'", "1", "true", "07:32:00", "é", " ", "\n", "\r\n", "\x00"]
_SIGNS = ["=", "[", "]", "[[", "]]", "{", "}", ",", "#", ".", "\\", '"', "'", '"""', "'''"]
_WHOLE = ["x = [1, [2, {y = 3}]]\n", "[t]\n", "[[l]]\n", "[l.m]\n", 'u.v = """\na"b""c"""\n']
_PIECES = st.lists(st.sampled_from([*_KEYS, *_SIGNS, *_WHOLE]), max_size=30).map("".join)
"""Pieces of TOML in any order: some texts are valid, most break off somewhere."""


@given(_PIECES)
@settings(max_examples=150, deadline=None)
def test_no_text_stops_the_scanner_and_no_key_of_a_valid_one_is_missed(text: str) -> None:
    try:
        lines = key_lines(text.replace("\r\n", "\n"))
    except LimitError as error:
        assert 1 <= error.line <= text.count("\n") + 1
        return
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert _paths(data) <= set(lines)


@given(st.text(max_size=40) | _PIECES, st.text(max_size=40) | _PIECES)
@settings(max_examples=80, deadline=None)
def test_an_option_is_set_or_refused(key: str, value: str) -> None:
    option = f"--set {shorten(f'{key}={value}')}"
    try:
        layer = read_sets([f"{key}={value}"])
    except RecipeError as error:
        assert error.where == option
    else:
        assert {origin.text for origin in layer.origins.values()} == {option}
        assert _paths(layer.data) <= set(layer.origins)
