"""The conformance kit passes what is right, and catches what is wrong by the check meant for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import zoo
from support import PLUGIN, SAMPLER, Run, Site

from skinfw import Component
from skinfw.interfaces.kinds import KINDS
from skinfw.registry.catalog import CatalogEntry
from skinfw.registry.discovery import Plugin
from skinfw.testing import CHECKS, Case, grade
from skinfw.testing.candidate import Candidate
from skinfw.testing.cases import subject_cases

NEED_FILES = {"duplicates", "cache"}


def cases(kind: str, target: str, **words: Any) -> list[Case]:
    component = Component(kind, target.partition(":")[2], target, "In the zoo.", **words)
    plugin = Plugin("zoo", "zoo", "skinfw-zoo", "1.0", components=(component,))
    return subject_cases(Candidate(CatalogEntry(component, plugin)))


@pytest.mark.parametrize(("kind", "target"), zoo.RIGHT)
def test_what_is_right_passes(kind: str, target: str) -> None:
    outcomes = {case.check.name: case.run() for case in cases(kind, target)}
    assert {own.status for own in outcomes.values()} == {"passed"}, outcomes


@pytest.mark.parametrize(("kind", "target", "check"), zoo.WRONG)
def test_what_is_wrong_is_caught_by_its_check(kind: str, target: str, check: str) -> None:
    outcomes = {case.check.name: case.run() for case in cases(kind, target)}
    failures = {name: own.message for name, own in outcomes.items() if own.status == "failed"}
    assert check in failures
    assert set(failures) == {check}, failures


def test_what_needs_an_absent_extra_is_not_tried() -> None:
    (case, *_) = cases("track", "zoo.absent:Remote", extra="remote")
    done = case.run()
    assert done.status == "not tried" and "pip install 'skinfw-zoo[remote]'" in done.message


def test_the_zoo_has_every_kind() -> None:
    kinds = set(KINDS) - NEED_FILES
    assert {kind for kind, _ in zoo.RIGHT} == kinds == {kind for kind, *_ in zoo.WRONG}
    assert len(zoo.WRONG) >= 40
    assert len({target for _, target, _ in zoo.WRONG}) == len(zoo.WRONG)


def test_an_expected_failure_is_told_with_its_reason_and_must_fail() -> None:
    def outcome(name: str) -> Iterator[str]:
        for case in cases(
            "loss",
            f"zoo.learning:{name}",
            expected_failures={"right gradient": "the paper says so"},
        ):
            if case.check.name == "right gradient":
                done = case.run()
                yield done.status
                yield done.message

    assert list(outcome("DetachedLoss")) == ["expected failure", "the paper says so"]
    assert next(outcome("Plain")) == "unexpected pass"


def test_a_check_that_does_not_exist_cannot_be_expected_to_fail() -> None:
    with pytest.raises(Exception, match="did you mean") as caught:
        cases("loss", "zoo.learning:Plain", expected_failures={"right gradients": "of course"})
    assert "right gradient" in str(caught.value)


def test_the_grade_is_that_of_the_worst_failure() -> None:
    def graded(name: str) -> str:
        return grade((case, case.run()) for case in cases("loss", f"zoo.learning:{name}"))

    assert [graded(name) for name in ("Plain", "DeafLoss", "VectorLoss")] == [
        "full",
        "base",
        "none",
    ]


def test_every_check_says_what_it_asks() -> None:
    assert all(check.asks.endswith(".") and check.kinds for check in CHECKS)
    names = [(kind, check.name) for check in CHECKS for kind in check.kinds]
    assert len(names) == len(set(names))


def test_the_test_of_a_plugin_has_a_case_for_each_check(site: Site, skinfw: Run) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    done = skinfw("check-plugin", "acme", "--json")
    assert done.returncode == 0, done.stderr
    asked = {check.name for check in CHECKS if "sampler" in check.kinds}
    record = json.loads(done.stdout)
    assert {own["check"] for own in record["checks"] if own["kind"] == "sampler"} == asked
    assert record["grade"] == "full"


def test_a_failing_plugin_ends_with_one_and_names_the_line(site: Site, skinfw: Run) -> None:
    wrong = SAMPLER.replace("def draw(self, labels, context):", "def draw(self, labels, context):"
                            "\n            labels.sort()")  # fmt: skip
    site.install("acme", PLUGIN, acme_sampler=wrong)
    done = skinfw("check-plugin", "acme")
    assert done.returncode == 1
    assert "FAILED  leaves the labels (base): wrote into the labels" in done.stdout
    assert "acme: grade none" in done.stdout


def test_an_unknown_plugin_is_an_error_with_a_cure(skinfw: Run) -> None:
    done = skinfw("check-plugin", "losess")
    assert done.returncode == 2 and 'did you mean "losses"' in done.stderr
