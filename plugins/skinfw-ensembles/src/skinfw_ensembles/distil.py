"""A student: a recipe's network that learns what a teacher says of its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import RecipeError
from skinfw.toolkit import Plan, display_path, load_plan, split_data
from skinfw_ensembles.division import seen_rank
from skinfw_ensembles.members import Member, read_member
from skinfw_ensembles.run_writer import gathered_marks
from skinfw_ensembles.teacher_answers import teacher_answers
from skinfw_ensembles.unlabelled import unlabelled_images

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]


def plan_student(
    teacher: Path,
    recipe: Path,
    sets: Sequence[str],
    unlabelled: Sequence[Path],
    out: Path,
    share: float,
    temperature: float,
    say: Say,
    trust: bool = False,
) -> Plan:
    """Return the checked recipe of a student, once its teacher has answered.

    teacher: a run folder, of one network or of an ensemble.
    recipe, sets: of the student.
    unlabelled: folders of images, and recipes whose data set counts.
    out: where the table of the teacher's answers is kept.
    share, temperature: of [teacher].
    say: told what a user must hear.
    trust: whether Python files that the runs name may be imported unseen.
    Raises RecipeError where the teacher has learned lesions that the student is measured on.
    """
    master = read_member(teacher, trust)
    plan = load_plan(recipe, sets, trust=trust or None)
    if {*plan.classes} != {*master.model.classes}:
        raise RecipeError(
            "teacher and student answer different classes",
            display_path(teacher),
            f"{', '.join(master.model.classes)}; and {', '.join(plan.classes)}",
            "choose a teacher of the classes of the recipe's data set",
        )
    rows = split_data(plan, say).rows
    marks = check_leakage(plan, rows, master)
    others = unlabelled_images(plan, rows, unlabelled, say, trust or None)
    table, digest = teacher_answers(master, plan, rows, others, out, say)
    return load_plan(
        recipe,
        sets,
        trust=trust or None,
        teacher={
            "answers": str(table.resolve()),
            "sha256": digest,
            "share": share,
            "temperature": temperature,
            "marks": [*gathered_marks([master]), *marks],
        },
    )


def check_leakage(plan: Plan, rows: pd.DataFrame, teacher: Member) -> list[str]:
    """Return the mark of a student whose teacher has learned what it is measured on.

    plan: of the student.
    rows: of its data, divided.
    Raises RecipeError unless the recipe allows leakage: soft labels tell what their teacher knows.
    """
    rank = seen_rank(plan, rows, teacher.learners)
    # A part that chose the teacher's epoch may choose the student's, too; its test is its own.
    leaks = ((rows["part"] == "val") & (rank == 2)) | ((rows["part"] == "test") & (rank > 0))
    if not leaks.any():
        return []
    lesions = rows[leaks].groupby("part")["component"].nunique()
    counted = " and ".join(f"{count:,} {part} lesions" for part, count in lesions.items())
    if plan.components.split.host["allow_leakage"]:
        return [f"the teacher has learned {counted}, so that these numbers are too good"]
    raise RecipeError(
        f"the teacher has learned {counted} of the student",
        plan.components.split.origin.text,
        "its soft labels tell what it knows of them, and the student's numbers would be too good",
        "divide alike: give teacher and student one split.seed; or run with a mark beside every "
        "number: --set split.allow_leakage=true",
    )
