"""skinfw: a plugin framework for classifying skin lesions in dermoscopic images.

Everything that a plugin may import stands here; it costs neither torch nor numpy.
"""

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.atomic import atomic_write, write_csv, write_json
from skinfw.files.csv_tables import line_error, present_rows, read_csv, refuse_rows
from skinfw.interfaces.hooks import Component, hookimpl
from skinfw.interfaces.transforms import (
    ColourMatrix,
    Dice,
    LookupTable,
    Op,
    PixelFunction,
    Step,
    Warp,
)
from skinfw.interfaces.values import (
    UNKNOWN,
    Auxiliary,
    ClassName,
    Comparison,
    ComparisonEntry,
    Context,
    Download,
    Downloads,
    Draw,
    Explanations,
    Features,
    Modalities,
    Predictions,
    Result,
)
from skinfw.statistics.intervals import (
    MIN_LESIONS,
    add_unknown_class,
    bootstrap,
    concatenate,
    few_lesions,
    select,
)
from skinfw.version import __version__ as __version__

__all__ = [
    "MIN_LESIONS",
    "UNKNOWN",
    "Auxiliary",
    "ClassName",
    "ColourMatrix",
    "Comparison",
    "ComparisonEntry",
    "Component",
    "Context",
    "Dice",
    "Download",
    "Downloads",
    "Draw",
    "Explanations",
    "Features",
    "LookupTable",
    "Modalities",
    "Op",
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
