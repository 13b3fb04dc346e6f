"""What the pages show runs, or is checked as far as it can be in seconds.

Python runs, with a smaller recipe by the name of quickstart where it trains. TOML is checked as a
recipe. Commands of the shell are parsed, since they would train, download or need a run: they and
their options exist. The tutorial and the messages have tests of their own. Blocks `py` are of other
libraries and of files that are not here; they are compiled.
"""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from documents import PAGES, Block, blocks, calls
from support import ROOT

from skinfw.cli import main
from skinfw.recipe.launcher_table import plan_launcher
from skinfw.recipe.plan import load_data_plan, load_plan
from skinfw_league.protocol import check_protocol, read_protocol
from skinfw_sweep.definition import read_definition

OWN_TESTS = ("tutorial.md",)
# What lies in the current folder comes before what skinfw brings.
QUICKSTART = f"""
extends = "{ROOT}/recipes/quickstart.toml"
dataset = {{images = 96, size = 64}}
image = {{size = 64}}
evaluate = {{replicates = 20}}
explainer = [{{use = "grad-cam", layer = "blocks.4", images = 2}}]
report = [{{use = "history"}}]
"""


def of(*languages: str, without: tuple[str, ...] = ()) -> list[object]:
    return [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page))
        if block.language in languages and page.name not in without
    ]


@pytest.mark.slow
@pytest.mark.parametrize("block", of("python", without=OWN_TESTS))
def test_python_blocks_run(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(block.text)
    (tmp_path / "quickstart").write_text(QUICKSTART)
    subprocess.run([sys.executable, str(file)], check=True, cwd=tmp_path, timeout=120)


@pytest.mark.parametrize("block", of("py"))
def test_blocks_for_elsewhere_are_python(block: Block) -> None:
    compile(block.text, "block.py", "exec")


@pytest.mark.parametrize("block", of("toml", without=OWN_TESTS))
def test_toml_blocks_are_recipes_that_pass(block: Block, tmp_path: Path) -> None:
    if "[project]" in block.text:
        assert "[project.entry-points.skinfw]" in block.text
        return
    file = tmp_path / "block.toml"
    file.write_text(block.text)
    quickstart = (ROOT / "recipes" / "quickstart.toml").read_text()
    (tmp_path / "quickstart.toml").write_text(quickstart)
    if "[launcher]" in block.text:
        plan_launcher(str(file))
        return
    if "[sweep]" in block.text:
        read_definition(file, (), None)
        return
    if "[league]" in block.text:
        check_protocol(read_protocol(file))
        return
    whole = "[backbone]" in block.text or "extends" in block.text
    (load_plan if whole else load_data_plan)(file)


def parse(words: list[str]) -> None:
    """Find a command and let click read its options; it is not called."""
    command: click.Command = main
    context = click.Context(main)
    while words and isinstance(command, click.Group):
        own = command.get_command(context, words[0])
        assert own is not None, words
        command, words = own, words[1:]
    _, rest, _ = command.make_parser(click.Context(command)).parse_args(list(words))
    assert not rest, rest


@pytest.mark.parametrize("block", of("sh"))
def test_commands_and_their_options_exist(block: Block) -> None:
    for words in calls(block.text):
        parse(words)
    for recipe in re.findall(r"\brecipes/\w+\.toml", block.text):
        assert (ROOT / recipe).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_sentences_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"`(skinfw [a-z][^`…]*)`", text):
        for words in calls(line):
            parse(words)


def test_every_fence_has_a_language_that_is_looked_at() -> None:
    known = {"", "sh", "python", "py", "toml"}
    assert {block.language for page in PAGES for block in blocks(page)} <= known
