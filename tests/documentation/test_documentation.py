"""What the documents show works, and everything that exists has its heading."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support import ROOT

from skinfw.cli import main
from skinfw.interfaces.hooks import RUN_HOOKS
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.plan import load_plan

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = main.list_commands(click.Context(main))
BLOCKS = [
    pytest.param(language, text, id=f"{page.name}-{number}-{language}")
    for page in PAGES
    for number, (language, text) in enumerate(
        re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    )
]


@pytest.mark.parametrize(("language", "text"), [b for b in BLOCKS if b.values[0] == "python"])
def test_python_blocks_run(language: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(text)
    subprocess.run([sys.executable, str(file)], check=True, cwd=tmp_path, timeout=120)


@pytest.mark.parametrize(("language", "text"), [b for b in BLOCKS if b.values[0] == "toml"])
def test_toml_blocks_are_recipes_that_pass(language: str, text: str, tmp_path: Path) -> None:
    if "[project]" in text:
        assert "[project.entry-points.skinfw]" in text
        return
    file = tmp_path / "block.toml"
    file.write_text(text)
    quickstart = (ROOT / "recipes" / "quickstart.toml").read_text()
    (tmp_path / "quickstart.toml").write_text(quickstart)
    load_plan(file)


@pytest.mark.parametrize(("language", "text"), [b for b in BLOCKS if b.values[0] == "sh"])
def test_commands_in_sh_blocks_exist(language: str, text: str) -> None:
    for words in re.findall(r"(?:^|/|\s)skinfw +([a-z][\w-]*)((?: +--?[\w-]+)*)", text):
        assert words[0] in COMMANDS, words
    for recipe in re.findall(r"recipes/\w+\.toml", text):
        assert (ROOT / recipe).is_file()


def test_every_kind_and_hook_has_a_heading() -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "kinds.md").read_text(), re.MULTILINE)
    assert set(KINDS) <= set(headings)
    assert set(RUN_HOOKS) <= set(headings)


def test_every_command_is_named_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert f"skinfw {command}" in text, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda p: p.stem)
def test_decisions_are_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 40


PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.toml"))


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_recipes_of_pictures_pass_and_their_pictures_exist(file: Path) -> None:
    load_plan(file)
    assert file.with_suffix(".jpg").is_file()
    assert file.with_suffix(".jpg").name in (ROOT / "docs" / "augmentation.md").read_text()
