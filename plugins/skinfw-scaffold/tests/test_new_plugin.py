"""Every kind that `skinfw new-plugin` writes keeps all promises from the start."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from environments import Environment, build
from support import ROOT, Run, Site

from skinfw.cli import main
from skinfw.interfaces.kinds import KINDS, RECIPE_KINDS
from skinfw.registry.discovery import discover

EVERY = (*KINDS, "command")
NAMES = {kind: f"my-{kind}" for kind in EVERY} | {"sampler": "By.Patient_2"}


def package(name: str) -> str:
    return "skinfw_" + name.lower().replace("-", "_").replace(".", "_")


def install(project: Path, site: Path) -> None:
    """Do what pip would: the package and its metadata on the path."""
    own = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    (source,) = (project / "src").iterdir()
    (site / source.name).symlink_to(source)
    info = site / f"{source.name}-{own['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {own['name']}\nVersion: {own['version']}\n"
    (info / "METADATA").write_text(metadata)
    points = [f"{name} = {module}" for name, module in own["entry-points"]["skinfw"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[skinfw]", *points, ""]))


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All kinds, written by the command and installed in the folder `site` beside them."""
    folder = tmp_path_factory.mktemp("projects")
    (folder / "site").mkdir()
    for kind, name in NAMES.items():
        words = ["new-plugin", kind, name, "--out", str(folder)]
        done = CliRunner().invoke(main, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        install(folder / f"skinfw-{name}", folder / "site")
    return folder


@pytest.fixture
def in_process(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process see the plugins, for one test."""
    monkeypatch.syspath_prepend(projects / "site")
    discover.cache_clear()
    yield
    discover.cache_clear()


def test_the_styles_of_all_packages_are_in_order(projects: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", *sorted(projects.glob("skinfw-*"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_tests_of_all_packages_pass(projects: Path) -> None:
    # Their conformance tests run every check, so that their grade is "full". What a process of its
    # own tries for each of them is tried for one of them below, and for all of them together.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error",
         "--import-mode=importlib", "--rootdir", str(projects), "-c", "/dev/null",
         "-k", "not stays", "--durations=15",
         *(str(folder / "tests") for folder in sorted(projects.glob("skinfw-*")))],
        env=Site(projects / "site").environment(),
        capture_output=True, text=True, check=False, cwd=projects,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout and "xfailed" not in done.stdout


def test_listing_the_plugins_imports_nothing_heavy(projects: Path) -> None:
    modules = [f"{package(name)}.plugin" for name in NAMES.values()]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    site = Site(projects / "site").environment()
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=site, capture_output=True, text=True, check=True
    ).stdout.split()
    assert modules[0] in loaded
    assert not {"torch", "numpy", "pandas", "cv2", "PIL", "click"} & set(loaded)


@pytest.mark.slow
def test_the_types_of_all_packages_hold(projects: Path) -> None:
    sources = [str(folder / "src") for folder in sorted(projects.glob("skinfw-*"))]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(projects / "mypy"), *sources],
        env=Site(projects / "site").environment(),
        capture_output=True, text=True, check=False, cwd=projects,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("kind", RECIPE_KINDS)
def test_the_recipe_names_the_component_and_passes(kind: str, projects: Path) -> None:
    name = NAMES[kind]
    recipe = projects / f"skinfw-{name}" / "recipe.toml"
    done = CliRunner().invoke(main, ["check", str(recipe)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    checked = tomllib.loads(done.stdout)
    tables = checked[kind] if KINDS[kind].many else [checked[kind]]
    uses = [table["use"] for table in tables]
    assert name in uses
    assert {"metric": "classification", "report": "page"}.get(kind, name) in uses  # beside it
    assert checked["requires"] == [f"skinfw-{name}"]


@pytest.mark.usefixtures("in_process")
def test_the_packages_are_named_after_the_plugin(projects: Path) -> None:
    plugins = {plugin.name: plugin for plugin in discover()}
    for kind, name in NAMES.items():
        assert plugins[name].status == "working"
        assert plugins[name].module == f"{package(name)}.plugin"
        (offer,) = plugins[name].components or plugins[name].commands
        assert offer.name == name
        assert offer.target.startswith(f"{package(name)}.{kind}:")
    assert plugins["By.Patient_2"].components[0].target.endswith(":ByPatient2Sampler")


def test_the_grade_is_full(projects: Path, skinfw: Run) -> None:
    done = skinfw("check-plugin", "my-loss", "--json", PYTHONPATH=str(projects / "site"))
    record = json.loads(done.stdout)
    assert record["grade"] == "full"
    assert {own["status"] for own in record["checks"]} == {"passed"}


def test_the_licence_names_the_author_of_git(
    skinfw: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git.ini").write_text('[user]\nname = "Zoë \\"Z\\" Quill"\n')
    own = {"GIT_CONFIG_GLOBAL": str(tmp_path / "git.ini"), "GIT_CONFIG_SYSTEM": "/dev/null"}
    assert skinfw("new-plugin", "loss", "one", **own).returncode == 0
    assert 'Zoë "Z" Quill\n' in (tmp_path / "skinfw-one" / "LICENSE").read_text()
    settings = tomllib.loads((tmp_path / "skinfw-one" / "pyproject.toml").read_text())
    assert settings["project"]["authors"] == [{"name": 'Zoë "Z" Quill'}]
    assert skinfw("new-plugin", "loss", "two", PATH="/nowhere").returncode == 0
    assert " the author\n" in (tmp_path / "skinfw-two" / "LICENSE").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("samplr", "mine", 'did you mean "sampler"?'),
        ("nonsense", "mine", "the kinds: dataset"),
        ("loss", "2fast", "cannot name a plugin"),
        ("loss", "a/b", "cannot name a plugin"),
        ("loss", "tail-", "cannot name a plugin"),
        ("loss", "x" * 33, "cannot name a plugin"),
        ("command", "My-Command", "lower-case letters"),
        ("command", "run", 'the command "run" exists already'),
        ("command", "data", 'the command "data" exists already'),
        ("sampler", "power", 'the sampler "power" exists already'),
        ("loss", "Losses", 'a plugin called "losses" exists already'),
    ],
)
def test_names_that_cannot_be_are_refused(
    kind: str, name: str, says: str, skinfw: Run, tmp_path: Path
) -> None:
    done = skinfw("new-plugin", kind, name)
    assert done.returncode == 2 and says in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4
    assert not list(tmp_path.glob("skinfw-*"))


def test_nothing_is_overwritten(skinfw: Run, tmp_path: Path) -> None:
    kept = tmp_path / "skinfw-mine" / "notes.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = skinfw("new-plugin", "loss", "mine")
    assert done.returncode == 2 and "skinfw-mine exists already" in done.stderr
    assert [file.name for file in kept.parent.iterdir()] == ["notes.txt"]


def test_without_copier_the_cure_is_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['copier'] = None;"
        "sys.argv = ['skinfw', 'new-plugin', 'loss', 'mine'];"
        "from skinfw.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1 and "pip install 'skinfw[scaffold]'" in done.stderr
    assert "Traceback" not in done.stderr and not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_wheel_writes_packages_that_pip_installs(tmp_path: Path) -> None:
    here = Environment(tmp_path / "venv")
    here.pip("install", "--no-deps", "--no-index", str(build(ROOT, tmp_path / "one")))
    here.run("-m", "skinfw", "new-plugin", "metric", "mine", cwd=tmp_path)
    project = tmp_path / "skinfw-mine"
    assert {".copier-answers.yml", ".github", ".gitignore", "LICENSE", "README.md"} <= {
        file.name for file in project.iterdir()
    }
    here.pip("install", "--no-deps", "--no-index", str(build(project, tmp_path / "two")))
    assert "mine: grade full" in here.run("-m", "skinfw", "check-plugin", "mine", cwd=tmp_path)
    assert "plugin mine 0.1.0" in here.run("-m", "skinfw", "check", "recipe.toml", cwd=project)
    assert "passed" in here.run("-m", "pytest", "-q", cwd=project)
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@localhost")
    for words in (("init",), ("add", "."), ("commit", "-m", "As it was")):
        subprocess.run([*git, *words], cwd=project, check=True, capture_output=True)
    assert "up to date" in here.run("-m", "skinfw", "new-plugin", "--update", ".", cwd=project)
