"""What authors of commands, and of components that reach deeper, may import beside `skinfw`.

Each name is imported when it is asked for, so that a command costs no more than what it uses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skinfw.cli.counter import Counter as Counter
    from skinfw.cli.durations import duration as duration
    from skinfw.cli.launcher import chosen_launcher as chosen_launcher
    from skinfw.cli.launcher import launcher_options as launcher_options
    from skinfw.cli.options import Detail as Detail
    from skinfw.cli.options import detail_options as detail_options
    from skinfw.cli.options import network_option as network_option
    from skinfw.cli.options import recipe_options as recipe_options
    from skinfw.cli.options import set_option as set_option
    from skinfw.cli.options import trust_option as trust_option
    from skinfw.cli.progress import LIVE_SECONDS as LIVE_SECONDS
    from skinfw.cli.progress import PLAIN_SECONDS as PLAIN_SECONDS
    from skinfw.cli.progress import StatusLine as StatusLine
    from skinfw.cli.run import run_to_exit as run_to_exit
    from skinfw.cli.run import run_with_progress as run_with_progress
    from skinfw.cli.series import refuse_processes as refuse_processes
    from skinfw.cli.series import run_series as run_series
    from skinfw.cli.summary import test_lines as test_lines
    from skinfw.cli.terminal import LINES as LINES
    from skinfw.cli.terminal import echo as echo
    from skinfw.data.decoding import DECODER as DECODER
    from skinfw.data.decoding import LIMITS as LIMITS
    from skinfw.data.decoding import Decoding as Decoding
    from skinfw.data.decoding import UnreadableError as UnreadableError
    from skinfw.data.decoding import decode as decode
    from skinfw.data.decoding import file_size as file_size
    from skinfw.data.decoding import open_image as open_image
    from skinfw.data.decoding import read_file as read_file
    from skinfw.data.decoding import read_image as read_image
    from skinfw.data.decoding import reduction as reduction
    from skinfw.data.diagnoses import FINER as FINER
    from skinfw.data.diagnoses import Alignment as Alignment
    from skinfw.data.diagnoses import align as align
    from skinfw.data.diagnoses import alternatives as alternatives
    from skinfw.data.diagnoses import diagnoses as diagnoses
    from skinfw.data.leakage.links import COPIES as COPIES
    from skinfw.data.leakage.links import EVIDENCE as EVIDENCE
    from skinfw.data.leakage.links import archive_names as archive_names
    from skinfw.data.leakage.links import bare_ids as bare_ids
    from skinfw.data.leakage.links import concatenate_links as concatenate_links
    from skinfw.data.leakage.links import connected_components as connected_components
    from skinfw.data.leakage.links import links_from_table as links_from_table
    from skinfw.data.leakage.links import reader_names as reader_names
    from skinfw.data.leakage.links import shares_learned as shares_learned
    from skinfw.data.leakage.links import shares_name as shares_name
    from skinfw.data.loader import Chain as Chain
    from skinfw.data.loader import Source as Source
    from skinfw.data.masks import mask_file_function as mask_file_function
    from skinfw.data.masks import mask_function as mask_function
    from skinfw.data.metadata import encode_metadata as encode_metadata
    from skinfw.data.metadata import known_word as known_word
    from skinfw.data.metadata import modalities_from_record as modalities_from_record
    from skinfw.data.preparation import make_view as make_view
    from skinfw.data.preparation import recipe_decoding as recipe_decoding
    from skinfw.data.structure.bounds import Limits as Limits
    from skinfw.data.table import check_picture_columns as check_picture_columns
    from skinfw.data.table import checked_data as checked_data
    from skinfw.data.table import class_counts as class_counts
    from skinfw.data.table import decoded_images as decoded_images
    from skinfw.data.table import image_function as image_function
    from skinfw.data.table import kept_part as kept_part
    from skinfw.data.table import load_data as load_data
    from skinfw.data.table import picture_paths as picture_paths
    from skinfw.data.table import read_data_table as read_data_table
    from skinfw.data.table import recorded_data as recorded_data
    from skinfw.data.table import split_data as split_data
    from skinfw.data.table import split_hash as split_hash
    from skinfw.data.teacher_table import TeacherTable as TeacherTable
    from skinfw.data.teacher_table import write_teacher_table as write_teacher_table
    from skinfw.data.warping import apply_steps as apply_steps
    from skinfw.data.warping import fold_steps as fold_steps
    from skinfw.data.warping import render_views as render_views
    from skinfw.errors import REPORT_FAILED as REPORT_FAILED
    from skinfw.errors import RecipeErrors as RecipeErrors
    from skinfw.errors import place_order as place_order
    from skinfw.errors import printable as printable
    from skinfw.errors import raise_all as raise_all
    from skinfw.errors import unwritable as unwritable
    from skinfw.evaluation.choices import choice_findings as choice_findings
    from skinfw.evaluation.choices import explainers_by_name as explainers_by_name
    from skinfw.evaluation.combination import Combination as Combination
    from skinfw.evaluation.combination import CombinationMethod as CombinationMethod
    from skinfw.evaluation.explain import choose_images as choose_images
    from skinfw.evaluation.failures import Failures as Failures
    from skinfw.evaluation.numbers import Metrics as Metrics
    from skinfw.evaluation.numbers import applicable_metrics as applicable_metrics
    from skinfw.evaluation.numbers import compute_intervals as compute_intervals
    from skinfw.evaluation.numbers import compute_metrics as compute_metrics
    from skinfw.evaluation.numbers import selectable_names as selectable_names
    from skinfw.evaluation.numbers import trial_predictions as trial_predictions
    from skinfw.evaluation.overlays import overlay as overlay
    from skinfw.evaluation.reports import private_result as private_result
    from skinfw.evaluation.reports import write_evaluation_reports as write_evaluation_reports
    from skinfw.evaluation.reports import write_reports as write_reports
    from skinfw.files.archives import check_archive as check_archive
    from skinfw.files.atomic import plain_json as plain_json
    from skinfw.files.checksums import file_digest as file_digest
    from skinfw.files.csv_tables import csv_rows as csv_rows
    from skinfw.files.extras import import_extra as import_extra
    from skinfw.files.json_files import JsonError as JsonError
    from skinfw.files.json_files import check_schema as check_schema
    from skinfw.files.json_files import json_number as json_number
    from skinfw.files.json_files import parse_json as parse_json
    from skinfw.files.json_files import read_json as read_json
    from skinfw.files.json_files import read_record as read_record
    from skinfw.files.lock import HeldLockError as HeldLockError
    from skinfw.files.lock import lock_folder as lock_folder
    from skinfw.files.numbers import amount as amount
    from skinfw.files.numbers import number_cell as number_cell
    from skinfw.files.numbers import whole_percent as whole_percent
    from skinfw.files.pages import Definition as Definition
    from skinfw.files.pages import number_definitions as number_definitions
    from skinfw.files.paths import display_path as display_path
    from skinfw.files.paths import file_name as file_name
    from skinfw.files.paths import new_folder as new_folder
    from skinfw.files.remote import ServerError as ServerError
    from skinfw.files.sources import joined_path as joined_path
    from skinfw.files.sources import piece_name as piece_name
    from skinfw.files.sources import source_path as source_path
    from skinfw.files.stores import Store as Store
    from skinfw.files.stores import seal as seal
    from skinfw.files.urls import is_url as is_url
    from skinfw.guards.names import id_fault as id_fault
    from skinfw.inference.cases import ListedImage as ListedImage
    from skinfw.inference.cases import given_columns as given_columns
    from skinfw.inference.cases import make_cases as make_cases
    from skinfw.inference.cases import unseen_words as unseen_words
    from skinfw.inference.labelled_rows import other_rows as other_rows
    from skinfw.inference.labelled_rows import own_rows as own_rows
    from skinfw.inference.labelled_rows import read_rows as read_rows
    from skinfw.inference.labelled_rows import refuse_classes as refuse_classes
    from skinfw.inference.labelled_rows import shared_with as shared_with
    from skinfw.inference.labelled_rows import unknown_rows as unknown_rows
    from skinfw.inference.labelled_rows import with_modalities as with_modalities
    from skinfw.inference.listed_images import find_images as find_images
    from skinfw.inference.listed_images import find_listed_images as find_listed_images
    from skinfw.inference.listed_images import image_ids as image_ids
    from skinfw.inference.maps import check_explainer as check_explainer
    from skinfw.inference.maps import class_maps as class_maps
    from skinfw.inference.maps import named_explainer as named_explainer
    from skinfw.inference.maps import predicted_class_maps as predicted_class_maps
    from skinfw.inference.maps import run_explainers as run_explainers
    from skinfw.inference.model_evaluator import ModelEvaluator as ModelEvaluator
    from skinfw.inference.prediction import Case as Case
    from skinfw.inference.prediction import CasePreparation as CasePreparation
    from skinfw.inference.prediction import Outcome as Outcome
    from skinfw.inference.prediction import Predictor as Predictor
    from skinfw.inference.prediction import PreparedCase as PreparedCase
    from skinfw.inference.prediction import answer_prepared as answer_prepared
    from skinfw.inference.prediction import predict_images as predict_images
    from skinfw.inference.result_network import with_network as with_network
    from skinfw.inference.torch_model import TorchPredictor as TorchPredictor
    from skinfw.inference.torch_model import load_network as load_network
    from skinfw.inference.trained_model import BATCH as BATCH
    from skinfw.inference.trained_model import MEMBERS as MEMBERS
    from skinfw.inference.trained_model import TrainedModel as TrainedModel
    from skinfw.inference.trained_model import load_trained_model as load_trained_model
    from skinfw.interfaces.calibration import combine as combine
    from skinfw.interfaces.hooks import CORE_COMMANDS as CORE_COMMANDS
    from skinfw.interfaces.kinds import KINDS as KINDS
    from skinfw.interfaces.kinds import RECIPE_KINDS as RECIPE_KINDS
    from skinfw.interfaces.kinds import Kind as Kind
    from skinfw.interfaces.notices import NETWORK_LIMITS as NETWORK_LIMITS
    from skinfw.interfaces.notices import NOTICE as NOTICE
    from skinfw.interfaces.protocols import ComparisonReport as ComparisonReport
    from skinfw.interfaces.protocols import FindingsReport as FindingsReport
    from skinfw.interfaces.protocols import ValidationReport as ValidationReport
    from skinfw.models.features import NoFeaturesError as NoFeaturesError
    from skinfw.recipe.component import PlannedComponent as PlannedComponent
    from skinfw.recipe.component import build_components as build_components
    from skinfw.recipe.component import check_variant as check_variant
    from skinfw.recipe.component import import_signature as import_signature
    from skinfw.recipe.component import import_target as import_target
    from skinfw.recipe.component import plan_component as plan_component
    from skinfw.recipe.component import variants as variants
    from skinfw.recipe.loading import BEST_WEIGHTS as BEST_WEIGHTS
    from skinfw.recipe.loading import DEFAULTS as DEFAULTS
    from skinfw.recipe.loading import LOCK as LOCK
    from skinfw.recipe.loading import REFIT_WEIGHTS as REFIT_WEIGHTS
    from skinfw.recipe.loading import Recipe as Recipe
    from skinfw.recipe.loading import changed_recipe as changed_recipe
    from skinfw.recipe.loading import load_recipe as load_recipe
    from skinfw.recipe.merging import data_sources as data_sources
    from skinfw.recipe.merging import dataset_name as dataset_name
    from skinfw.recipe.named_component import named_component as named_component
    from skinfw.recipe.parameters import Parameters as Parameters
    from skinfw.recipe.parameters import describe as describe
    from skinfw.recipe.parameters import parameters as parameters
    from skinfw.recipe.places import Origin as Origin
    from skinfw.recipe.plan import DataPlan as DataPlan
    from skinfw.recipe.plan import Plan as Plan
    from skinfw.recipe.plan import load_data_plan as load_data_plan
    from skinfw.recipe.plan import load_plan as load_plan
    from skinfw.recipe.plan import make_plan as make_plan
    from skinfw.recipe.plan import plan_image as plan_image
    from skinfw.recipe.plan import plan_kind as plan_kind
    from skinfw.recipe.recipe_file import read_recipe_file as read_recipe_file
    from skinfw.recipe.run_record import CalibrationSchema as CalibrationSchema
    from skinfw.recipe.run_record import ClassNames as ClassNames
    from skinfw.recipe.run_record import RecordedRecipe as RecordedRecipe
    from skinfw.recipe.run_record import Schema as Schema
    from skinfw.recipe.run_record import check_calibration as check_calibration
    from skinfw.recipe.run_record import read_run as read_run
    from skinfw.recipe.set_options import refuse_unread_sets as refuse_unread_sets
    from skinfw.recipe.set_options import set_table as set_table
    from skinfw.recipe.settings import KEYS as KEYS
    from skinfw.recipe.settings import LISTED_KEYS as LISTED_KEYS
    from skinfw.recipe.settings import REFIT_PARTS as REFIT_PARTS
    from skinfw.recipe.settings import SETTINGS as SETTINGS
    from skinfw.recipe.settings import EngineSettings as EngineSettings
    from skinfw.recipe.settings import ImageSettings as ImageSettings
    from skinfw.recipe.settings import TopLevel as TopLevel
    from skinfw.recipe.toml import as_toml as as_toml
    from skinfw.recipe.toml import table_header as table_header
    from skinfw.recipe.toml import table_text as table_text
    from skinfw.registry.catalog import Catalog as Catalog
    from skinfw.registry.catalog import CatalogEntry as CatalogEntry
    from skinfw.registry.discovery import Plugin as Plugin
    from skinfw.registry.discovery import discover as discover
    from skinfw.registry.distributions import extra_packages as extra_packages
    from skinfw.registry.distributions import is_editable as is_editable
    from skinfw.registry.known_packages import is_first as is_first
    from skinfw.registry.known_packages import known_packages as known_packages
    from skinfw.registry.names import did_you_mean as did_you_mean
    from skinfw.registry.names import nearest as nearest
    from skinfw.registry.trust import TrustError as TrustError
    from skinfw.runtime.device import choose_hardware as choose_hardware
    from skinfw.runtime.prefetch import prefetch as prefetch
    from skinfw.runtime.prefetch import reading_threads as reading_threads
    from skinfw.runtime.prefetch import usable_cores as usable_cores
    from skinfw.runtime.seed import stream as stream
    from skinfw.runtime.signals import exit_code as exit_code
    from skinfw.runtime.signals import stop_signals as stop_signals
    from skinfw.runtime.storage import cache_folder as cache_folder
    from skinfw.runtime.tensor_files import load_safetensors as load_safetensors
    from skinfw.runtime.tensor_files import load_tensors as load_tensors
    from skinfw.statistics.confidence import INTERVAL_METHODS as INTERVAL_METHODS
    from skinfw.statistics.confidence import composed_numbers as composed_numbers
    from skinfw.statistics.confidence import difference_intervals as difference_intervals
    from skinfw.statistics.confidence import intervals_record as intervals_record
    from skinfw.statistics.intervals import REPLICATES as REPLICATES
    from skinfw.statistics.intervals import Sample as Sample
    from skinfw.statistics.intervals import blocks as blocks
    from skinfw.statistics.intervals import group_lesions as group_lesions
    from skinfw.statistics.intervals import natural_range as natural_range
    from skinfw.statistics.intervals import range_of_difference as range_of_difference
    from skinfw.statistics.intervals import resample as resample
    from skinfw.statistics.intervals import sample_numbers as sample_numbers
    from skinfw.statistics.predictions import PREDICTION_FILES as PREDICTION_FILES
    from skinfw.statistics.predictions import probability as probability
    from skinfw.statistics.predictions import read_history as read_history
    from skinfw.statistics.predictions import run_predictions as run_predictions
    from skinfw.statistics.predictions import write_predictions as write_predictions
    from skinfw.statistics.seeds import combine_seeds as combine_seeds
    from skinfw.statistics.seeds import resample_together as resample_together
    from skinfw.statistics.seeds import seed_numbers as seed_numbers
    from skinfw.statistics.seeds import shared_lesions as shared_lesions
    from skinfw.training.checkpoint import STATES as STATES
    from skinfw.training.checkpoint import load_state as load_state
    from skinfw.training.checkpoint import save_weights as save_weights
    from skinfw.training.trainer import best_epoch as best_epoch
    from skinfw.workflows.launch import last_error as last_error
    from skinfw.workflows.launch import last_line as last_line
    from skinfw.workflows.launch import launch_tasks as launch_tasks
    from skinfw.workflows.launch import run_task as run_task
    from skinfw.workflows.lock import RECORD_KEYS as RECORD_KEYS
    from skinfw.workflows.lock import data_record as data_record
    from skinfw.workflows.lock import read_lock as read_lock
    from skinfw.workflows.lock_differences import data_differences as data_differences
    from skinfw.workflows.lock_differences import lock_differences as lock_differences
    from skinfw.workflows.refit import open_refit as open_refit
    from skinfw.workflows.run import execute_run as execute_run
    from skinfw.workflows.run import trust_own_files as trust_own_files
    from skinfw.workflows.run_folder import RunFolder as RunFolder
    from skinfw.workflows.run_folder import record_digest as record_digest
    from skinfw.workflows.run_folder import written_files as written_files
    from skinfw.workflows.seeds import measure_seeds as measure_seeds
    from skinfw.workflows.seeds import read_trainings as read_trainings
    from skinfw.workflows.series import FOLDS as FOLDS
    from skinfw.workflows.series import SEEDS as SEEDS
    from skinfw.workflows.series import RunSeries as RunSeries
    from skinfw.workflows.series import create_series as create_series
    from skinfw.workflows.series import open_series as open_series

_HOMES = {
    "skinfw.cli.counter": "Counter",
    "skinfw.cli.durations": "duration",
    "skinfw.cli.launcher": "chosen_launcher launcher_options",
    "skinfw.cli.options": (
        "Detail detail_options network_option recipe_options set_option trust_option"
    ),
    "skinfw.cli.progress": "LIVE_SECONDS PLAIN_SECONDS StatusLine",
    "skinfw.cli.run": "run_to_exit run_with_progress",
    "skinfw.cli.series": "refuse_processes run_series",
    "skinfw.cli.summary": "test_lines",
    "skinfw.cli.terminal": "LINES echo",
    "skinfw.data.decoding": (
        "DECODER LIMITS Decoding UnreadableError decode file_size open_image read_file read_image "
        "reduction"
    ),
    "skinfw.data.diagnoses": "FINER Alignment align alternatives diagnoses",
    "skinfw.data.leakage.links": (
        "COPIES EVIDENCE archive_names bare_ids concatenate_links connected_components "
        "links_from_table reader_names shares_learned shares_name"
    ),
    "skinfw.data.loader": "Chain Source",
    "skinfw.data.masks": "mask_file_function mask_function",
    "skinfw.data.metadata": "encode_metadata known_word modalities_from_record",
    "skinfw.data.preparation": "make_view recipe_decoding",
    "skinfw.data.structure.bounds": "Limits",
    "skinfw.data.table": (
        "check_picture_columns checked_data class_counts decoded_images image_function kept_part "
        "load_data picture_paths read_data_table recorded_data split_data split_hash"
    ),
    "skinfw.data.teacher_table": "TeacherTable write_teacher_table",
    "skinfw.data.warping": "apply_steps fold_steps render_views",
    "skinfw.errors": "REPORT_FAILED RecipeErrors place_order printable raise_all unwritable",
    "skinfw.evaluation.choices": "choice_findings explainers_by_name",
    "skinfw.evaluation.combination": "Combination CombinationMethod",
    "skinfw.evaluation.explain": "choose_images",
    "skinfw.evaluation.failures": "Failures",
    "skinfw.evaluation.numbers": (
        "Metrics applicable_metrics compute_intervals compute_metrics selectable_names "
        "trial_predictions"
    ),
    "skinfw.evaluation.overlays": "overlay",
    "skinfw.evaluation.reports": "private_result write_evaluation_reports write_reports",
    "skinfw.files.archives": "check_archive",
    "skinfw.files.atomic": "plain_json",
    "skinfw.files.checksums": "file_digest",
    "skinfw.files.csv_tables": "csv_rows",
    "skinfw.files.extras": "import_extra",
    "skinfw.files.json_files": (
        "JsonError check_schema json_number parse_json read_json read_record"
    ),
    "skinfw.files.lock": "HeldLockError lock_folder",
    "skinfw.files.numbers": "amount number_cell whole_percent",
    "skinfw.files.pages": "Definition number_definitions",
    "skinfw.files.paths": "display_path file_name new_folder",
    "skinfw.files.remote": "ServerError",
    "skinfw.files.sources": "joined_path piece_name source_path",
    "skinfw.files.urls": "is_url",
    "skinfw.files.stores": "Store seal",
    "skinfw.guards.names": "id_fault",
    "skinfw.inference.labelled_rows": (
        "other_rows own_rows read_rows refuse_classes shared_with unknown_rows with_modalities"
    ),
    "skinfw.inference.cases": "ListedImage given_columns make_cases unseen_words",
    "skinfw.inference.listed_images": "find_images find_listed_images image_ids",
    "skinfw.inference.maps": (
        "check_explainer class_maps named_explainer predicted_class_maps run_explainers"
    ),
    "skinfw.inference.model_evaluator": "ModelEvaluator",
    "skinfw.inference.prediction": (
        "Case CasePreparation Outcome Predictor PreparedCase answer_prepared predict_images"
    ),
    "skinfw.inference.result_network": "with_network",
    "skinfw.inference.torch_model": "TorchPredictor load_network",
    "skinfw.inference.trained_model": "BATCH MEMBERS TrainedModel load_trained_model",
    "skinfw.interfaces.calibration": "combine",
    "skinfw.interfaces.hooks": "CORE_COMMANDS",
    "skinfw.interfaces.kinds": "KINDS RECIPE_KINDS Kind",
    "skinfw.interfaces.protocols": "ComparisonReport FindingsReport ValidationReport",
    "skinfw.interfaces.notices": "NETWORK_LIMITS NOTICE",
    "skinfw.models.features": "NoFeaturesError",
    "skinfw.recipe.component": (
        "PlannedComponent build_components check_variant import_signature import_target "
        "plan_component variants"
    ),
    "skinfw.recipe.loading": (
        "BEST_WEIGHTS DEFAULTS LOCK REFIT_WEIGHTS Recipe changed_recipe load_recipe"
    ),
    "skinfw.recipe.merging": "data_sources dataset_name",
    "skinfw.recipe.places": "Origin",
    "skinfw.recipe.recipe_file": "read_recipe_file",
    "skinfw.recipe.set_options": "refuse_unread_sets set_table",
    "skinfw.recipe.parameters": "Parameters describe parameters",
    "skinfw.recipe.named_component": "named_component",
    "skinfw.recipe.plan": "DataPlan Plan load_data_plan load_plan make_plan plan_image plan_kind",
    "skinfw.recipe.run_record": (
        "CalibrationSchema ClassNames RecordedRecipe Schema check_calibration read_run"
    ),
    "skinfw.recipe.settings": (
        "KEYS LISTED_KEYS REFIT_PARTS SETTINGS EngineSettings ImageSettings TopLevel"
    ),
    "skinfw.recipe.toml": "as_toml table_header table_text",
    "skinfw.registry.catalog": "Catalog CatalogEntry",
    "skinfw.registry.discovery": "Plugin discover",
    "skinfw.registry.distributions": "extra_packages is_editable",
    "skinfw.registry.known_packages": "is_first known_packages",
    "skinfw.registry.names": "did_you_mean nearest",
    "skinfw.registry.trust": "TrustError",
    "skinfw.runtime.device": "choose_hardware",
    "skinfw.runtime.prefetch": "prefetch reading_threads usable_cores",
    "skinfw.runtime.seed": "stream",
    "skinfw.runtime.signals": "exit_code stop_signals",
    "skinfw.runtime.storage": "cache_folder",
    "skinfw.runtime.tensor_files": "load_safetensors load_tensors",
    "skinfw.statistics.confidence": (
        "INTERVAL_METHODS composed_numbers difference_intervals intervals_record"
    ),
    "skinfw.statistics.intervals": (
        "REPLICATES Sample blocks group_lesions natural_range range_of_difference resample "
        "sample_numbers"
    ),
    "skinfw.statistics.predictions": (
        "PREDICTION_FILES probability read_history run_predictions write_predictions"
    ),
    "skinfw.statistics.seeds": "combine_seeds resample_together seed_numbers shared_lesions",
    "skinfw.training.checkpoint": "STATES load_state save_weights",
    "skinfw.training.trainer": "best_epoch",
    "skinfw.workflows.launch": "last_error last_line launch_tasks run_task",
    "skinfw.workflows.lock": "RECORD_KEYS data_record read_lock",
    "skinfw.workflows.lock_differences": "data_differences lock_differences",
    "skinfw.workflows.refit": "open_refit",
    "skinfw.workflows.run": "execute_run trust_own_files",
    "skinfw.workflows.run_folder": "RunFolder record_digest written_files",
    "skinfw.workflows.seeds": "measure_seeds read_trainings",
    "skinfw.workflows.series": "FOLDS SEEDS RunSeries create_series open_series",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a name from where it lives."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
