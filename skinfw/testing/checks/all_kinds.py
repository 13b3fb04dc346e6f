"""What a component of any kind promises: it explains itself, builds, and leaves the dice alone."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.component import import_target
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import Checks, refuse

CHECK = Checks(*KINDS)


@CHECK("explains itself", "full", needs=())
def explains_itself(candidate: Candidate) -> None:
    """Its first line is a whole sentence, and every parameter has a line in the docstring."""
    _, signature = import_target(candidate.component.entry, "")
    if not signature.summary.endswith("."):
        refuse(f'has the first line "{signature.summary}"', "a docstring begins with a sentence.")
    if not candidate.entry.component.summary.endswith("."):
        refuse(f'has the summary "{candidate.entry.component.summary}"', "it is a sentence.")
    nodes = signature.schema().get("properties", {})
    if silent := [name for name, node in nodes.items() if not node.get("description")]:
        refuse(f"does not explain {', '.join(silent)}", 'the docstring has "name: meaning."')


@CHECK("defaults hold", "base", needs=())
def defaults_hold(candidate: Candidate) -> None:
    """Its defaults can be written in a recipe, and pass its own checks."""
    _, signature = import_target(candidate.component.entry, "")
    defaults = signature.defaults()
    if "null" in json.dumps(defaults):
        refuse(f"has the defaults {defaults}", "a default is something that TOML can say")
    required = {name for name, own in signature.model.model_fields.items() if own.is_required()}
    values = {name: candidate.values[name] for name in required if name in candidate.values}
    _, complaints = signature.read({**defaults, **values})
    if wrong := [own for own in complaints if not own.missing]:
        refuse(f"refuses its own default: {wrong[0].keys[0]} {wrong[0].text}", "defaults are valid")


@CHECK("builds", "base", needs=())
def builds(candidate: Candidate) -> None:
    """It is built from its example, and has the method of its kind."""
    with candidate.component.guard():
        candidate.build()


@CHECK("can be pickled", "full", "dataset", "split", "sampler", "augment", "view")
def can_be_pickled(candidate: Candidate) -> None:
    """What other processes need can be sent to them."""
    built = candidate.build()
    try:
        pickle.loads(pickle.dumps(built))
    except Exception as error:
        refuse(f"cannot be pickled: {error}", "it is a class or a dataclass of a module")


@contextmanager
def quiet_dice() -> Iterator[None]:
    """Refuse whoever draws from the random generators that all of the process shares."""
    before = _random_state()
    yield
    after = _random_state()
    if moved := [name for name, state in before.items() if state != after[name]]:
        names = " and ".join(moved)
        refuse(
            f"draws from the global generator of {names}",
            "randomness comes from what the engine gives, so that a run can be repeated",
        )


def _random_state() -> dict[str, Any]:
    return {
        "Python": random.getstate(),
        "numpy": pickle.dumps(np.random.get_state()),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def same_twice(use: Callable[[], Any], equal: Callable[[Any, Any], bool], expected: str) -> None:
    """Refuse what answers otherwise when the process has another random state.

    use: makes an answer from scratch.
    equal: compares two.
    expected: what was promised.
    """
    with examples.other_random_state(1):
        first = use()
    with examples.other_random_state(2):
        second = use()
    if not equal(first, second):
        refuse("answers differently when it is asked the same again", expected)
