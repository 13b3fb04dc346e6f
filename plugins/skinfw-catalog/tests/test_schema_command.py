"""`skinfw schema --install` sets Taplo up and leaves what stands there."""

import json
import tomllib
from pathlib import Path

import pytest
from support import Run

from skinfw.errors import SkinfwError
from skinfw_catalog.taplo_rule import add_rule


def test_the_schema_is_installed(skinfw: Run, tmp_path: Path) -> None:
    block = "bridges"  # slow to import, and no matter here
    done = skinfw("schema", "--install", SKINFW_BLOCK=block)
    assert done.returncode == 0, done.stderr
    schema = json.loads((tmp_path / "skinfw.schema.json").read_text())
    assert schema["properties"]["backbone"]
    text = (tmp_path / ".taplo.toml").read_text()
    rule = {"include": ["recipes/*.toml"], "schema": {"path": "skinfw.schema.json"}}
    assert tomllib.loads(text) == {"rule": [rule]}
    again = skinfw("schema", "--install", SKINFW_BLOCK=block)
    assert again.returncode == 0 and "a rule stands in .taplo.toml" in again.stdout
    assert (tmp_path / ".taplo.toml").read_text() == text


def test_options_that_exclude_each_other_are_refused(skinfw: Run, tmp_path: Path) -> None:
    for options in (("--recipes", "*.toml"), ("--install", "--out", "s.json")):
        assert skinfw("schema", *options).returncode == 2
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("name", [".taplo.toml", "taplo.toml"])
def test_what_a_configuration_says_stays(tmp_path: Path, name: str) -> None:
    mine = b'# mine\r\n[formatting]\r\nindent_tables = true\r\n[[rule]]\r\ninclude = ["a"]'
    file = tmp_path / name
    file.write_bytes(mine)
    assert add_rule(tmp_path, "s.json", ["a/*.toml", "b/*.toml"]) == (file, True)
    assert file.read_bytes().startswith(mine)
    assert includes(file) == [["a"], ["a/*.toml", "b/*.toml"]]
    assert add_rule(tmp_path, "s.json", ["b/*.toml"]) == (file, False)
    assert add_rule(tmp_path, "s.json", ["b/*.toml", "c/*.toml"]) == (file, True)
    assert includes(file) == [["a"], ["a/*.toml", "b/*.toml"], ["c/*.toml"]]
    assert list(tmp_path.iterdir()) == [file]


def test_a_rule_names_files_in_any_script(skinfw: Run, tmp_path: Path) -> None:
    pattern = "H\N{LATIN SMALL LETTER A WITH DIAERESIS} \N{MICROSCOPE}/*.toml"
    file, _ = add_rule(tmp_path, "s.json", [pattern])
    assert includes(file) == [[pattern]]
    done = skinfw("schema", "--install", "--recipes", "a\x1b[2J")
    assert done.returncode == 2 and "control characters" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_rule_for_another_schema_is_another_rule(tmp_path: Path) -> None:
    file, _ = add_rule(tmp_path, "other.json", ["a/*.toml"])
    assert add_rule(tmp_path, "s.json", ["a/*.toml"]) == (file, True)
    assert includes(file) == [["a/*.toml"], ["a/*.toml"]]


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (b"rule = []\n", r"add this rule yourself: \[\[rule\]\]"),
        (b"[[rule]\n", "is not valid TOML"),
        (b"# \xe9", "cannot be read"),
    ],
)
def test_a_configuration_that_takes_no_rule_is_left_alone(
    tmp_path: Path, mine: bytes, words: str
) -> None:
    file = tmp_path / ".taplo.toml"
    file.write_bytes(mine)
    with pytest.raises(SkinfwError, match=words):
        add_rule(tmp_path, "s.json", ["a/*.toml"])
    assert file.read_bytes() == mine


def includes(file: Path) -> list[list[str]]:
    return [rule["include"] for rule in tomllib.loads(file.read_bytes().decode())["rule"]]
