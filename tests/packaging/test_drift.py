"""The root wheel repeats what each plugin's own project says; these tests hold them together."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from support import ROOT

from skinfw.files.pages import page

PLUGINS = sorted((ROOT / "plugins").iterdir())


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def requirements(texts: list[str]) -> dict[str, str]:
    return {Requirement(text).name: str(Requirement(text).specifier) for text in texts}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_s_project_agrees_with_the_root(folder: Path) -> None:
    root, own = project(ROOT), project(folder)
    name = own["project"]["name"]
    package = name.replace("-", "_")
    assert name == folder.name
    assert own["project"]["version"] == root["project"]["version"]
    assert "Private :: Do Not Upload" in own["project"]["classifiers"]
    points = own["project"]["entry-points"]["skinfw"]
    bundled = root["project"]["entry-points"]["skinfw"]
    assert points.items() <= bundled.items()
    wheel = root["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert f"plugins/{folder.name}/src/{package}" in wheel
    needed = requirements(own["project"]["dependencies"])
    assert "skinfw" in needed
    del needed["skinfw"]
    assert needed.items() <= requirements(root["project"]["dependencies"]).items()
    extras = own["project"].get("optional-dependencies", {})
    assert extras.items() <= root["project"]["optional-dependencies"].items()


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_s_imports_are_declared(folder: Path) -> None:
    import ast
    import sys

    package_of = {
        "cv2": "opencv-python-headless",
        "PIL": "pillow",
        "imblearn": "imbalanced-learn",
        "sklearn": "scikit-learn",
        "annotated_types": "annotated-types",
        "cyclonedx": "cyclonedx-python-lib",
        "packageurl": "packageurl-python",
        "huggingface_hub": "huggingface-hub",
        "markdown_it": "markdown-it-py",
        "mlflow": "mlflow-skinny",
        "prometheus_client": "prometheus-client",
        "python_multipart": "python-multipart",
    }
    own = project(folder)["project"]
    extras = [text for texts in own.get("optional-dependencies", {}).values() for text in texts]
    declared = requirements(own["dependencies"] + extras).keys()
    for file in folder.glob("src/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {name.split(".")[0] for name in names}:
                if name in sys.stdlib_module_names or name.startswith("skinfw_"):
                    continue
                assert package_of.get(name, name) in declared, f"{file.name} imports {name}"


def test_the_root_bundles_no_plugin_that_has_no_project() -> None:
    root = project(ROOT)
    folders = {folder.name for folder in PLUGINS}
    wheel = root["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {path.split("/")[1] for path in wheel if path.startswith("plugins/")} == folders
    points: dict[str, str] = {}
    for folder in PLUGINS:
        points |= project(folder)["project"]["entry-points"]["skinfw"]
    assert points == root["project"]["entry-points"]["skinfw"]


def test_the_wheel_holds_the_pages_that_code_and_recipes_cite() -> None:
    wheel = project(ROOT)["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["docs"] == "skinfw/docs"
    files = [
        file for place in ("skinfw", "plugins", "recipes") for file in (ROOT / place).rglob("*")
    ]
    kept = [file for file in files if file.suffix in (".py", ".toml", ".jinja", ".md")]
    cited = {
        name
        for file in kept
        for pair in re.findall(r"\bdocs/([\w/-]+\.md)|\bpage\(['\"](.+?)['\"]\)", file.read_text())
        for name in pair
        if name
    }
    assert {"kinds.md", "faithful.md"} <= cited
    for name in cited:
        assert page(name).is_file(), name


def test_workflows_name_actions_by_commit() -> None:
    workflows = [file.read_text() for file in (ROOT / ".github" / "workflows").iterdir()]
    uses = re.findall(r"uses: *(\S+)", "\n".join(workflows))
    assert uses and all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in uses)
