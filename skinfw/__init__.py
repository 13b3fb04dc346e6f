"""skinfw: a plugin framework for classifying skin lesions in dermoscopic images.

Everything that a plugin may import stands here; it costs neither torch nor numpy.
"""

from skinfw.contracts import (
    UNKNOWN,
    Auxiliary,
    ClassName,
    Compared,
    Comparison,
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
from skinfw.errors import RecipeError, SkinfwError
from skinfw.hooks import Component, hookimpl
from skinfw.intervals import FEW, bootstrap, chained, few_lesions, taken, with_unknown_class
from skinfw.reading import present_rows, read_csv, refuse_rows, wrong_line
from skinfw.steps import Colour, Dice, Op, Pixels, Step, Table, Warp
from skinfw.writing import replacing, write_csv, write_json

__version__ = "0.1.0"

__all__ = [
    "FEW",
    "UNKNOWN",
    "Auxiliary",
    "ClassName",
    "Colour",
    "Compared",
    "Comparison",
    "Component",
    "Context",
    "Dice",
    "Download",
    "Downloads",
    "Draw",
    "Explanations",
    "Features",
    "Modalities",
    "Op",
    "Pixels",
    "Predictions",
    "RecipeError",
    "Result",
    "SkinfwError",
    "Step",
    "Table",
    "Warp",
    "bootstrap",
    "chained",
    "few_lesions",
    "hookimpl",
    "present_rows",
    "read_csv",
    "refuse_rows",
    "replacing",
    "taken",
    "with_unknown_class",
    "write_csv",
    "write_json",
    "wrong_line",
]
