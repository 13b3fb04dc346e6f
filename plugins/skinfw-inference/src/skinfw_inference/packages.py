"""The packages of the extra `onnx`, looked for before anything heavy is imported."""

from __future__ import annotations

from importlib.util import find_spec

from skinfw import SkinfwError


def check_packages(*packages: str) -> None:
    """Refuse to begin where a package of the extra `onnx` is not installed; imports none of them.

    packages: their names.
    """
    for package in packages:
        if find_spec(package) is None:
            raise missing_package(package)


def missing_package(package: str) -> SkinfwError:
    """Return the error that says that a package of the extra `onnx` is not installed."""
    return SkinfwError(f"{package} is not installed", cure="pip install 'skinfw[onnx]'")
