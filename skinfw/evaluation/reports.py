"""Let the reports of a recipe speak: all findings first, then all files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skinfw.errors import SkinfwError
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
            report.write(result, folder)
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
            report.evaluate(result, folder)


def _analyse(reports: Reports, result: Result) -> Result:
    findings: list[Findings] = []
    for component, report in reports:
        if isinstance(report, AnalysingReport):
            with component.guard():
                own = list(report.analyse(result))
                if other := [one for one in own if not isinstance(one, Findings)]:
                    raise SkinfwError(
                        f"{component.entry.label} found a {type(other[0]).__name__}, not Findings",
                        cure="return a list of skinfw.Findings(key, title, ...)",
                    )
            findings += own
    return replace(result, findings=findings)
