"""Let the reports of a recipe speak: all findings first, then all files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from skinfw.errors import AnswerError, raise_all
from skinfw.evaluation.failures import KEY, Failures
from skinfw.guards.answers import check_list
from skinfw.interfaces.protocols import AnalysingReport, EvaluationReport, Report
from skinfw.interfaces.values import Findings, Result
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.loading import BEST_WEIGHTS, LOCK, REFIT_WEIGHTS
from skinfw.statistics.predictions import PREDICTION_FILES

RUN_FILES = (
    *PREDICTION_FILES.values(), "metrics.json", "intervals.json", "splits.csv", "run.json",
    LOCK, BEST_WEIGHTS, REFIT_WEIGHTS,
)  # fmt: skip
"""The files of a run folder that no report may touch."""

R = TypeVar("R")
Reports = Sequence[tuple[PlannedComponent[Report], Report]]


def write_reports(
    reports: Reports,
    result: Result,
    folder: Path,
    failures: Failures,
    unchanged: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Result:
    """Write about a run; return the result with all findings and failures.

    reports: components and what they built, in the order of the recipe.
    folder: where the files go.
    failures: where those are noted that fail; the others go on.
    unchanged: refuses whoever changes the network.
    """

    def write(component: PlannedComponent[Report], report: Report) -> bool:
        before = len(failures.noted)
        alone = unchanged(), _keep_files(folder)
        with failures.contain(component), component.guard(report.write), alone[0], alone[1]:
            report.write(private_result(result), folder)
        return len(failures.noted) == before

    able, result = _analyse(reports, result, failures, unchanged)
    known = len(failures.noted)
    wrote = [own for own in able if write(*own)]
    if len(failures.noted) > known:  # the page, say, must tell of those who failed after it
        result = _with_failures(result, failures)
        for own in wrote:
            write(*own)
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
    Raises what reports could not do, once all others have written.
    """
    failures = Failures()
    able: list[tuple[PlannedComponent[Any], Any]] = [
        own for own in reports if isinstance(own[1], EvaluationReport)
    ]
    analysed, result = _analyse(able, result, failures, nullcontext)
    for component, report in analysed:
        with failures.contain(component), component.guard():
            report.evaluate(private_result(result), folder)
    raise_all([own.error for own in failures.noted])


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


def _analyse(
    reports: Sequence[tuple[PlannedComponent[R], R]],
    result: Result,
    failures: Failures,
    unchanged: Callable[[], AbstractContextManager[None]],
) -> tuple[list[tuple[PlannedComponent[R], R]], Result]:
    """Let reports work out their findings; return those that could, and the result with all."""
    findings = list(result.findings)  # of explainers
    able = []
    for component, report in reports:
        before = len(failures.noted)
        with failures.contain(component), component.guard(getattr(report, "analyse", None)):
            if isinstance(report, AnalysingReport):
                with unchanged():
                    findings += check_list(report.analyse(private_result(result)), Findings)
        if len(failures.noted) == before:
            able.append((component, report))
    return able, _with_failures(replace(result, findings=findings), failures)


def _with_failures(result: Result, failures: Failures) -> Result:
    """Return a result that tells of what failed, in a section of its own, too."""
    others = [own for own in result.findings if own.key != KEY]
    return replace(result, findings=[*others, *failures.findings()], failures=list(failures.noted))
