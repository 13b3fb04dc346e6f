"""Any bundled plugin can become a package of its own: unbundle all, and nothing changes."""

import json
import re
import shutil
from pathlib import Path

import pytest
from environments import Environment, build
from support import ROOT


def listing(environment: Environment) -> dict[str, list[str]]:
    plugins = json.loads(environment.run("-m", "skinfw", "list-plugins", "--json"))
    assert {plugin["status"] for plugin in plugins} == {"working"}, plugins
    return {p["name"]: sorted(c["name"] for c in p["components"]) for p in plugins}


@pytest.mark.slow
def test_every_plugin_can_be_released_on_its_own(tmp_path: Path) -> None:
    bundled = Environment(tmp_path / "bundled")
    bundled.pip("install", "--no-deps", "--no-index", str(build(ROOT, tmp_path / "one")))
    expected = listing(bundled)

    copy = tmp_path / "copy"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".git", "runs", ".venv", ".nox", ".*_cache")
    )
    text = (copy / "pyproject.toml").read_text()
    text = re.sub(r"\[project\.entry-points\.skinfw\]\n(.+\n)+", "", text)
    text = re.sub(r'    "plugins/.*\n', "", text)
    (copy / "pyproject.toml").write_text(text)
    out = tmp_path / "many"
    wheels = [str(build(copy, out))]
    wheels += [str(build(folder, out)) for folder in sorted((copy / "plugins").iterdir())]
    apart = Environment(tmp_path / "apart")
    apart.pip("install", "--no-deps", "--no-index", *wheels)
    assert listing(apart) == expected
    packages = {
        plugin["distribution"]
        for plugin in json.loads(apart.run("-m", "skinfw", "list-plugins", "--json"))
    }
    assert packages == {folder.name for folder in (copy / "plugins").iterdir()}


@pytest.mark.slow
def test_a_standalone_copy_beside_the_bundle_is_a_conflict_and_stops_nothing(
    tmp_path: Path,
) -> None:
    both = Environment(tmp_path / "both")
    wheels = [build(ROOT, tmp_path / "w"), build(ROOT / "plugins/skinfw-isic", tmp_path / "w")]
    both.pip("install", "--no-deps", "--no-index", *map(str, wheels))
    plugins = json.loads(both.run("-m", "skinfw", "list-plugins", "--json"))
    isic = [plugin for plugin in plugins if plugin["name"] == "isic"]
    states = {plugin["distribution"]: plugin["status"] for plugin in isic}
    assert states == {"skinfw": "working", "skinfw-isic": "conflict"}
    (copy,) = [plugin for plugin in isic if plugin["status"] == "conflict"]
    assert copy["error"] and copy["cure"]
