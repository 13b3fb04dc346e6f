"""Texts from elsewhere steer no terminal: not in errors, notes, tables or lists."""

import click
import pytest
from click.testing import CliRunner
from support import Run, Site

from skinfw import SkinfwError
from skinfw.cli.terminal import echo
from skinfw.errors import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[1;31mdone", "\\x1b[2J\\x1b[1;31mdone"),
        ("good\rbad", "good\\rbad"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("NV\u202egnp", "NV\\u202egnp"),
        ("a\u2066b\u2028c", "a\\u2066b\\u2028c"),
        ("half \udc80", "half \\udc80"),
        ("tag \U000e0041", "tag \\U000e0041"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["Nävus · 痣 (3,5 mm)", "می\u200cشود", "a\N{NO-BREAK SPACE}b"])
def test_texts_of_all_scripts_stay(text: str) -> None:
    assert printable(text) == text


def test_an_error_has_four_lines_whatever_its_texts_hold() -> None:
    error = SkinfwError("a\nerror: forged", "b\r\nc", "d\x1b[A", "e")
    assert str(error).split("\n") == ["error: a error: forged", "  b c", "  d\\x1b[A", "  e"]
    assert error.why == "d\x1b[A"  # what is kept is what came


def test_a_styled_text_keeps_the_style_of_the_command_alone() -> None:
    @click.command()
    def command() -> None:
        echo("one \x1b[31mred\x1b[0m\ntwo", bold=True)

    shown = CliRunner().invoke(command, color=True).output
    assert shown == "\x1b[1mone \\x1b[31mred\\x1b[0m\ntwo\x1b[0m\n"


def test_a_component_cannot_steer_the_terminal_from_a_list(skinfw: Run, site: Site) -> None:
    site.install(
        "acme",
        r"""
        from skinfw import Component, hookimpl
        SKINFW_API = 1

        @hookimpl
        def skinfw_components():
            yield Component("sampler", "sly", "acme:Sly", "Sly.\x1b[2J\rnothing here\u202e")
        """,
    )
    for words in (["list-plugins", "--kind", "sampler"], ["show", "sampler"]):
        shown = skinfw(*words).stdout
        assert "sly" in shown
        assert not set(shown) & {"\x1b", "\r", "\u202e"}
