"""Every check of every component of a plugin, one by one, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from skinfw.errors import AnswerError, RecipeError, SkinfwError, raising_line
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.guard import extra_cure
from skinfw.registry.catalog import Catalog, CatalogEntry
from skinfw.registry.discovery import Plugin, discover
from skinfw.registry.names import did_you_mean
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import Check, NotTried
from skinfw.testing.subjects import CommandSubject, PluginSubject

Status = Literal["passed", "failed", "expected failure", "unexpected pass", "not tried"]
Grade = Literal["full", "base", "none"]
Subject = PluginSubject | Candidate | CommandSubject


@dataclass(frozen=True)
class Outcome:
    """Hold what came of a check.

    status: "failed" and "unexpected pass" are what an author mends.
    message: what the component did, what was promised, and the line, or the reason.
    """

    status: Status
    message: str = ""


@dataclass(frozen=True)
class Case:
    """Hold one check of one component.

    subject: the component, the command, or the plugin's module.
    check: the check.
    siblings: all cases of the subject, by the names of their checks.
    """

    subject: Subject
    check: Check
    siblings: Mapping[str, Case] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        """Return the name of the case, such as "sampler:every-other: epochs differ"."""
        return f"{self.subject.kind_name}:{self.subject.name}: {self.check.name}"

    def run(self) -> Outcome:
        """Return what comes of it; it is tried once."""
        return self._outcome

    @cached_property
    def _outcome(self) -> Outcome:
        for need in self.check.needs:
            if need in self.siblings and self.siblings[need].run().status == "failed":
                return Outcome("not tried", f'it fails "{need}" already')
        reason = self.subject.expected_failures.get(self.check.name, "")
        try:
            self.check.run(self.subject)
        except NotTried as limit:
            return Outcome("not tried", str(limit))
        except Exception as error:
            if lacks := _absent_extra(self.subject, error):
                return Outcome("not tried", lacks)
            if reason:
                return Outcome("expected failure", reason)
            return Outcome("failed", _message(error))
        if reason:
            return Outcome("unexpected pass", f"it was expected to fail: {reason}")
        return Outcome("passed")


def _absent_extra(subject: Subject, error: Exception) -> str:
    """Say how to install the extra whose absence an error is about, "" where it is none."""
    cause = error.__cause__
    if not isinstance(subject, Candidate) or cause is None:
        return ""
    cure = extra_cure(subject.entry, cause)
    return f"its extra is not installed: {cure}" if cure else ""


def _message(error: Exception) -> str:
    """Say in one line what a component did, where, and what was promised."""
    if isinstance(error, AnswerError):
        return f"{error.came}; {error.expected}"
    if isinstance(error, SkinfwError):
        return "; ".join(text for text in (error.what, error.why) if text)
    return f"{type(error).__name__}: {error}; {raising_line(error)}"


def plugin_cases(
    plugin: str, examples: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Case]:
    """Return all cases of an installed plugin: of its module, its components and its commands.

    plugin: its name.
    examples: values with which components are tried instead of their own examples, by
        "kind:name", such as {"dataset:moles": {"root": folder}}.
    Raises SkinfwError where it cannot be used.
    """
    own, values = find_plugin(plugin), examples or {}
    entries = [entry for kind in KINDS for entry in Catalog([own]).offers(kind)]
    subjects: list[Subject] = [
        PluginSubject(own),
        *(Candidate(entry, values.get(_key(entry))) for entry in entries),
        *(CommandSubject(own, command) for command in own.commands),
    ]
    return [case for subject in subjects for case in subject_cases(subject)]


def _key(entry: CatalogEntry) -> str:
    return f"{entry.component.kind}:{entry.component.name}"


def subject_cases(subject: Subject) -> list[Case]:
    """Return all cases of a plugin's module, of a component or of a command."""
    from skinfw.testing.checks import CHECKS

    own = [check for check in CHECKS if subject.kind_name in check.kinds]
    names = [check.name for check in own]
    if unknown := sorted(set(subject.expected_failures) - set(names)):
        raise SkinfwError(
            f'{subject.label} expects to fail "{unknown[0]}"{did_you_mean(unknown[0], names)}',
            why="there is no such check",
            cure=f"a {subject.kind_name} has {', '.join(names)}",
        )
    siblings: dict[str, Case] = {}
    siblings |= {check.name: Case(subject, check, siblings) for check in own}
    return list(siblings.values())


def find_plugin(name: str) -> Plugin:
    """Return an installed plugin that works.

    name: its entry point's.
    """
    plugins = {plugin.name: plugin for plugin in discover()}
    if name not in plugins:
        raise RecipeError(
            f'no plugin is called "{name}"',
            cure=f"skinfw list-plugins shows what is installed{did_you_mean(name, plugins)}",
        )
    plugin = plugins[name]
    if plugin.status != "working":
        raise SkinfwError(
            f"plugin {plugin.label} is {plugin.status}", why=plugin.error, cure=plugin.cure
        )
    return plugin


def grade(outcomes: Iterable[tuple[Case, Outcome]]) -> Grade:
    """Return the grade of a component or a plugin.

    outcomes: of its cases.
    Returns "full" where nothing failed, "base" where only checks of level full did.
    """
    failures: Sequence[Case] = [
        case for case, own in outcomes if own.status in ("failed", "unexpected pass")
    ]
    if not failures:
        return "full"
    return "none" if any(case.check.level == "base" for case in failures) else "base"
