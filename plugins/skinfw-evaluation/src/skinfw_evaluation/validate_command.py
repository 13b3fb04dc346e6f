"""`skinfw validate`: one run on several data sets that it did not learn from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo, launcher_options, trust_option
from skinfw_evaluation.options import replicates_option

if TYPE_CHECKING:
    from skinfw import Launcher, SkinfwError, Validation, ValidationSet
    from skinfw.toolkit import PlannedComponent
    from skinfw_evaluation.validation import Validator
    from skinfw_evaluation.validation_sets import Outcome, Wanted


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
@launcher_options
@trust_option
def validate(
    run: Path,
    first: tuple[str, ...],
    others: tuple[str, ...],
    maps: tuple[str, ...],
    out: Path | None,
    replicates: int,
    launcher: str | None,
    launcher_sets: tuple[str, ...],
    trust: bool,
) -> None:
    """Judge the network of a run on several data sets, and how far its numbers drop from home.

    RUN is a run folder, each DATASET a recipe, the name of a shipped one or a run folder. Labels
    are aligned by name and by the table of diagnoses; images that the network has learned from,
    and those of its own test part, are left out by id or lesion. A data set that cannot be judged
    is told in the table, and the exit code is 3.
    """
    from skinfw import SkinfwError, Validation
    from skinfw.toolkit import (
        REPORT_FAILED,
        chosen_launcher,
        display_path,
        load_trained_model,
        raise_all,
        refuse_classes,
        unwritable,
    )
    from skinfw_evaluation.evaluate_command import map_names
    from skinfw_evaluation.validation import Validator
    from skinfw_evaluation.validation_files import lines, write_tables
    from skinfw_evaluation.validation_sets import wanted_sets

    names = map_names(maps)
    chosen = chosen_launcher(launcher, launcher_sets)
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
    outcomes = _judge_all(validator, wanted_sets((*first, *others)), names, trust, folder, chosen)
    failures = [outcome for outcome in outcomes.values() if isinstance(outcome, SkinfwError)]
    if len(failures) == len(outcomes):
        with suppress(OSError):  # what others have put there stays
            folder.rmdir()
        raise_all(failures)
    sets = [_as_set(name, outcome) for name, outcome in outcomes.items()]
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
    wanted: Sequence[Wanted],
    names: Mapping[str, str],
    trust: bool,
    folder: Path,
    launcher: PlannedComponent[Launcher] | None,
) -> dict[str, Outcome]:
    """Return what was found on each data set, or why it could not be judged, by its name."""
    from skinfw import SkinfwError
    from skinfw_evaluation.validation_sets import judge_in_turn, load_plans, read_labels
    from skinfw_evaluation.validation_tasks import ValidationTasks

    sound, failures = load_plans(wanted, trust)
    ready = [one for one in wanted if one.name in sound]
    if launcher:
        options = [f"--replicates={validator.replicates}"]
        options += [f"--map={label}={name}" for label, name in names.items()]
        options += ["--trust"] if trust else []
        ends = ValidationTasks(validator.model, folder, options).judge(launcher, ready)
    else:
        ends = judge_in_turn(validator, sound, ready, names, folder)
    outcomes: dict[str, Outcome] = {**failures}
    unused = set(names)
    for error in failures.values():
        echo(str(error), err=True)
    for one, outcome in ends:
        outcomes[one.name] = outcome
        if isinstance(outcome, SkinfwError):
            echo(str(outcome), err=True)
            unused -= {*sound[one.name].classes}
        else:
            unused -= {*sound[one.name].classes, *read_labels(folder, one)}
    for label in sorted(unused):
        echo(f"note: --map {label}={names[label]} is not used: no data set has this label")
    return {one.name: outcomes[one.name] for one in wanted}


def _as_set(name: str, outcome: Outcome) -> ValidationSet:
    """Return an outcome as a line of the table."""
    from skinfw import SkinfwError, ValidationSet

    if isinstance(outcome, SkinfwError):
        return ValidationSet(name, failure=_reason(outcome))
    return outcome


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
