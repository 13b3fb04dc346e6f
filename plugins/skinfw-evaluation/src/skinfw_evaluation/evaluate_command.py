"""`skinfw evaluate`: evaluate a run again, on its own data or on another data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from skinfw.toolkit import echo, network_option, set_option, trust_option

if TYPE_CHECKING:
    from skinfw.toolkit import TrainedModel

DATA_HELP = "Set a value of the data set's recipe or of the run's view; may be repeated."
NETWORK_HELP = (
    "The network of the run's numbers, or its refit: for the run's own data the first unless "
    "given, for another data set the refit, where there is one."
)
LEARNED = {
    "train": "the images are the run's own training part: the network has learned them",
    "val": "the images are the run's own validation part: its best epoch was chosen by them",
}


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="A recipe whose data set is used instead of the run's own; its [dataset] is enough.",
)
@set_option(about=DATA_HELP)
@network_option(NETWORK_HELP)
@trust_option
@click.option(
    "--part",
    type=click.Choice(["all", "train", "val", "test"]),
    help="What is evaluated: the test part, or all of another data set, unless given.",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="LABEL=CLASS",
    help="Which class of the network a label of the other data set is; LABEL= leaves it out, "
    "and LABEL=UNK says that it is none of them.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder; RUN/evaluations/... unless given."
)
def evaluate(
    run: Path,
    dataset: Path | None,
    sets: tuple[str, ...],
    network: Literal["best", "refit"] | None,
    trust: bool,
    part: str | None,
    maps: tuple[str, ...],
    out: Path | None,
) -> None:
    """Evaluate the network of a run again, on its own data or on another data set.

    RUN is a run folder; its reports write about what is found. Labels of another data set are
    aligned with the network's classes by name or by the table of diagnoses, or refused; images
    that the network has learned from, by id or lesion, are left out and counted. UNK are images
    that show none of the classes.
    """
    from skinfw import RecipeError
    from skinfw.toolkit import (
        display_path,
        load_data_plan,
        load_trained_model,
        other_rows,
        own_rows,
        read_run,
        refuse_unread_sets,
        set_table,
        test_lines,
    )
    from skinfw_evaluation.evaluate import evaluate_rows

    looks = [text for text in sets if set_table(text) == "view"]
    sets = tuple(text for text in sets if text not in looks)
    refuse_unread_sets(sets, "an evaluation", ", and of the run the view")
    network = network or ("best" if dataset is None else None)
    model = load_trained_model(run, looks, trust, network)
    names, marks = map_names(maps), []
    notes: list[str] = []

    def say(line: str) -> None:
        notes.append(line.removeprefix("note: "))
        echo(line)

    for mark in model.marks:
        echo(f"note: {mark}")
    if dataset is None:
        if maps or part == "all":
            raise RecipeError(
                "--map and --part all are for another data set",
                display_path(run),
                "the run's own test part has the network's classes",
                "name a recipe with --dataset, or leave them out",
            )
        _refuse_learned(model, part or "test")
        plan = load_data_plan(run, sets, trust=trust or None)
        rows = own_rows(plan, part or "test", read_run(run), model.path)
        # Where the test part chose the best epoch, a mark of the run says so.
        chosen = model.tables["train"]["validation"] == "val"
        if part == "train" or (part == "val" and chosen):
            marks = [LEARNED[part]]
            echo(f"note: {marks[0]}")
    else:
        plan = load_data_plan(dataset, sets, trust=trust or None)
        rows = other_rows(plan, part or "all", model, names, say)
    part = part or ("test" if dataset is None else "all")
    name = part if dataset is None else plan.recipe.name
    evaluation = evaluate_rows(model, rows, plan, name, part, out, dataset is None, notes, marks)
    for line in test_lines(
        evaluation.predictions,
        evaluation.metrics,
        evaluation.intervals,
        "balanced_accuracy",
        part=part,
    ):
        echo(line)
    for file in sorted(evaluation.folder.iterdir()):
        echo(f"  {display_path(file)}")


def _refuse_learned(model: TrainedModel, part: str) -> None:
    """Refuse to measure a refit by images of the run that it has learned."""
    from skinfw import RecipeError
    from skinfw.toolkit import display_path

    if model.network == "refit" and part in model.learned:
        raise RecipeError(
            f'the refit cannot be measured on the part "{part}" of its run',
            display_path(model.weights),
            f"it has learned from {', '.join(model.learned)}, or was chosen by them",
            "leave --network out, and the network of the run's numbers is evaluated; "
            "or evaluate other images with --dataset",
        )


def map_names(maps: Sequence[str]) -> dict[str, str]:
    """Return the classes that labels are mapped to, from texts such as AK=AKIEC."""
    return dict(_pair(text) for text in maps)


def _pair(text: str) -> tuple[str, str]:
    from skinfw import RecipeError

    label, sign, name = text.partition("=")
    if not sign or not label:
        raise RecipeError(
            f'"{text}" maps nothing', f"--map {text}", cure='write it as --map "AK=AKIEC"'
        )
    return label, name
