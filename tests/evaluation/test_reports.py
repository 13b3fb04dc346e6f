"""Reports find first and write later, so that their order in a recipe does not matter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPORTS = '''
from skinfw import Findings

class Finds:
    """Find moles."""

    def analyse(self, result):
        return [Findings("moles", "Moles", ["There are some."])]

    def write(self, result, folder):
        pass

class Sees:
    """Write which sections there are."""

    def write(self, result, folder):
        keys = " ".join(own.key for own in result.findings)
        (folder / "seen.txt").write_text(f"{keys}; {result.section('moles').text[0]}")

class Errs:
    """Find no findings."""

    def analyse(self, result):
        return [{"moles": 3}]

    def write(self, result, folder):
        pass
'''


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(REPORTS)


def using(*names: str) -> str:
    tables = ", ".join(f"{{use='./mine.py:{name}'}}" for name in names)
    return f"report=[{tables}]"


@pytest.mark.parametrize("names", [("Finds", "Sees"), ("Sees", "Finds")])
def test_every_report_sees_what_all_others_found(
    train: Callable[..., Any], names: tuple[str, str]
) -> None:
    result, folder = train(using(*names))
    assert (folder.path / "seen.txt").read_text() == "moles; There are some."
    assert [own.title for own in result.findings] == ["Moles"]


def test_what_is_no_finding_names_the_report(train: Callable[..., Any]) -> None:
    result, _ = train(using("Errs"))
    (failure,) = result.failures
    assert "Errs" in failure.error.what and "returned a dict" in failure.error.what
    assert "skinfw.Findings" in failure.error.why
