"""The law of the house: which folder may import which, and where torch lives."""

import ast
from pathlib import Path

import pytest

import skinfw

CORE = Path(skinfw.__file__).parent
PLUGINS = sorted((CORE.parent / "plugins").glob("*/src/*"))
# A folder imports from itself and from those before it, never from those after it.
FOLDERS = (
    "version", "errors", "files", "interfaces", "registry", "recipe", "runtime", "statistics",
    "data", "models", "evaluation", "training", "inference", "workflows", "cli", "__main__",
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
