"""Whatever is installed, the list is printed."""

import json
import re
import subprocess
import sys
import textwrap

import pytest
from support import PLUGIN, SAMPLER, Run, Site


def rows(output: str) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in json.loads(output)}


def test_first_party_plugins_work_and_nothing_heavy_is_imported(skinfw: Run) -> None:
    done = skinfw("list-plugins", "--json")
    assert done.returncode == 0
    plugins = rows(done.stdout)
    assert {"isic", "synthetic", "splits", "samplers", "timm", "lite"} <= plugins.keys()
    assert {plugin["status"] for plugin in plugins.values()} == {"working"}
    code = (
        "import sys; from skinfw.cli import main; "
        "main(['list-plugins', '--verbose'], standalone_mode=False); "
        "heavy = {'torch', 'numpy', 'pandas', 'timm', 'PIL', 'sklearn', 'pydantic'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_third_party_plugin_is_listed_with_its_package(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    done = skinfw("list-plugins")
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("acme")]
    assert "working" in row and "skinfw-acme" in row and "every-other" in row
    kind = skinfw("list-plugins", "--kind", "sampler")
    assert "Every other image." in kind.stdout and "cross-entropy" not in kind.stdout


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("words", [(), ("--verbose",), ("--available",)], ids=str)
def test_no_name_breaks_and_no_line_is_too_long(
    skinfw: Run, site: Site, columns: int, words: tuple[str, ...]
) -> None:
    site.install("acme", "raise RuntimeError('no licence ' * 20)", distribution="skinfw-acme-inc")
    site.install("empty", "SKINFW_API = 1")
    lines = skinfw("list-plugins", *words, COLUMNS=str(columns)).stdout.splitlines()
    assert max(map(len, lines)) <= columns and (all(lines) or words)
    cells = {cell for line in lines for cell in re.split(r"  +|, ", line.strip(" ,"))}
    plugins = json.loads(skinfw("list-plugins", "--json").stdout)
    for plugin in [one for one in plugins if one["status"] == "working"]:
        names = {one["name"] for one in plugin["components"]}
        if words == ("--verbose",):
            names = {one["name"] + "/*" * bool(one["variants"]) for one in plugin["components"]}
        else:
            names |= {f"skinfw {one['name']}" for one in plugin["commands"]} | {plugin["name"]}
        assert names <= cells


GOOD_HOOK = """
    from skinfw import Component, hookimpl
    SKINFW_API = 1
    @hookimpl
    def skinfw_components():
"""
BROKEN = {
    "raises": ("raise RuntimeError('no licence')", "broken", "RuntimeError: no licence"),
    "exits": ("import sys\nsys.exit(3)", "broken", "SystemExit: 3"),
    "missing": ("import a_package_that_is_not_there", "broken", "a_package_that_is_not_there"),
    "syntax": ("def broken(:", "broken", "SyntaxError"),
    "no-api": ("x = 1", "incompatible", "does not state SKINFW_API"),
    "newer": ("SKINFW_API = 99", "incompatible", "plugin interface 99"),
    "wrong-api": ("SKINFW_API = 'one'", "incompatible", "does not state SKINFW_API"),
    "rubbish": (GOOD_HOOK + "        yield 'sampler'", "broken", "which is no Component"),
    "kind": (
        GOOD_HOOK + "        yield Component('samplr', 'a', 'b:c', '')",
        "broken",
        "unknown kind 'samplr'; did you mean \"sampler\"?",
    ),
    "name": (
        GOOD_HOOK + "        yield Component('sampler', 'a b', 'b:c', '')",
        "broken",
        "no component name",
    ),
    "target": (
        GOOD_HOOK + "        yield Component('sampler', 'a', 'b.c', '')",
        "broken",
        "module:attribute",
    ),
    "texts": (
        GOOD_HOOK + "        yield Component(['sampler'], 'a', 'b:c', '')",
        "broken",
        "a Component has list/str/str/str",
    ),
    "twice": (
        GOOD_HOOK + "        for _ in 'ab': yield Component('sampler', 'a', 'b:c', '')",
        "broken",
        "twice",
    ),
    "hook-raises": (GOOD_HOOK + "        yield 1 / 0", "broken", "ZeroDivisionError"),
    "none": (GOOD_HOOK + "        return 7", "broken", "TypeError"),
}


@pytest.fixture(scope="module")
def broken_rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("broken")
    site = Site(folder)
    for name, (code, _, _) in BROKEN.items():
        site.install(name, code)
    site.install("stale", None)
    done = subprocess.run(
        [sys.executable, "-m", "skinfw", "list-plugins", "--json"],
        env=site.environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return rows(done.stdout)


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_fails_is_a_row(broken_rows: dict[str, dict[str, str]], name: str) -> None:
    _, status, error = BROKEN[name]
    assert broken_rows[name]["status"] == status
    assert error in broken_rows[name]["error"]
    assert broken_rows["isic"]["status"] == "working"


def test_metadata_without_its_package_says_how_to_mend(
    broken_rows: dict[str, dict[str, str]],
) -> None:
    assert "stale" in broken_rows["stale"]["error"]
    assert "--force-reinstall skinfw-stale" in broken_rows["stale"]["cure"]


def test_strict_fails_for_scripts(skinfw: Run, site: Site) -> None:
    assert skinfw("list-plugins", "--strict").returncode == 0
    site.install("bad", "raise ValueError")
    assert skinfw("list-plugins").returncode == 0
    assert skinfw("list-plugins", "--strict").returncode == 1


def test_a_blocked_plugin_is_not_imported(skinfw: Run, site: Site) -> None:
    site.install("acme", "raise SystemExit")
    done = skinfw("list-plugins", "--json", SKINFW_BLOCK="acme, isic")
    assert rows(done.stdout)["acme"]["status"] == "blocked"
    assert rows(done.stdout)["isic"]["status"] == "blocked"
    assert rows(done.stdout)["samplers"]["status"] == "working"


def test_two_packages_with_one_plugin_name_conflict(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    site.install("acme", PLUGIN, distribution="skinfw-acme-fork")
    done = skinfw("list-plugins", "--json")
    assert done.stdout.count('"status": "conflict"') == 2
    assert "skinfw-acme and skinfw-acme-fork both claim" in rows(done.stdout)["acme"]["error"]


def test_two_plugins_with_one_component_are_told_apart(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    site.install("fork", PLUGIN)
    done = skinfw("list-plugins")
    assert '"acme:every-other" or "fork:every-other"' in done.stdout


def test_who_imports_torch_is_said(fresh_skinfw: Run, site: Site) -> None:
    site.install("acme", "import torch\n" + "SKINFW_API = 1")
    done = fresh_skinfw("list-plugins", "--json")
    guilty = [name for name, row in rows(done.stdout).items() if row["imported_torch"]]
    assert guilty == ["acme"]


def test_available_lists_packages_and_how_to_install_them(skinfw: Run) -> None:
    done = skinfw("list-plugins", "--available", SKINFW_BLOCK="lite")
    assert "skinfw[lite]" in done.stdout


def test_an_entry_point_that_is_no_module_is_a_row(skinfw: Run, site: Site) -> None:
    site.install("acme", "SKINFW_API = 1")
    (info,) = site.folder.glob("*.dist-info")
    (info / "entry_points.txt").write_text("[skinfw]\nacme = bad value!\n")
    done = skinfw("list-plugins", "--json")
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout)["acme"]["status"] == "broken"


def test_two_packages_that_own_one_module_are_warned_of(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    site.install("other", None, distribution="skinfw-other")
    (info,) = site.folder.glob("skinfw_other*.dist-info")
    (info / "entry_points.txt").write_text("[skinfw]\nother = skinfw_acme_plugin\n")
    assert "both install the package skinfw_acme_plugin" in skinfw("list-plugins").stdout


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (PLUGIN.replace("@hookimpl", ""), "skinfw_components is not marked"),
        (PLUGIN.replace("acme_sampler:", "acme_smapler:"), "there is no module acme_smapler"),
    ],
)
def test_what_no_recipe_could_use_does_not_read_working(
    skinfw: Run, site: Site, code: str, says: str
) -> None:
    site.install("acme", code, acme_sampler=SAMPLER)
    row = rows(skinfw("list-plugins", "--json").stdout)["acme"]
    assert row["status"] == "broken" and says in str(row["error"]) and row["cure"]


def test_what_a_plugin_prints_is_no_part_of_the_list(skinfw: Run, site: Site) -> None:
    site.install("acme", "print('hello')\n" + textwrap.dedent(PLUGIN), acme_sampler=SAMPLER)
    done = skinfw("list-plugins", "--json")
    assert rows(done.stdout)["acme"]["status"] == "working" and "hello" in done.stderr
