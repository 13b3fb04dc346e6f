"""Sessions that check skinfw: style, types, tests, documents, the oldest torch, known holes.

`nox` runs `lint` and `test`, each in an environment of its own; `nox -l` lists all. Where all is
installed already, `nox --no-venv -s lint test` uses the active environment and installs nothing.
TORCH and TORCHVISION name the versions to install, the newest ones unless given. What follows
`--` goes to pytest.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox

# A plain venv has pip, which the tests need to build and install wheels.
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "test"]

# What users may install; docs, bench and dev are for those who work on skinfw.
_EXTRAS = "albumentations,imblearn,lite,onnx,scaffold,torchmetrics"
_DEPENDENCIES: list[str] = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    _install(session, *_wanted())
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests."""
    _install(session, *_wanted())
    _pytest(session, "-n", "logical")


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests and print how much of skinfw they reach, which takes a third longer."""
    _install(session, *_wanted())
    _pytest(session, "-n", "logical", "--cov=skinfw", "--cov-report=term:skip-covered")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the slow tests: wheels, environments, a round of all benchmarks."""
    _install(session, *_wanted())
    _pytest(session, "-n", "logical", "-m", "slow")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every code block of the documents, the tutorial included, and build their site."""
    _install(session, *_wanted())
    _pytest(session, "tests/documentation", "-m", "slow or not slow")
    session.run("mkdocs", "build", "--strict")


@nox.session
def oldest(session: nox.Session) -> None:
    """Run the tests with the oldest torch that skinfw allows."""
    if session.venv_backend == "none":
        session.error("oldest installs another torch and needs an environment of its own")
    _install(session, _lowest("torch"), _lowest("torchvision"))
    _pytest(session, "-n", "logical")


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in what an installation brings, and write its SBOM to dist/.

    It needs the internet: pip-audit asks PyPI about each package. A package of which PyPI knows
    nothing fails the session, since nobody has looked at it.
    """
    if session.venv_backend == "none":
        session.error("audit looks at what an installation brings: it needs an environment")
    session.install(f".[{_EXTRAS}]")
    brought = session.run("python", "-m", "pip", "freeze", "--exclude", "skinfw", silent=True)
    versions = Path(session.create_tmp()) / "versions.txt"
    versions.write_text(str(brought), encoding="utf-8")
    session.install("pip-audit>=2.9", "cyclonedx-bom>=7")
    session.run("pip-audit", "--strict", "--disable-pip", "--no-deps", "-r", str(versions))
    Path("dist").mkdir(exist_ok=True)
    session.run("cyclonedx-py", "requirements", str(versions), "-o", "dist/skinfw.cdx.json")


def _install(session: nox.Session, *first: str) -> None:
    """Install skinfw and what checks it; with --no-venv all of it is there already.

    first: requirements that are installed before, so that skinfw's own keep them.
    """
    if session.venv_backend == "none":
        return
    if first:
        session.install(*first)
    session.install("-e", ".[lite,dev]")


def _pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest, also with what the user wrote after `--`."""
    session.run("python", "-m", "pytest", *arguments, *session.posargs)


def _wanted() -> list[str]:
    """Return the versions of torch that the caller asks for."""
    names = ("torch", "torchvision")
    return [f"{name}=={os.environ[name.upper()]}" for name in names if os.environ.get(name.upper())]


def _lowest(name: str) -> str:
    """Return the requirement of a package's oldest release that skinfw allows.

    name: of a dependency that pyproject.toml bounds by >=.
    """
    (bound,) = (text for text in _DEPENDENCIES if text.startswith(f"{name}>="))
    return bound.replace(">=", "==") + ".*"
