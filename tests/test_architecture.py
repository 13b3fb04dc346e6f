"""The law of the house: which folder may import which, and where torch lives."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import skinfw
from skinfw import metrics, testing, toolkit
from skinfw.cli.frame import CORE as CORE_COMMANDS
from skinfw.data.leakage.links import EVIDENCE
from skinfw.interfaces.hooks import CORE_COMMANDS as NAMES_OF_CORE_COMMANDS
from skinfw.registry.discovery import discover

CORE = Path(skinfw.__file__).parent
PLUGINS = sorted((CORE.parent / "plugins").glob("*/src/*"))
# A folder imports from itself and from those before it, never from those after it.
FOLDERS = (
    "version", "errors", "interfaces", "guards", "files", "registry", "recipe", "runtime",
    "metrics", "statistics", "data", "models", "evaluation", "training", "inference",
    "workflows", "testing", "api", "cli", "toolkit", "__main__",
)  # fmt: skip
MODULES = sorted(CORE.rglob("*.py"))
HEAVY = {"torch", "numpy", "pandas", "cv2", "PIL", "sklearn", "timm", "torchvision", "matplotlib"}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(CORE).with_suffix("").parts)


def imports(file: Path, top_only: bool = False) -> set[str]:
    """Return the modules that a file imports; type-checking imports do not count."""
    modules = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return modules


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_go_one_way(file: Path) -> None:
    rank = {name: place for place, name in enumerate(FOLDERS)}
    own = file.relative_to(CORE).with_suffix("").parts[0]
    if own == "__init__":  # the public names, which come from wherever they live
        return
    others = {item.split(".")[1] for item in imports(file) if item.startswith("skinfw.")}
    assert not [other for other in others if rank.get(other, 0) > rank[own]]


@pytest.mark.parametrize("folder", sorted(CORE.glob("*/__init__.py")), ids=lambda f: f.parent.name)
def test_torch_lives_where_the_docstring_of_a_folder_says(folder: Path) -> None:
    text = " ".join((ast.get_docstring(ast.parse(folder.read_text())) or "").split())
    homes = {
        name_of(file).split(".")[-1]
        for file in folder.parent.rglob("*.py")
        if any(item.split(".")[0] == "torch" for item in imports(file, top_only=True))
    }
    if "torch is used throughout" in text:
        assert homes
    elif said := re.search("torch lives in (.*?) alone", text):
        assert homes == set(re.findall("`(.*?)`", said[1]))
    else:
        assert "No torch" in text and not homes


def test_the_core_names_no_plugin() -> None:
    packages = [folder.name for folder in PLUGINS]
    for file in CORE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not [package for package in packages if package in text], file


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_plugins_enter_by_the_same_door_as_third_parties(folder: Path) -> None:
    tree = ast.parse((CORE / "__init__.py").read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    public = {f"skinfw.{alias.asname}" for node in froms for alias in node.names if alias.asname}
    public |= {"skinfw.metrics", "skinfw.testing", "skinfw.toolkit"}
    public |= {f"skinfw.testing.{name}" for name in vars(testing)}
    public |= {f"skinfw.toolkit.{name}" for name in toolkit._HOME_OF}
    public |= {f"skinfw.metrics.{name}" for name in vars(metrics)}
    for file in folder.rglob("*.py"):
        for item in imports(file):
            if item.split(".")[0].startswith("skinfw_"):
                assert item.split(".")[0] == folder.name, f"{file} uses another plugin"
            if item.startswith("skinfw."):
                assert item in public, f"{file} uses {item}"


def test_the_names_for_commands_are_what_they_say() -> None:
    for name, module in toolkit._HOME_OF.items():
        assert getattr(toolkit, name) is getattr(import_module(module), name)
    assert tuple(command.name for command in CORE_COMMANDS) == NAMES_OF_CORE_COMMANDS


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_modules_of_components_import_heavy_libraries_inside_functions(folder: Path) -> None:
    plugin = next(p for p in discover() if p.module == f"{folder.name}.plugin")
    modules = {component.target.split(":")[0] for component in plugin.components}
    for module in modules:
        file = folder.parent / f"{module.replace('.', '/')}.py"
        roots = {item.split(".")[0] for item in imports(file, top_only=True)}
        assert not roots & HEAVY, module


def test_the_core_names_no_component_of_a_plugin_but_its_default_recipe() -> None:
    # Words that a reader would write anyway, such as "rows" or "adam", tell nothing.
    names = {c.name for plugin in discover() for c in plugin.components if "-" in c.name}
    names -= set(EVIDENCE.values())
    for file in CORE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not [name for name in names if re.search(rf"[\"`]{re.escape(name)}[\"`]", text)], (
            file
        )
