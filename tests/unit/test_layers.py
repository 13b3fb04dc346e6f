"""The law of the house: who may import whom."""

import ast
from pathlib import Path

import pytest

import skinfw
from skinfw.discovery import discover

CORE = Path(skinfw.__file__).parent
ROOT = CORE.parent
PLUGINS = sorted((ROOT / "plugins").glob("*/src/*"))
# A module may import from those before it, never from those after it.
LAYERS = [
    "errors", "writing", "reading", "kinds", "names", "toml_lines", "docstrings", "contracts",
    "hooks", "steps", "settings", "discovery", "recipe", "params", "catalog", "targets", "build",
    "schema", "fetching.download", "fetching.unpack", "fetching.fetched", "fetching.fetch",
    "engine.seed", "intervals", "paired", "predictions",
    "engine.ahead", "engine.images", "engine.cache_writer", "engine.cache", "joins",
    "engine.fingerprints", "engine.sketches", "engine.alignment", "engine.duplicates", "leakage",
    "table", "audit", "annotations", "record", "engine.signals", "engine.allocation",
    "engine.pixels", "engine.scores", "engine.saved", "engine.prepare", "engine.onnx",
    "engine.predict", "engine.device", "engine.frozen", "engine.modalities", "engine.backbone",
    "engine.data", "engine.feed", "engine.state", "engine.probe", "engine.network",
    "engine.export", "engine.penultimate", "engine.features", "engine.evaluate", "engine.checks",
    "engine.cautions", "engine.xray", "engine.sampling", "engine.judge", "engine.explain",
    "engine.average", "engine.loop", "engine.parts", "engine.preview", "run", "judgeable",
    "judging", "comparing", "folds", "cli.toml", "cli.progress", "cli.counter", "cli.transfer",
    "cli.fetching", "cli.recipes", "cli.listing", "cli.running", "cli.inference", "cli.judging",
    "cli.preview", "cli.audit", "cli.data", "cli", "__main__",
]  # fmt: skip
HEAVY = {"torch", "numpy", "pandas", "cv2", "PIL", "sklearn", "timm", "torchvision", "matplotlib"}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(CORE).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path, top_only: bool = False) -> set[str]:
    """Return the modules that a file imports; type-checking imports do not count."""
    found = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if top_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return found


MODULES = [
    file for file in sorted(CORE.rglob("*.py")) if file.parent != CORE or file.stem[0] != "_"
]


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_a_module_imports_only_from_lower_layers(file: Path) -> None:
    name = name_of(file)
    if name in ("engine", "fetching"):
        return
    allowed = LAYERS[: LAYERS.index(name)]
    inner = {
        item.removeprefix("skinfw.") for item in imports(file) if item.startswith("skinfw.")
    } - {"__version__"}
    wrong = [item for item in inner if item in LAYERS and item not in allowed]
    assert not wrong


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_torch_lives_in_the_engine_alone(file: Path) -> None:
    outside = not name_of(file).startswith("engine")
    if outside:
        roots = {item.split(".")[0] for item in imports(file, top_only=True)}
        assert not roots & HEAVY
        assert "torch" not in {item.split(".")[0] for item in imports(file)}


def test_the_core_names_no_plugin() -> None:
    packages = [folder.name for folder in PLUGINS]
    for file in CORE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not [package for package in packages if package in text], file


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_plugins_enter_by_the_same_door_as_strangers(folder: Path) -> None:
    for file in folder.rglob("*.py"):
        for item in imports(file):
            if item.split(".")[0].startswith("skinfw_"):
                assert item.split(".")[0] == folder.name, f"{file} uses another plugin"
            if item.startswith("skinfw."):
                assert item.removeprefix("skinfw.") in skinfw.__all__, f"{file} uses {item}"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_component_modules_import_heavy_libraries_inside_functions(folder: Path) -> None:
    plugin = next(p for p in discover() if p.module == f"{folder.name}.plugin")
    modules = {component.target.split(":")[0] for component in plugin.components}
    for module in modules:
        file = folder.parent / f"{module.replace('.', '/')}.py"
        roots = {item.split(".")[0] for item in imports(file, top_only=True)}
        assert not roots & HEAVY, module
