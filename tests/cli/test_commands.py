"""Commands from third parties: listed, called, contained; no name of the core is theirs."""

import json
from pathlib import Path

import pytest
from support import Run, Site

HEAD = """
    from skinfw import Command, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_commands():
"""
COUNT = '        yield Command("count", "acme_count:count", "Count the images of a recipe.")\n'
MODULE = '''
    """Count the images that a recipe names."""

    from pathlib import Path

    import click

    from skinfw.toolkit import display_path, load_plan


    @click.command()
    @click.argument("recipe", type=click.Path(path_type=Path))
    @click.option("--fail", is_flag=True, help="Raise what no user can cure.")
    def count(recipe: Path, fail: bool) -> None:
        """Count the images of a recipe by class."""
        if fail:
            raise KeyError("moles")
        plan = load_plan(recipe)
        rows = plan.dataset.table().rows
        for label, images in rows["label"].value_counts().sort_index().items():
            click.echo(f"{label:6} {images}")
        click.echo(f"{len(rows)} images of {display_path(recipe)}")
'''


def plugin(*yields: str) -> str:
    return HEAD + "".join(yields)


def command(name: str, target: str = "acme_count:count") -> str:
    return f'        yield Command("{name}", "{target}", "One of Acme.")\n'


def test_a_command_is_listed_helps_and_runs(site: Site, skinfw: Run, tiny: Path) -> None:
    site.install("acme", plugin(COUNT), acme_count=MODULE)
    assert "Count the images of a recipe. (acme)" in skinfw("--help").stdout
    listed = json.loads(skinfw("list-plugins", "--json").stdout)
    (acme,) = [one for one in listed if one["name"] == "acme"]
    assert acme["status"] == "working"
    assert [one["name"] for one in acme["commands"]] == ["count"]
    helped = skinfw("count", "--help").stdout
    assert "Count the images of a recipe by class." in helped and "--traceback" in helped
    done = skinfw("count", tiny.name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"80 images of {tiny.name}"


def test_errors_of_the_recipe_stay_those_of_the_recipe(site: Site, skinfw: Run) -> None:
    site.install("acme", plugin(COUNT), acme_count=MODULE)
    done = skinfw("count", "gone.toml")
    assert done.returncode == 2 and "there is no recipe gone.toml" in done.stderr
    assert "acme" not in done.stderr


def test_an_exception_names_the_plugin_and_its_line(site: Site, skinfw: Run, tiny: Path) -> None:
    site.install("acme", plugin(COUNT), acme_count=MODULE)
    done = skinfw("count", tiny.name, "--fail")
    what, where, cure = done.stderr.splitlines()
    assert done.returncode == 1
    assert what.startswith('error: the command "count" (plugin acme 0.1.0')
    assert what.endswith("failed: KeyError: 'moles'")
    assert "acme_count.py:" in where
    assert "--traceback shows where; report it to skinfw-acme" in cure
    assert "Traceback" in skinfw("count", tiny.name, "--fail", "--traceback").stderr


@pytest.mark.parametrize("raises", ["raise RuntimeError('no licence')", "raise SystemExit(3)"])
def test_a_command_that_cannot_be_imported_harms_no_other(
    site: Site, skinfw: Run, raises: str
) -> None:
    site.install("acme", plugin(COUNT), acme_count=raises)
    done = skinfw("count", "any.toml")
    assert done.returncode == 2
    assert 'the command "count" (plugin acme 0.1.0' in done.stderr
    assert "importing acme_count:count raised" in done.stderr
    assert "acme_count.py:1" in done.stderr
    assert skinfw("list-plugins").returncode == 0
    assert "count" in skinfw("--help").stdout


def test_a_target_that_is_no_command_is_said(site: Site, skinfw: Run) -> None:
    site.install("acme", plugin(command("count", "json:loads")))
    done = skinfw("count")
    assert "json:loads is a function, not a click command" in done.stderr


def test_a_plugin_whose_module_raises_is_told_in_the_help(site: Site, skinfw: Run) -> None:
    site.install("acme", "raise RuntimeError('no licence')")
    done = skinfw("--help")
    assert done.returncode == 0
    assert "Plugins that cannot be used" in done.stdout and "no licence" in done.stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("run", "run"),
        ("check everything", "check"),
        ("Count", "Count"),
        ("", "''"),
    ],
)
def test_names_that_no_plugin_may_take(site: Site, skinfw: Run, name: str, says: str) -> None:
    site.install("acme", plugin(command(name)), acme_count=MODULE)
    listed = json.loads(skinfw("list-plugins", "--json").stdout)
    (acme,) = [one for one in listed if one["name"] == "acme"]
    assert acme["status"] != "working" and says in acme["error"]
    assert skinfw("check", "--help").stdout.startswith("Usage: ")


def test_two_plugins_with_one_name_are_told_apart(site: Site, skinfw: Run) -> None:
    site.install("acme", plugin(COUNT), acme_count=MODULE)
    site.install("best", plugin(command("count")))
    done = skinfw("count", "--help")
    assert done.returncode == 2
    assert '2 plugins offer the command "count"' in done.stderr
    assert "SKINFW_BLOCK=acme" in done.stderr
    assert skinfw("count", "--help", SKINFW_BLOCK="best").returncode == 0


def test_a_command_may_join_a_group_of_others(site: Site, skinfw: Run, tiny: Path) -> None:
    site.install("acme", plugin(command("data count")), acme_count=MODULE)
    group = skinfw("data", "--help").stdout
    assert "count" in group and "audit" in group
    assert skinfw("data", "count", tiny.name).returncode == 0


def test_an_unknown_command_has_a_suggestion(skinfw: Run) -> None:
    done = skinfw("list-plugin")
    assert done.returncode == 2
    assert 'there is no command "list-plugin"' in done.stderr
    assert 'did you mean "list-plugins"?' in done.stderr


def test_a_known_command_keeps_its_meaning(site: Site, skinfw: Run) -> None:
    site.install("acme", plugin(command("list-plugins")), acme_count=MODULE)
    done = skinfw("list-plugins")
    assert done.returncode == 0 and "samplers" in done.stdout
    assert 'offer the command "list-plugins": that of catalog is called' in done.stdout
