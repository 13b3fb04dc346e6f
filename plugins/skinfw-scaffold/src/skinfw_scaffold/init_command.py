"""`skinfw init`: five questions, and a recipe that follows from the answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from skinfw import RecipeError, SkinfwError
from skinfw.toolkit import echo
from skinfw_scaffold.starting_recipe import (
    DATASETS,
    GOALS,
    MACHINES,
    check_files,
    check_free,
    recipe_text,
)


@click.command()
@click.option("--dataset", type=click.Choice(list(DATASETS)), help="Which data set.")
@click.option("--root", help="Where its files are: a folder, or the CSV.")
@click.option("--machine", type=click.Choice(list(MACHINES)), help="What computes.")
@click.option("--goal", type=click.Choice(list(GOALS)), help="What matters most.")
@click.option("--out", type=click.Path(path_type=Path), help="The recipe's file.")
@click.option("--yes", is_flag=True, help="Take the default wherever an option is left out.")
def init(
    dataset: str | None,
    root: str | None,
    machine: str | None,
    goal: str | None,
    out: Path | None,
    yes: bool,
) -> None:
    """Ask five questions and write a recipe to start from.

    An option answers its question. The recipe is short, says why it is as it is, and passes
    `skinfw check`.
    """
    ask = _take_default if yes else _ask
    dataset = dataset or ask(
        "dataset", {name: choice.words for name, choice in DATASETS.items()}, "synthetic"
    )
    if DATASETS[dataset].root:
        usual = DATASETS[dataset].root
        root = root or ask("root", {}, usual, lambda text: check_files(dataset, text))
        check_files(dataset, root)
    elif root:
        raise RecipeError(f"--root {root} has no meaning", why=f"{dataset} has no files")
    machine = machine or ask("machine", MACHINES, "laptop")
    goal = goal or ask("goal", GOALS, "balanced-accuracy")
    file = out or Path(ask("out", {}, "my.toml", lambda text: check_free(_recipe_file(text))))
    file = _recipe_file(str(file))
    check_free(file)
    text = recipe_text(dataset, root or "", machine, goal, file)
    _write(file, text)
    for line in _next_steps(dataset, root or "", file):
        click.echo(line)


_QUESTIONS = {
    "dataset": "Which data set",
    "root": "Where are its files",
    "machine": "What computes",
    "goal": "What matters most",
    "out": "What shall the recipe be called",
}


def _take_default(
    option: str,
    choices: Mapping[str, str],
    default: str,
    check: Callable[[str], None] | None = None,
) -> str:
    """Answer a question by its default."""
    return default


def _ask(
    option: str,
    choices: Mapping[str, str],
    default: str,
    check: Callable[[str], None] | None = None,
) -> str:
    """Ask until there is an answer that can be used.

    option: that would have answered it.
    choices: the answers with their meanings; empty where any text is one.
    default: what an empty answer means.
    check: raises SkinfwError for texts that cannot be used.
    """
    if not sys.stdin.isatty():
        raise RecipeError(
            f"--{option} is not given",
            why="there is no terminal on which to ask",
            cure="give it, or --yes for all defaults",
        )
    width = max(map(len, choices), default=0)
    for name, words in choices.items():
        echo(f"  {name:{width}}  {words}")

    def read(text: str) -> str:
        if choices and text not in choices:
            raise click.BadParameter(f"one of {', '.join(choices)}")
        if check:
            try:
                check(text)
            except SkinfwError as error:
                raise click.BadParameter(error.what) from error
        return text

    answer: str = click.prompt(_QUESTIONS[option], default=default, value_proc=read)
    return answer


def _recipe_file(text: str) -> Path:
    """Return the file of a recipe that may be named without its ending."""
    return Path(text) if text.endswith(".toml") else Path(f"{text}.toml")


def _write(file: Path, text: str) -> None:
    """Write a file that does not exist, with the folders above it."""
    from skinfw.toolkit import unwritable

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as sink:
            sink.write(text)
    except OSError as error:
        raise unwritable(file, error) from error


def _next_steps(dataset: str, root: str, file: Path) -> list[str]:
    """Return what to do now, in this order."""
    choice = DATASETS[dataset]
    lines = [click.style(f"{file} is written", bold=True)]
    if choice.root and not Path(root).exists():
        lines.append(
            f"  skinfw data fetch {dataset} --root {root}   # once you accept the licence"
            if choice.fetched
            else f"  put the files of {dataset} into {root}"
        )
    return [
        *lines,
        f"  skinfw check {file}         # what would run",
        f"  skinfw check {file} --try   # each part once, on noise",
        f"  skinfw run {file}",
    ]
