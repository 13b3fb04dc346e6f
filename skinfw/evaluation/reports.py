"""Let the reports of a recipe speak: all findings first, then all files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from skinfw.errors import AnswerError
from skinfw.guards.answers import check_list
from skinfw.interfaces.protocols import AnalysingReport, EvaluationReport, Report
from skinfw.interfaces.values import Findings, Result
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.loading import BEST_WEIGHTS
from skinfw.statistics.predictions import PREDICTION_FILES

RUN_FILES = (
    *PREDICTION_FILES.values(), "metrics.json", "intervals.json", "splits.csv", "run.json",
    BEST_WEIGHTS,
)  # fmt: skip
"""The files of a run folder that no report may touch."""

Reports = Sequence[tuple[PlannedComponent[Report], Report]]


def write_reports(reports: Reports, result: Result, folder: Path) -> Result:
    """Write about a run; return the result with all findings.

    reports: components and what they built, in the order of the recipe.
    folder: where the files go.
    """
    result = _analyse(reports, result)
    for component, report in reports:
        with component.guard(report.write), _keep_files(folder):
            report.write(private_result(result), folder)
    return result


@contextmanager
def _keep_files(folder: Path) -> Iterator[None]:
    """Refuse a report that writes into a file that is the run's own."""
    own = {file: file.stat() for file in map(folder.joinpath, RUN_FILES) if file.is_file()}
    yield
    for file, before in own.items():
        now = file.stat() if file.is_file() else None
        if now is None or (now.st_mtime_ns, now.st_size) != (before.st_mtime_ns, before.st_size):
            raise AnswerError(f"wrote {file.name}", "this file is the run's; a report has its own")


def write_evaluation_reports(reports: Reports, result: Result, folder: Path) -> None:
    """Write about images that were evaluated later, as far as reports know how to.

    reports, folder: as `write_reports` takes them.
    """
    able = [(component, report) for component, report in reports
            if isinstance(report, EvaluationReport)]  # fmt: skip
    result = _analyse(able, result)
    for component, report in able:
        with component.guard():
            report.evaluate(private_result(result), folder)


def private_result(result: Result) -> Result:
    """Return a result that one report may write into without telling the next one a lie.

    Its predictions are read-only; what could be changed is copied.
    """
    return replace(
        result,
        predictions={part: own.copy() for part, own in result.predictions.items()},
        history=deepcopy(result.history),
        metrics=deepcopy(result.metrics),
        intervals=deepcopy(result.intervals),
        record=deepcopy(result.record),
        evaluation=deepcopy(result.evaluation),
        rows={part: rows.copy() for part, rows in result.rows.items()},
    )


def _analyse(reports: Reports, result: Result) -> Result:
    findings: list[Findings] = []
    for component, report in reports:
        if isinstance(report, AnalysingReport):
            with component.guard(report.analyse):
                findings += check_list(report.analyse(private_result(result)), Findings)
    return replace(result, findings=findings)
