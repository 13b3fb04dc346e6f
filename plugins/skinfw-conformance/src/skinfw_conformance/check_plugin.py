"""`skinfw check-plugin`: whether a plugin keeps the promises of its kinds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import LINES, echo, printable

if TYPE_CHECKING:
    from skinfw.testing import Case, Outcome

_MARKS = {
    "passed": "ok",
    "failed": "FAILED",
    "expected failure": "expected failure",
    "unexpected pass": "UNEXPECTED PASS",
    "not tried": "not tried",
}
_COLOURS = {"failed": "red", "unexpected pass": "red", "passed": "green"}


@click.command()
@click.argument("plugin")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--all", "shows_all", is_flag=True, help="Also show the checks that passed.")
def check_plugin(plugin: str, as_json: bool, shows_all: bool) -> None:
    """Check what the components of an installed plugin promise.

    The checks are those of `skinfw.testing.conformance`. The grade is "full" where all pass,
    "base" where the host can run it and users cannot rely on it, else "none". The exit code is 1
    where a check failed.
    """
    from skinfw.testing import grade, plugin_cases

    outcomes = [(case, case.run()) for case in plugin_cases(plugin)]
    if as_json:
        click.echo(json.dumps(_record(plugin, outcomes), indent=1))
    else:
        for line in _lines(outcomes, shows_all):
            click.echo(line)
        colour = {"full": "green", "base": "yellow", "none": "red"}[grade(outcomes)]
        echo(f"{plugin}: grade {grade(outcomes)}", fg=colour, bold=True)
    if grade(outcomes) != "full":
        raise click.exceptions.Exit(1)


def _by_subject(
    outcomes: list[tuple[Case, Outcome]],
) -> dict[str, list[tuple[Case, Outcome]]]:
    """Return the outcomes of each component, in order."""
    groups: dict[str, list[tuple[Case, Outcome]]] = {}
    for case, outcome in outcomes:
        key = f"{case.subject.kind_name} {case.subject.name}"
        groups.setdefault(key, []).append((case, outcome))
    return groups


def _lines(outcomes: list[tuple[Case, Outcome]], shows_all: bool) -> list[str]:
    """Return a line for each component, and below it one for each check that did not just pass."""
    from skinfw.testing import grade

    lines = []
    width = max(map(len, _by_subject(outcomes)), default=0)
    for subject, own in _by_subject(outcomes).items():
        done = sum(outcome.status == "passed" for _, outcome in own)
        lines.append(f"{subject:{width}}  {grade(own):5} {done} of {len(own)} checks passed")
        for case, outcome in own:
            if shows_all or outcome.status != "passed":
                mark = click.style(_MARKS[outcome.status], fg=_COLOURS.get(outcome.status))
                text = outcome.message or case.check.asks
                said = f"{case.check.name} ({case.check.level}): {text}"
                lines.append(f"    {mark}  {printable(said, LINES)}")
    return lines


def _record(plugin: str, outcomes: list[tuple[Case, Outcome]]) -> dict[str, object]:
    """Return everything for JSON."""
    from skinfw.testing import grade

    return {
        "plugin": plugin,
        "grade": grade(outcomes),
        "checks": [
            {
                "kind": case.subject.kind_name,
                "component": case.subject.name,
                "check": case.check.name,
                "level": case.check.level,
                "status": outcome.status,
                "message": outcome.message,
            }
            for case, outcome in outcomes
        ],
    }
