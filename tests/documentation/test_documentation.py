"""Everything that exists has its heading, and links lead somewhere."""

import json
import re
from pathlib import Path

import click
import pytest
from documents import DOCS, PAGES
from support import ROOT

from skinfw.cli import main
from skinfw.interfaces.hooks import RUN_HOOKS
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.plan import load_plan

COMMANDS = main.list_commands(click.Context(main))


def headings(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def anchor(heading: str) -> str:
    """Return where a heading is linked to, for GitHub's pages and mkdocs' alike."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def test_every_kind_and_hook_has_a_heading() -> None:
    assert set(KINDS) | set(RUN_HOOKS) <= set(headings(DOCS / "kinds.md"))


def test_every_command_is_named_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert f"skinfw {command}" in text, command


@pytest.mark.parametrize("page", [*PAGES, *sorted(DOCS.glob("adr/*.md"))], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, place in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]+))?\)", page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not place or place in map(anchor, headings(target)), f"{path}#{place}"


def test_the_map_of_folders_has_their_order_and_every_plugin() -> None:
    text = (DOCS / "architecture.md").read_text()
    rows = [
        name
        for row in re.findall(r"^\| (`[^|]*?`) \|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)(?:/|\.py)`", row)
    ]
    (law,) = re.findall(
        r"^FOLDERS = \((.*?)\)", (ROOT / "tests/test_architecture.py").read_text(), re.M | re.S
    )
    folders = [name for name in re.findall(r'"(\w+)"', law) if name != "__main__"]
    assert rows[: len(folders)] == folders
    for folder in (ROOT / "plugins").iterdir():
        assert f"`{folder.name}`" in text, folder.name


@pytest.mark.parametrize("page", sorted(DOCS.glob("adr/*.md")), ids=lambda page: page.stem)
def test_decisions_are_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 40


@pytest.mark.parametrize("file", sorted(DOCS.glob("pictures/*.toml")), ids=lambda file: file.stem)
def test_recipes_of_pictures_pass_and_their_pictures_exist(file: Path) -> None:
    load_plan(file)
    assert file.with_suffix(".jpg").is_file()
    assert file.with_suffix(".jpg").name in (DOCS / "augmentation.md").read_text()


def test_the_notebook_is_kept_without_what_it_printed() -> None:
    cells = json.loads((DOCS / "notebook.ipynb").read_text())["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
