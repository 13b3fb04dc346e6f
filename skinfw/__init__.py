"""skinfw: a plugin framework for classifying skin lesions in dermoscopic images.

`run`, `check`, `load`, `components` and `list_plugins` are skinfw from Python. Everything that the
author of a component may import stands here, too; authors of commands find more in
`skinfw.toolkit`, authors of metrics in `skinfw.metrics`, of tests in `skinfw.testing`. It costs
neither torch nor numpy: what needs them is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skinfw.errors import RecipeError as RecipeError
from skinfw.errors import SkinfwError as SkinfwError
from skinfw.files.atomic import atomic_write as atomic_write
from skinfw.files.atomic import write_json as write_json
from skinfw.files.spreadsheets import CsvWriter as CsvWriter
from skinfw.files.spreadsheets import write_csv as write_csv
from skinfw.interfaces.calibration import FittedCalibration as FittedCalibration
from skinfw.interfaces.calibration import SetMethod as SetMethod
from skinfw.interfaces.calibration import at_temperature as at_temperature
from skinfw.interfaces.calibration import misfit as misfit
from skinfw.interfaces.hooks import Command as Command
from skinfw.interfaces.hooks import Component as Component
from skinfw.interfaces.hooks import hookimpl as hookimpl
from skinfw.interfaces.protocols import AnalysingReport as AnalysingReport
from skinfw.interfaces.protocols import Augmentation as Augmentation
from skinfw.interfaces.protocols import Cache as Cache
from skinfw.interfaces.protocols import ChoosingExplainer as ChoosingExplainer
from skinfw.interfaces.protocols import ComparisonReport as ComparisonReport
from skinfw.interfaces.protocols import Dataset as Dataset
from skinfw.interfaces.protocols import DecodedImages as DecodedImages
from skinfw.interfaces.protocols import Decoding as Decoding
from skinfw.interfaces.protocols import DuplicateFinder as DuplicateFinder
from skinfw.interfaces.protocols import EvaluationReport as EvaluationReport
from skinfw.interfaces.protocols import ExplainableNetwork as ExplainableNetwork
from skinfw.interfaces.protocols import Explainer as Explainer
from skinfw.interfaces.protocols import Launcher as Launcher
from skinfw.interfaces.protocols import Metric as Metric
from skinfw.interfaces.protocols import Mix as Mix
from skinfw.interfaces.protocols import Modification as Modification
from skinfw.interfaces.protocols import MultimodalNetwork as MultimodalNetwork
from skinfw.interfaces.protocols import NetworkWithLoss as NetworkWithLoss
from skinfw.interfaces.protocols import NormalisedNetwork as NormalisedNetwork
from skinfw.interfaces.protocols import PairedNetwork as PairedNetwork
from skinfw.interfaces.protocols import Preparation as Preparation
from skinfw.interfaces.protocols import ProgressListener as ProgressListener
from skinfw.interfaces.protocols import Report as Report
from skinfw.interfaces.protocols import ResamplingMetric as ResamplingMetric
from skinfw.interfaces.protocols import RestingMetric as RestingMetric
from skinfw.interfaces.protocols import Sampler as Sampler
from skinfw.interfaces.protocols import Schedule as Schedule
from skinfw.interfaces.protocols import SeedsReport as SeedsReport
from skinfw.interfaces.protocols import Split as Split
from skinfw.interfaces.protocols import SweepReport as SweepReport
from skinfw.interfaces.protocols import ValidationReport as ValidationReport
from skinfw.interfaces.protocols import View as View
from skinfw.interfaces.protocols import Weighting as Weighting
from skinfw.interfaces.sweeps import SweepAxis as SweepAxis
from skinfw.interfaces.sweeps import SweepSetting as SweepSetting
from skinfw.interfaces.sweeps import SweepSummary as SweepSummary
from skinfw.interfaces.tasks import Task as Task
from skinfw.interfaces.tasks import TaskEnd as TaskEnd
from skinfw.interfaces.transforms import ColourMatrix as ColourMatrix
from skinfw.interfaces.transforms import Dice as Dice
from skinfw.interfaces.transforms import LookupTable as LookupTable
from skinfw.interfaces.transforms import PixelFunction as PixelFunction
from skinfw.interfaces.transforms import Step as Step
from skinfw.interfaces.transforms import Warp as Warp
from skinfw.interfaces.values import MALIGNANT as MALIGNANT
from skinfw.interfaces.values import UNKNOWN as UNKNOWN
from skinfw.interfaces.values import Auxiliary as Auxiliary
from skinfw.interfaces.values import Cell as Cell
from skinfw.interfaces.values import ClassGroup as ClassGroup
from skinfw.interfaces.values import ClassName as ClassName
from skinfw.interfaces.values import Comparison as Comparison
from skinfw.interfaces.values import ComparisonEntry as ComparisonEntry
from skinfw.interfaces.values import Context as Context
from skinfw.interfaces.values import DataTable as DataTable
from skinfw.interfaces.values import Download as Download
from skinfw.interfaces.values import Downloads as Downloads
from skinfw.interfaces.values import Draw as Draw
from skinfw.interfaces.values import Duplicates as Duplicates
from skinfw.interfaces.values import Estimate as Estimate
from skinfw.interfaces.values import ExplainerChoice as ExplainerChoice
from skinfw.interfaces.values import Explanations as Explanations
from skinfw.interfaces.values import Features as Features
from skinfw.interfaces.values import Findings as Findings
from skinfw.interfaces.values import FindingsPicture as FindingsPicture
from skinfw.interfaces.values import FindingsScatter as FindingsScatter
from skinfw.interfaces.values import FindingsTable as FindingsTable
from skinfw.interfaces.values import Fingerprint as Fingerprint
from skinfw.interfaces.values import InspectedImages as InspectedImages
from skinfw.interfaces.values import Interval as Interval
from skinfw.interfaces.values import Leakage as Leakage
from skinfw.interfaces.values import Modalities as Modalities
from skinfw.interfaces.values import Predictions as Predictions
from skinfw.interfaces.values import Result as Result
from skinfw.interfaces.values import ScatterPoint as ScatterPoint
from skinfw.interfaces.values import SeedNumber as SeedNumber
from skinfw.interfaces.values import SeedsSummary as SeedsSummary
from skinfw.interfaces.values import Validation as Validation
from skinfw.interfaces.values import ValidationNumber as ValidationNumber
from skinfw.interfaces.values import ValidationSet as ValidationSet
from skinfw.interfaces.values import ViewedImage as ViewedImage
from skinfw.interfaces.values import headline_numbers as headline_numbers
from skinfw.version import __version__ as __version__

if TYPE_CHECKING:
    from skinfw.api.listing import components as components
    from skinfw.api.listing import list_plugins as list_plugins
    from skinfw.api.models import load as load
    from skinfw.api.runs import check as check
    from skinfw.api.runs import run as run
    from skinfw.data.decoding import read_mask as read_mask
    from skinfw.files.csv_lines import line_error as line_error
    from skinfw.files.csv_tables import present_rows as present_rows
    from skinfw.files.csv_tables import read_csv as read_csv
    from skinfw.files.csv_tables import refuse_ids as refuse_ids
    from skinfw.files.csv_tables import refuse_names as refuse_names
    from skinfw.files.csv_tables import refuse_rows as refuse_rows
    from skinfw.files.csv_tables import rows_of as rows_of
    from skinfw.files.metadata_values import refuse_metadata as refuse_metadata
    from skinfw.files.parquet_tables import read_table as read_table
    from skinfw.statistics.confidence import confidence_intervals as confidence_intervals
    from skinfw.statistics.intervals import MIN_LESIONS as MIN_LESIONS
    from skinfw.statistics.intervals import add_unknown_class as add_unknown_class
    from skinfw.statistics.intervals import concatenate as concatenate
    from skinfw.statistics.intervals import count_lesions as count_lesions
    from skinfw.statistics.intervals import few_lesions as few_lesions
    from skinfw.statistics.intervals import select as select

_HOMES = {
    "skinfw.api.listing": "components list_plugins",
    "skinfw.api.models": "load",
    "skinfw.api.runs": "check run",
    "skinfw.data.decoding": "read_mask",
    "skinfw.files.csv_lines": "line_error",
    "skinfw.files.csv_tables": (
        "present_rows read_csv refuse_ids refuse_names refuse_rows rows_of"
    ),
    "skinfw.files.metadata_values": "refuse_metadata",
    "skinfw.files.parquet_tables": "read_table",
    "skinfw.statistics.confidence": "confidence_intervals",
    "skinfw.statistics.intervals": (
        "MIN_LESIONS add_unknown_class concatenate count_lesions few_lesions select"
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a name that needs numpy or pandas from where it lives."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
