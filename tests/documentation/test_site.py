"""The site builds without a warning, and its reference has everything that can be named."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

import skinfw
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.settings import SETTINGS
from skinfw.testing import CHECKS

pytestmark = pytest.mark.slow  # the site is built whole


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


def ids(page: Path) -> set[str]:
    return set(re.findall(r'<h\d id="([^"]+)"', page.read_text()))


def test_every_component_has_its_place_with_its_parameters(site: Path) -> None:
    for kind in KINDS:
        page = site / "reference" / f"{kind}.html"
        text = page.read_text()
        for entry in skinfw.components(kind):
            if entry.plugin.distribution == "skinfw":
                assert entry.component.name in ids(page), entry.component.name
        promises = re.findall(r"<td>([^<]+)</td>\s*<td>(?:base|full)</td>", text)
        assert promises == [check.name for check in CHECKS if kind in check.kinds]
    sampler = (site / "reference" / "sampler.html").read_text()
    assert "<code>q</code>: a number in [-2, 1]; default <code>0.5</code>" in sampler


def test_every_table_of_settings_has_its_place(site: Path) -> None:
    page = site / "reference" / "settings.html"
    assert set(SETTINGS) <= ids(page)
    assert "<code>batch_size</code>" in page.read_text()


def test_every_public_name_has_its_place(site: Path) -> None:
    tree = ast.parse(Path(str(skinfw.__file__)).read_text())
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    public = {alias.asname.lower() for node in froms for alias in node.names if alias.asname}
    places = ids(site / "reference" / "skinfw.html")
    assert public - {"__version__"} <= places
    assert {"model", "answers", "modelpredict"} <= places
    assert "conformance" in ids(site / "reference" / "skinfw.testing.html")
    assert "roccurve" in ids(site / "reference" / "skinfw.metrics.html")


def test_the_notebook_is_shown_and_offered(site: Path) -> None:
    cells = json.loads((site / "notebook.ipynb").read_text())["cells"]
    text = (site / "python.html").read_text()
    assert "a-run-in-a-notebook" in ids(site / "python.html")
    assert text.count('<div class="highlight">') == 1 + sum(c["cell_type"] == "code" for c in cells)


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(\w+://[^\"' >]+)", page.read_text()
        )
        assert not loads, page
