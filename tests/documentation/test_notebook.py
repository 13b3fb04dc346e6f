"""The notebook runs from top to bottom, and its answers are those of the command."""

import ast
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documents import DOCS
from support import Run


def execute(cells: list[str]) -> tuple[dict[str, Any], list[Any]]:
    """Run cells as a notebook does; returns the names, and what stands last in each."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for cell in cells:
        tree = ast.parse(cell)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "notebook.ipynb", "exec"), names)
        if isinstance(last, ast.Expr):
            code = compile(ast.Expression(last.value), "notebook.ipynb", "eval")
            shown.append(eval(code, names))
    return names, shown


@pytest.mark.slow
def test_the_notebook_runs_and_answers_as_the_command_does(
    skinfw: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((DOCS / "notebook.ipynb").read_text())
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    names, shown = execute(cells)
    tables = [one._repr_html_() for one in shown if hasattr(one, "_repr_html_")]
    assert len(tables) == 4 and "Confusion matrix" in tables[0] and "by-patient" not in tables[3]
    assert names["answers"].maps.shape == (4, 64, 64) and names["answers"].maps.max() == 1

    done = skinfw("predict", str(names["run"].folder), "photographs", "--out", "answers.csv")
    assert done.returncode == 0, done.stderr
    with Path("answers.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    answers = names["answers"]
    assert [row["id"] for row in rows] == [Path(name).stem for name in answers.names]
    assert [row["predicted"] for row in rows] == answers.predicted
    told = [[float(row[name]) for name in answers.classes] for row in rows]
    np.testing.assert_allclose(told, answers.probabilities, atol=1e-6)
    assert [tuple(row["prediction_set"].split()) for row in rows] == answers.prediction_sets
