import random
import tomllib
from typing import Any

import pytest
import tomli_w

from skinfw.recipe.lines import key_lines


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
