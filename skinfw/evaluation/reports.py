"""Let the reports of a recipe speak: all findings first, then all files."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from skinfw.guards.answers import check_list
from skinfw.interfaces.protocols import AnalysingReport, EvaluationReport, Report
from skinfw.interfaces.values import Findings, Result
from skinfw.recipe.component import PlannedComponent

Reports = Sequence[tuple[PlannedComponent[Report], Report]]


def write_reports(reports: Reports, result: Result, folder: Path) -> Result:
    """Write about a run; return the result with all findings.

    reports: components and what they built, in the order of the recipe.
    folder: where the files go.
    """
    result = _analyse(reports, result)
    for component, report in reports:
        with component.guard():
            report.write(private_result(result), folder)
    return result


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
