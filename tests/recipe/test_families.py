"""Families whose variants have parameters of their own."""

import subprocess
from pathlib import Path

import pytest
from support import Run, Site

PLUGIN = """
    from skinfw import Component, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_components():
        yield Component(
            "sampler", "acme", "acme_family:member", "Two samplers.",
            variants="acme_family:names", extra="acme", by_variant=True,
        )
"""
FAMILY = '''
    import numpy as np
    from skinfw import Draw, SkinfwError

    class First:
        """Show the first images.

        count: how many.
        """

        def __init__(self, *, count: int = 2):
            self.count = count

        def draw(self, labels, context):
            return Draw(context.rng.permutation(self.count))

    class All:
        """Show all images."""

        def draw(self, labels, context):
            return Draw(context.rng.permutation(len(labels)))

    def names(asked):
        print("told to whoever looks at the terminal")
        return ["first", "all", "broken", "old", "absent"]

    def member(variant):
        if variant == "broken":
            raise ZeroDivisionError("by the plugin")
        if variant == "old":
            raise SkinfwError("the library is too old", cure="get a new one")
        if variant == "absent":
            import nothing_of_this_name
        return {"first": First, "all": All}[variant]
'''


@pytest.fixture
def check(site: Site, skinfw: Run, tiny: Path) -> Run:
    """Check the tiny recipe with some lines of a sampler behind it."""
    site.install("acme", PLUGIN, acme_family=FAMILY)

    def run(*lines: str) -> subprocess.CompletedProcess[str]:
        tiny.write_text("\n".join([tiny.read_text(), "[sampler]", *lines]))
        return skinfw("check", "tiny.toml")

    return run


def test_each_variant_has_keys_of_its_own(check: Run) -> None:
    done = check('use = "acme/first"')
    assert done.returncode == 0, done.stderr
    assert 'use = "acme/first"\ncount = 2' in done.stdout
    assert "told to whoever" not in done.stdout


def test_a_key_of_another_variant_is_unknown(check: Run) -> None:
    done = check('use = "acme/all"', "count = 3")
    assert "sampler.count is not a known key" in done.stderr


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("frist", ['has no variant "frist"; did you mean "first"?']),
        ("broken", ["cannot be used", "ZeroDivisionError: by the plugin", "report it to skinfw-"]),
        ("old", ["error: the library is too old", "tiny.toml:", "get a new one"]),
        ("absent", ["cannot be used", "pip install 'skinfw-acme[acme]'"]),
    ],
)  # fmt: skip
def test_what_a_family_cannot_do_is_told_at_the_recipe(
    check: Run, variant: str, said: list[str]
) -> None:
    done = check(f'use = "acme/{variant}"')
    assert done.returncode != 0
    for text in said:
        assert text in done.stderr
