"""Colours: whether there are any is decided in one place, for click and rich alike."""

import re
import sys
from pathlib import Path

import pytest
from support import Run, Site
from terminal import run_in_terminal

SKINFW = (sys.executable, "-m", "skinfw")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
WRONG = ("show", "sampler", "kmeans-hybird")


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def test_a_terminal_has_colours_unless_nobody_wants_them(site: Site, tmp_path: Path) -> None:
    for words in (WRONG, ("show", "sampler")):
        for wish, expected in ({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True):
            _, text = run_in_terminal((*SKINFW, *words), tmp_path, site.environment(**wish))
            assert bool(COLOUR.search(text)) is expected, (words, wish, text)


def test_colours_can_be_forced_into_a_file(skinfw: Run) -> None:
    assert not COLOUR.search(skinfw(*WRONG).stderr)
    assert COLOUR.search(skinfw(*WRONG, FORCE_COLOR="1").stderr)
    assert COLOUR.search(skinfw("show", "sampler", FORCE_COLOR="1").stdout)
    assert not COLOUR.search(skinfw(*WRONG, FORCE_COLOR="1", NO_COLOR="1").stderr)


@pytest.mark.slow
def test_a_run_on_a_terminal_has_a_bar_and_heeds_no_color(
    site: Site, tiny: Path, tmp_path: Path
) -> None:
    words = (*SKINFW, "run", "tiny.toml", "--set", "dataset.images=200")
    code, text = run_in_terminal(words, tmp_path, site.environment(NO_COLOR="1"))
    assert code == 0, text
    assert re.search(
        r"epoch 1/2 \S+ 1?\d/\d+ [\d.]+ images/s loss [\d.]+ .* · training \d+ s", text
    )
    assert not COLOUR.search(text.replace("\x1b[0m", "")), text
    # What is said while the bar stands there begins a line of its own.
    assert "\x1b[2Kevaluating the best epoch ...\r\n" in text
