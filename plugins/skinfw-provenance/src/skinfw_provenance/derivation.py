"""Let the reports of a run write once more, each into a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from skinfw import AnalysingReport, Explanations, Findings, Result, SkinfwError, write_json
from skinfw.toolkit import (
    PREDICTION_FILES,
    PlannedComponent,
    build_components,
    intervals_record,
    private_result,
    write_predictions,
)
from skinfw_provenance.rebuild import RunContents
from skinfw_provenance.verification import Verification

Reports = Sequence[tuple[PlannedComponent[Any], Any]]


class _Watched(list[Explanations]):
    """Tell whether somebody has looked at the explanations."""

    seen = False

    def __iter__(self) -> Iterator[Explanations]:
        self.seen = True
        return super().__iter__()


@dataclass(frozen=True)
class Derivation:
    """Hold what was derived again.

    files: the derived files, by their names in the run.
    reported: the files that are from a report and not the run's own.
    explained: of these, files of reports that looked at explained images, which are blank here.
    result: what the reports were told, with the findings of those that could be asked.
    silent: reports that could not, such as those that need the data.
    """

    files: dict[str, Path]
    reported: set[str]
    explained: set[str]
    result: Result
    silent: list[str] = field(default_factory=list)


def derive(contents: RunContents, folder: Path, found: Verification) -> Derivation:
    """Write the files of a run again from its predictions.

    contents: the run.
    folder: an empty one.
    found: told which reports could not be asked.
    """
    result, own = contents.result, folder / "run"
    own.mkdir()
    for part, predictions in result.predictions.items():
        write_predictions(own / PREDICTION_FILES[part], predictions)
    write_json(own / "metrics.json", result.metrics)
    if result.replicates:
        record = intervals_record(result.predictions, result.intervals, result.replicates)
        write_json(own / "intervals.json", record)
    reports, silent = _reports(contents, found)
    findings, silent = _findings(reports, result, found, silent)
    told = replace(result, findings=findings)
    files = {file.name: file for file in own.iterdir()}
    reported: set[str] = set()
    explained: set[str] = set()
    for place, (component, report) in enumerate(reports):
        if component.use in silent:
            continue
        target = folder / str(place)
        target.mkdir()
        try:
            with component.guard(report.write):
                looked = _Watched(told.explanations)
                report.write(replace(private_result(told), explanations=looked), target)
        except SkinfwError as error:
            silent.append(component.use)
            found.leave(f'the report "{component.use}"', error.what)
            continue
        for file in target.rglob("*"):
            if file.is_file():
                name = file.relative_to(target).as_posix()
                files[name] = file
                reported.add(name)
                explained |= {name} if looked.seen else set()
    return Derivation(files, reported, explained, told, silent)


def _reports(contents: RunContents, found: Verification) -> tuple[Reports, list[str]]:
    """Return the reports that can be built here, and the names of the others."""
    reports: list[Any] = []
    silent: list[str] = []
    if contents.record.get("failures"):
        silent.append("failures")
        found.leave("what failed in the run", "only run.json tells of it")
    tables = contents.record["recipe"].get("report", [])
    for table in tables:
        alone = replace(contents.model, tables={**contents.model.tables, "report": [table]})
        try:
            reports += build_components(alone.components("report"), contents.model.classes)
        except SkinfwError as error:
            silent.append(str(table.get("use")))
            found.leave(f'the report "{table.get("use")}"', error.what)
    return reports, silent


def _findings(
    reports: Reports, result: Result, found: Verification, silent: list[str]
) -> tuple[list[Findings], list[str]]:
    """Ask each report what it finds; who asks for what is not at hand stays silent."""
    findings = list(result.findings)
    for component, report in reports:
        if not isinstance(report, AnalysingReport):
            continue
        try:
            with component.guard(report.analyse):
                findings += report.analyse(private_result(result))
        except SkinfwError as error:
            silent.append(component.use)
            found.leave(f'the report "{component.use}"', error.what)
    return findings, silent
