"""skinfw: a plugin framework for classifying skin lesions in dermoscopic images.

Everything that a plugin may import stands here; it costs neither torch nor numpy.
"""

from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.atomic import replacing, write_csv, write_json
from skinfw.files.csv_tables import present_rows, read_csv, refuse_rows, wrong_line
from skinfw.interfaces.hooks import Component, hookimpl
from skinfw.interfaces.transforms import Colour, Dice, Op, Pixels, Step, Table, Warp
from skinfw.interfaces.values import (
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
from skinfw.statistics.intervals import (
    FEW,
    bootstrap,
    chained,
    few_lesions,
    taken,
    with_unknown_class,
)
from skinfw.version import __version__ as __version__

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
