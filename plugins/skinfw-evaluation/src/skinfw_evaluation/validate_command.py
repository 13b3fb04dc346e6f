"""`skinfw validate`: one run on several data sets that it did not learn from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo, trust_option
from skinfw_evaluation.options import replicates_option

if TYPE_CHECKING:
    from skinfw import SkinfwError, Validation, ValidationSet
    from skinfw_evaluation.validation import Validator

PARTS = ("all", "train", "val", "test")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--on",
    "first",
    multiple=True,
    required=True,
    metavar="DATASET...",
    help="Data sets: recipes of which [dataset] is enough. DATASET=test takes the test part of its "
    "split alone.",
)
@click.argument("others", nargs=-1, metavar="")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="LABEL=CLASS",
    help="Which class of the network a label is, where the table of diagnoses does not tell; "
    "LABEL= leaves it out.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder; RUN/validations/... unless given."
)
@replicates_option
@trust_option
def validate(
    run: Path,
    first: tuple[str, ...],
    others: tuple[str, ...],
    maps: tuple[str, ...],
    out: Path | None,
    replicates: int,
    trust: bool,
) -> None:
    """Judge the network of a run on several data sets, and how far its numbers drop from home.

    RUN is a run folder, each DATASET a recipe, the name of a shipped one or a run folder. Labels
    are aligned by name and by the table of diagnoses; images that the network has learned from,
    and those of its own test part, are left out by id or lesion. A data set that cannot be judged
    is told in the table, and the exit code is 3.
    """
    from skinfw import Validation
    from skinfw.toolkit import (
        REPORT_FAILED,
        display_path,
        load_trained_model,
        raise_all,
        refuse_classes,
        unwritable,
    )
    from skinfw_evaluation.evaluate_command import map_names
    from skinfw_evaluation.validation import Validator
    from skinfw_evaluation.validation_files import lines, write_tables

    names = map_names(maps)
    # Drops are of one network: the one of the numbers at home.
    model = load_trained_model(run, trust=trust, network="best")
    refuse_classes(model, names)
    validator = Validator(model, replicates)
    for mark in model.marks:
        echo(f"note: {mark}")
    home = validator.home()
    folder = out or model.path / "validations" / time.strftime("%Y%m%d-%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    sets, failures = _judge_all(validator, (*first, *others), names, trust, folder)
    if len(failures) == len(sets):
        with suppress(OSError):  # what others have put there stays
            folder.rmdir()
        raise_all(failures)
    validation = Validation(model.path.resolve().name, home, sets, validator.threshold, model.marks)
    write_tables(folder, validation, model.path)
    _write_page(validator, validation, folder)
    for line in lines(validation):
        echo(line)
    for made in sorted(folder.iterdir()):
        echo(f"  {display_path(made)}")
    if failures:
        raise click.exceptions.Exit(REPORT_FAILED)


def _judge_all(
    validator: Validator,
    texts: Sequence[str],
    names: Mapping[str, str],
    trust: bool,
    folder: Path,
) -> tuple[list[ValidationSet], list[SkinfwError]]:
    """Return what was found on each data set, and why some could not be judged."""
    from skinfw import SkinfwError, ValidationSet
    from skinfw.toolkit import file_name, load_data_plan
    from skinfw_evaluation.validation_files import write_foreign

    sets: list[ValidationSet] = []
    failures: list[SkinfwError] = []
    unused = set(names)
    for text in texts:
        path, part = _part(text)
        name = _unused_name(path.stem if part == "all" else f"{path.stem} {part}", sets)
        echo(f"{name} ...")
        try:
            plan = load_data_plan(path, trust=trust or None)
            unused -= {*plan.classes}
            found, foreign = validator.judge(name, plan, part, names, echo)
        except SkinfwError as error:
            failures.append(error)
            sets.append(ValidationSet(name, failure=_reason(error)))
            echo(str(error), err=True)
        else:
            sets.append(found)
            unused -= {*foreign.labels}
            write_foreign(folder / "predictions" / f"{file_name(name)}.csv", foreign)
    for label in sorted(unused):
        echo(f"note: --map {label}={names[label]} is not used: no data set has this label")
    return sets, failures


def _reason(error: SkinfwError) -> str:
    """Return an error in one line of a table."""
    return "; ".join(
        f"{one.what} ({one.where})" if one.where else one.what for one in error.problems
    )


def _write_page(validator: Validator, validation: Validation, folder: Path) -> None:
    """Let the reports of the run write that know what to do with several data sets."""
    from skinfw.toolkit import ValidationReport, build_components

    model = validator.model
    for component, report in build_components(model.components("report"), model.classes):
        if isinstance(report, ValidationReport):
            with component.guard():
                report.validate(validation, folder)


def _part(text: str) -> tuple[Path, str]:
    """Return the path of a data set and the part that is wanted of it."""
    place, equals, part = text.rpartition("=")
    return (Path(place), part) if equals and part in PARTS else (Path(text), "all")


def _unused_name(name: str, sets: Sequence[ValidationSet]) -> str:
    """Return a name that no other data set of the validation has."""
    from skinfw_evaluation.validation import HOME

    others, number, unused = {HOME, *(own.name for own in sets)}, 2, name
    while unused in others:
        unused, number = f"{name} ({number})", number + 1
    return unused
