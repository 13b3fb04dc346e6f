"""Whatever stands in a recipe's file, beside it or under its name ends in four lines and exit 2."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import skinfw
from skinfw.errors import RecipeError, SkinfwError, unwritable
from skinfw.recipe.limits import DEEPEST, LARGEST_INTEGER, MOST_FILES, MOST_TABLES, MOST_VALUES
from skinfw.recipe.loading import load_recipe
from skinfw.recipe.plan import MOST_PROBLEMS, load_plan
from skinfw.recipe.toml import table_text

SYNTHETIC = '[dataset]\nuse = "synthetic"\n[backbone]\nuse = "./own.py:own"\n'
OWN = 'def own(classes, *, width: int = 3):\n    """Be a network."""\n'


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Write r.toml in the current folder, where own.py lies."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)

    def write(content: str | bytes) -> Path:
        file = Path("r.toml")
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write


def refusal(call: Callable[..., Any], *values: Any, **named: Any) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        call(*values, **named)
    return caught.value


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("x = 1\ny = " + "[" * 100_000, f"more than {DEEPEST} deep", "r.toml:2"),
        ("\na" + ".a" * 100_000 + " = 1", f"more than {DEEPEST} deep", "r.toml:2"),
        ("x = " + "{a=" * 50_000, f"more than {DEEPEST} deep", "r.toml:1"),
        ("k = 1\n[" + "a." * 50_000 + "a]", f"more than {DEEPEST} deep", "r.toml:2"),
        ("".join(f"k{n}=1\n" for n in range(60_000)), f"more than {MOST_VALUES:,} keys", "10001"),
        ("x = [\n" + "1,\n" * 9_000 + "]", "more than 1,000 items", "r.toml:1002"),
        ("\nx = '" + "y" * 50_000 + "'", "a text has 50,002 letters", "r.toml:2"),
        ("k" * 300 + " = 1", "a key has 300 letters", "r.toml:1"),
        ("seed = " + "9" * 5_000, "a number has 5,000 letters", "r.toml:1"),
        (f"\nseed = {LARGEST_INTEGER + 1}", "beyond 64 bits", "r.toml:2"),
        ("seed = " + "9" * 5_000 + "x", "a number has 5,000 letters", "r.toml:1"),
        ("seed = 0x" + "f" * 9_000, "beyond 64 bits", "r.toml:1"),
        ('x = 1\ny = ["a\\u0000b"]', "holds a NUL character", "r.toml:2"),
        ('"\\u0000" = 1', "holds a NUL character", "r.toml:1"),
        ("x" * 2_000_000, "cannot be read", "r.toml"),
        ("a = 1\n".encode("utf-16"), "cannot be read", "r.toml"),
        ("a = 1\n# Häuser\n".encode("latin-1"), "cannot be read", "r.toml:2"),
        (b"a = 1\rb = \r", "not valid TOML", "r.toml:2"),
    ],
)
def test_what_is_more_than_a_recipe_may_be_is_refused_at_its_line(
    write: Callable[[str | bytes], Path], text: str | bytes, said: str, where: str
) -> None:
    error = refusal(load_recipe, write(text))
    assert said in error.what and error.where.split("   ")[0].endswith(where)
    assert error.cure


def test_what_a_recipe_may_be_is_read(write: Callable[[str | bytes], Path]) -> None:
    lines = [f"k{n} = {LARGEST_INTEGER}\n" for n in range(9_000)]
    depth = DEEPEST - 1
    text = "".join(lines) + "d = " + "[" * depth + "]" * depth + f"\nt = '{'x' * 9_000}'\n"
    recipe = load_recipe(write(text))
    assert recipe.data["k8999"] == LARGEST_INTEGER and len(recipe.data["t"]) == 9_000
    assert recipe.origin("k8999").text == "r.toml:9000"
    assert load_recipe(write(b"seed = 1\rrequires = []\r")).origin("requires").line == 2


def _fifo(file: Path) -> None:
    os.mkfifo(file)


def _loop(file: Path) -> None:
    file.symlink_to(file.name)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_fifo, "it is a named pipe"),
        (_loop, "Too many levels of symbolic links"),
        (lambda file: file.symlink_to("/dev/zero"), "it is a device"),
    ],
)
def test_what_is_no_file_is_not_opened(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    make(tmp_path / "r.toml")
    error = refusal(load_recipe, tmp_path / "r.toml")
    assert "cannot be read" in error.what and error.why == why


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("n" * 300 + ".toml", "cannot be read"),
        ("a\0b.toml", "cannot"),
        ("n" * 240 + ".toml", "cannot name a run folder"),
        ("a\x1b[31m.toml", "cannot name a run folder"),
        (os.fsdecode(b"a\xff.toml"), "cannot name a run folder"),
    ],
)
def test_a_name_that_no_run_folder_can_have_is_refused(
    tmp_path: Path, name: str, said: str
) -> None:
    if len(name) < 250 and "\0" not in name:
        (tmp_path / name).write_text("")
    error = refusal(load_recipe, tmp_path / name)
    assert said in error.what and str(error).replace("\n", "").isprintable()
    assert len(error.what) < 300


@pytest.mark.parametrize(
    "parent",
    ["/etc/hostname", "secret.txt", "secret.toml", "private.toml", "../secret", "link.toml"],
)
def test_what_is_no_recipe_is_never_shown(
    write: Callable[[str | bytes], Path], parent: str
) -> None:
    secret = "hunter2"
    Path("secret.txt").write_text(secret)
    Path("secret.toml").write_text(f"\n{secret}\n")
    Path("private.toml").write_text(f'[account]\npassword = "{secret}"\n')
    Path("link.toml").symlink_to("secret.txt")
    error = refusal(load_recipe, write(f'\nextends = "{parent}"\n'))
    assert "extends" in error.what and secret not in str(error) and "account" not in str(error)
    assert error.where in ("r.toml:2", "secret.toml:2", "secret.txt:1")


def test_a_private_file_under_another_name_is_not_shown_either(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    (tmp_path / "r.toml").symlink_to("secret.txt")
    for name in ("secret.txt", "r.toml"):
        error = refusal(load_recipe, tmp_path / name)
        assert "hunter2" not in str(error) and error.where.endswith(f"{name}:1")


def test_a_chain_ends(write: Callable[[str | bytes], Path]) -> None:
    for number in range(MOST_FILES + 5):
        Path(f"c{number}.toml").write_text(f'extends = "c{number + 1}.toml"\n')
    error = refusal(load_recipe, write('extends = "c0.toml"\n'))
    assert f"more than {MOST_FILES - 1} files" in error.what and error.where.endswith(".toml:1")


def test_a_chain_s_values_are_counted_together(write: Callable[[str | bytes], Path]) -> None:
    keys = "".join(f"k{n} = 1\n" for n in range(4_000))
    for name in "abc":
        Path(f"{name}.toml").write_text(f"seed = 1\n[image]\n{keys}")
    error = refusal(load_recipe, write('extends = ["a.toml",\n"b.toml",\n"c.toml"]\n'))
    assert f"more than {MOST_VALUES:,}" in error.what and error.where == "r.toml:3"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("a" + ".a" * 50_000 + "=1", "letters"),
        ("a" + ".a" * 100 + "=1", f"more than {DEEPEST} deep"),
        ("x=" + "[" * 5_000, f"more than {DEEPEST} deep"),
        ("seed=" + "9" * 5_000, "a number has 5,000 letters"),
        (f"seed={LARGEST_INTEGER + 1}", "beyond 64 bits"),
        ("x=" + "y" * 50_000, "letters"),
        ("\udc80=1", "no valid Unicode"),
        ("x=\udc80", "no valid Unicode"),
        ("x=a\0b", "NUL"),
        ("=1", "needs table.key=value"),
        (".=1", "needs table.key=value"),
        ("train", "needs table.key=value"),
        ("augment.9.x=1", "does not exist"),
        ("augment.\u00b2.x=1", "does not exist"),
        ("augment.-1.x=1", "does not exist"),
    ],
)
def test_junk_in_set_is_refused_with_the_option(
    write: Callable[[str | bytes], Path], option: str, said: str
) -> None:
    recipe = write('[[augment]]\nuse = "flip"\n')
    error = refusal(load_recipe, recipe, [option])
    assert said in error.what and error.where.startswith("--set ") and len(error.where) < 300


def test_a_second_line_in_set_is_no_second_key(write: Callable[[str | bytes], Path]) -> None:
    assert load_recipe(write(""), ["a=1\nb=2"]).data["a"] == "1\nb=2"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('[[augment]]\nuse = "flip"\n' * (MOST_TABLES + 1), "101 times"),
        ("".join(f"datase{n} = 1\n" for n in range(3_000)), 'unknown table or key "datase0"'),
        (f"[sampler]\nuse = '{'u' * 9_000}'", "sampler.use has 9,000 letters"),
        ('[sampler]\nuse = "./own.py/x.py:Y"', "there is no file"),
        (f'[sampler]\nuse = "./{"n" * 300}.py:Y"', "cannot be read"),
        ('[dataset]\nuse = "csv"\nfile = "~nobody-at-all/x.csv"', "file is no path"),
        ('"\\u0075nknown" = 1', 'unknown table or key "unknown"'),
        ("seed = nan", "seed must be an integer"),
        ("seed = true", "seed must be an integer"),
        ("seed = 1979-05-27", "seed holds a date or a time"),
        ("seed = [07:32:00]", "seed holds a date or a time"),
        ("[image]\nsize = -0.0", "image.size must be an integer"),
        ("[train]\nclip_norm = inf", "train.clip_norm must be a number"),
        ("dataset = 1", "dataset is written as [dataset]"),
        ("[augment]\nuse = 'flip'", "augment is written as [[augment]]"),
        ("[[train]]", "train must be a table"),
        ("requires = ['%']", '"%" is no requirement'),
    ],
)
def test_each_problem_has_a_line(
    write: Callable[[str | bytes], Path], lines: str, said: str
) -> None:
    error = refusal(load_plan, write(lines if "dataset" in lines else f"{lines}\n{SYNTHETIC}"))
    assert any(said in problem.what for problem in error.problems)
    assert all(problem.where.startswith("r.toml:") for problem in error.problems)
    assert len(error.problems) <= MOST_PROBLEMS + 1


def test_texts_of_a_recipe_neither_steer_a_terminal_nor_fill_it(
    write: Callable[[str | bytes], Path],
) -> None:
    text = r'"\u001b[2J\nerror: forged" = 1' + f"\n[train]\nselect = {['x' * 5_000] * 3}\n"
    error = refusal(load_plan, write(text + SYNTHETIC))
    for problem in str(error).split("\n\n"):
        assert len(problem.split("\n")) <= 4 and problem.replace("\n", "").isprintable()
        assert len(problem) < 1_500


def test_what_would_run_is_toml_again() -> None:
    name = "\N{FACE WITH TEARS OF JOY} \x7f\x85 \u2028"
    values = {name: [name, float("inf"), -0.0], "a": {name: float("-inf")}}
    assert tomllib.loads(table_text("", values)) == values


_CIRCLE: dict[str, Any] = {}
_CIRCLE["train"] = _CIRCLE


@pytest.mark.parametrize(
    ("recipe", "tables", "said", "where"),
    [
        (3, {}, "a recipe is no int", ""),
        (None, {}, "a recipe is no NoneType", ""),
        (_CIRCLE, {}, "deep", "the recipe: train"),
        ("quickstart", {"train": _CIRCLE}, "deep", "the arguments: train"),
        ("quickstart", {"train": {"epochs": 10**400}}, "64 bits", "the arguments: train.epochs"),
        ("quickstart", {"train": {"select": object()}}, "a value of type object", "train.select"),
        ("quickstart", {"dataset": {"root": Path("a\0")}}, "NUL", "the arguments: dataset.root"),
        ("quickstart", {"seed": "\udc80"}, "no valid Unicode", "the arguments: seed"),
        ("quickstart", {"path": 1}, 'unknown table or key "path"', "the arguments: path"),
        ("quickstart", {"sets": ["a=1"]}, 'unknown table or key "sets"', "the arguments: sets"),
        ("quickstart", {"augment": [0] * 5_000}, "1,000 items", "the arguments: augment"),
        ("a\0b", {}, "cannot be read", "a\0b"),
    ],
)
def test_junk_in_python_tables_is_refused_at_its_key(
    recipe: Any, tables: dict[str, Any], said: str, where: str
) -> None:
    error = refusal(skinfw.check, recipe, **tables)
    assert any(said in one.what and where in one.where for one in error.problems), error


def test_a_place_with_a_name_too_long_is_the_command_s_fault(tmp_path: Path) -> None:
    place = tmp_path / ("n" * 300)
    try:
        place.mkdir()
    except OSError as error:
        assert unwritable(place, error).exit_code == 2


def test_a_long_line_of_an_error_is_shortened() -> None:
    assert len(str(SkinfwError("x" * 100_000))) < 3_000
