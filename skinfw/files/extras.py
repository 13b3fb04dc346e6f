"""Packages that only some need, imported where they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from skinfw.errors import SkinfwError


def import_extra(name: str, work: str, where: str, cure: str) -> Any:
    """Return a module of an optional package.

    name: of the module, such as "pyarrow.parquet".
    work: what needs it, such as "reading Parquet".
    where: the file that is worked on.
    cure: what brings the package, or does without it.
    Raises SkinfwError where it cannot be imported.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        what = f"{work} needs {package}, which is not installed"
        raise SkinfwError(what, where, str(error), cure) from error
