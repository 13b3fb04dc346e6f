"""What nobody foresaw: whose code an error comes from, the user's, a plugin's or our own."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from pathlib import Path

import skinfw
from skinfw.errors import SkinfwError
from skinfw.guards.machine import out_of_memory
from skinfw.recipe.guard import text_of
from skinfw.registry.discovery import Plugin, discover

_HOST = Path(skinfw.__file__).parent
_LIBRARIES = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
_PACKAGES = {"site-packages", "dist-packages"}


def unexpected(error: BaseException) -> SkinfwError:
    """Return the lines for an error that no guard caught.

    It names the innermost frame of a file of a plugin or of the user, if there is one.
    """
    what = f"{type(error).__name__}: {text_of(error)}"
    if out_of_memory(error):
        cure = "end other programs, or set a smaller train.batch_size or image.size"
        return SkinfwError("there is not enough memory", "", what, cure)
    packages = {_folder(plugin): plugin for plugin in discover() if plugin.status == "working"}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file, line = Path(frame.filename), f"raised in {Path(frame.filename).name}:{frame.lineno}"
        plugin = next(
            (packages[place] for place in (file, *file.parents) if place in packages), None
        )
        if plugin:
            cure = f"--traceback shows where; report it to {plugin.distribution}"
            return SkinfwError(f"plugin {plugin.label} failed: {what}", line, "", cure)
        ours = _HOST in file.parents or frame.filename.startswith("<")
        library = any(folder in file.parents for folder in _LIBRARIES) or _PACKAGES & {*file.parts}
        if not ours and not library:
            cure = "the error is in this file; --traceback shows how it came there"
            return SkinfwError(what, line, str(file), cure)
    why = "this is a defect of skinfw itself"
    return SkinfwError(what, "", why, "please report it with the output of --traceback")


def _folder(plugin: Plugin) -> Path:
    """Return the folder of a plugin's package; a module by itself is its own file."""
    package, dot, _ = plugin.module.partition(".")
    file = Path(getattr(sys.modules.get(package), "__file__", None) or package)
    return file.parent if dot else file
