"""What watchers of a run could not do: noted and told, for their numbers would be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from skinfw.errors import SkinfwError, first_line
from skinfw.interfaces.values import Failure, Findings
from skinfw.recipe.component import PlannedComponent

KEY = "failures"
"""The key of the section that tells of them."""


class Failures:
    """Note what reports, explainers and trackers could not do, so that a run goes on without."""

    def __init__(self, restore: Callable[[], None] = lambda: None) -> None:
        """Begin with none.

        restore: puts right what a component may have broken before it failed.
        """
        self.noted: list[Failure] = []
        self.restore = restore

    @contextmanager
    def contain(self, component: PlannedComponent[Any]) -> Iterator[None]:
        """Note whatever goes wrong inside."""
        try:
            yield
        except Exception as error:
            self.note(component, error)

    def note(self, component: PlannedComponent[Any], error: Exception) -> None:
        """Note an error of a component."""
        label = component.entry.label
        if not isinstance(error, SkinfwError):  # of the device's memory, say
            text = first_line(error)
            where = component.origin.text
            error = SkinfwError(f"{label} failed: {type(error).__name__}: {text}", where)
        self.noted.append(Failure(label, error))
        self.restore()

    def record(self) -> list[dict[str, str]]:
        """Return them for run.json."""
        return [{"component": own.component, "error": str(own.error)} for own in self.noted]

    def findings(self) -> list[Findings]:
        """Return a section that tells of them; none where there are none."""
        if not self.noted:
            return []
        text = [
            "These parts of the recipe failed. The numbers of the run do not depend on them.",
            *(str(own.error).removeprefix("error: ") for own in self.noted),
        ]
        return [Findings(KEY, "What failed", text, data={"failures": self.record()})]
