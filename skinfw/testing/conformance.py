"""The conformance kit as a pytest test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skinfw.testing.cases import Case, plugin_cases


def conformance(
    plugin: str, examples: Mapping[str, Mapping[str, Any]] | None = None
) -> Callable[[Case], None]:
    """Return a pytest test with one case for each component and check of a plugin.

    Write `test_conformance = conformance("acme")` in a file of tests. What a component declares
    in `expected_failures` is reported as such, and fails once it passes.

    plugin: the name of its entry point.
    examples: values with which components are tried instead of their own examples, by
        "kind:name", such as {"dataset:moles": {"root": folder}}.
    """
    import pytest

    @pytest.mark.parametrize("case", plugin_cases(plugin, examples), ids=str)
    def test_conformance(case: Case) -> None:
        outcome = case.run()
        if outcome.status == "not tried":
            pytest.skip(outcome.message)
        if outcome.status == "expected failure":
            pytest.xfail(outcome.message)
        if outcome.status != "passed":
            who = "" if outcome.message.startswith(case.subject.label) else case.subject.label
            pytest.fail(f"{who} {outcome.message}".lstrip(), pytrace=False)

    test: Callable[[Case], None] = test_conformance
    return test
