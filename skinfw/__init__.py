"""skinfw: a plugin framework for classifying skin lesions in dermoscopic images.

Everything that the author of a component may import stands here; authors of commands find more in
`skinfw.toolkit`, authors of metrics in `skinfw.metrics`. It costs neither torch nor numpy: what
needs them is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.atomic import atomic_write, write_csv, write_json
from skinfw.interfaces.hooks import Command, Component, hookimpl
from skinfw.interfaces.protocols import DuplicateFinder, Metric
from skinfw.interfaces.transforms import (
    ColourMatrix,
    Dice,
    LookupTable,
    PixelFunction,
    Step,
    Warp,
)
from skinfw.interfaces.values import (
    UNKNOWN,
    Auxiliary,
    Cell,
    ClassName,
    Comparison,
    ComparisonEntry,
    Context,
    DataTable,
    Download,
    Downloads,
    Draw,
    Duplicates,
    Estimate,
    Explanations,
    Features,
    Findings,
    FindingsTable,
    Fingerprint,
    Leakage,
    Modalities,
    Predictions,
    Result,
)
from skinfw.version import __version__ as __version__

if TYPE_CHECKING:
    from skinfw.files.csv_tables import line_error, present_rows, read_csv, refuse_rows
    from skinfw.statistics.intervals import (
        MIN_LESIONS,
        add_unknown_class,
        bootstrap,
        concatenate,
        count_lesions,
        few_lesions,
        select,
    )

_LATER = {
    "skinfw.files.csv_tables": ("line_error", "present_rows", "read_csv", "refuse_rows"),
    "skinfw.statistics.intervals": (
        "MIN_LESIONS",
        "add_unknown_class",
        "bootstrap",
        "concatenate",
        "count_lesions",
        "few_lesions",
        "select",
    ),
}
_HOME_OF = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "MIN_LESIONS",
    "UNKNOWN",
    "Auxiliary",
    "Cell",
    "ClassName",
    "ColourMatrix",
    "Command",
    "Comparison",
    "ComparisonEntry",
    "Component",
    "Context",
    "DataTable",
    "Dice",
    "Download",
    "Downloads",
    "Draw",
    "DuplicateFinder",
    "Duplicates",
    "Estimate",
    "Explanations",
    "Features",
    "Findings",
    "FindingsTable",
    "Fingerprint",
    "Leakage",
    "LookupTable",
    "Metric",
    "Modalities",
    "PixelFunction",
    "Predictions",
    "RecipeError",
    "Result",
    "SkinfwError",
    "Step",
    "Warp",
    "add_unknown_class",
    "atomic_write",
    "bootstrap",
    "concatenate",
    "count_lesions",
    "few_lesions",
    "hookimpl",
    "line_error",
    "present_rows",
    "read_csv",
    "refuse_rows",
    "select",
    "write_csv",
    "write_json",
]


def __getattr__(name: str) -> Any:
    """Import a name that needs numpy or pandas from where it lives."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
