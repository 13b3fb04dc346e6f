"""`skinfw scorecard`: measure explainers on a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from skinfw.toolkit import echo, network_option, set_option, trust_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="A recipe whose data set is used instead of the run's own; its [dataset] is enough.",
)
@set_option(about="Set a value of the data set's recipe; may be repeated.")
@network_option("The network of the run's numbers, or its refit; the first unless given.")
@trust_option
@click.option(
    "--part",
    type=click.Choice(["val", "test"]),
    default="test",
    show_default=True,
    help="Which images of the run's own data set are explained.",
)
@click.option(
    "--methods",
    help="Explainers, with commas between, those of the recipe as it says them; the recipe's alone "
    "unless given. A random map and a centred Gaussian are measured besides.",
)
@click.option(
    "--images",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    help="How many images are explained, evenly over the classes.",
)
@click.option(
    "--probed",
    type=click.IntRange(0, 10_000),
    default=64,
    show_default=True,
    help="How many of them are moved, lose pixels and are shown to networks that forgot; this "
    "takes most of the time.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder; RUN/evaluations/... unless given."
)
def scorecard(
    run: Path,
    dataset: Path | None,
    sets: tuple[str, ...],
    network: Literal["best", "refit"] | None,
    trust: bool,
    part: str,
    methods: str | None,
    images: int,
    probed: int,
    out: Path | None,
) -> None:
    """Measure how good the maps of explainers are, on images of a finished run.

    RUN is a run folder. Writes a page, explanation_scorecard.csv with every number and its 95 %
    interval over lesions, explanation_scorecard.json, and a picture. The measures against the
    lesion need a data set with masks.
    """
    import time

    from skinfw.toolkit import file_name, load_trained_model, write_evaluation_reports
    from skinfw_explain.scorecard.explainers import plan_report
    from skinfw_explain.scorecard.finished_run import explained_rows, refuse_ensemble, run_result

    model = load_trained_model(run, (), trust, network or "best")
    refuse_ensemble(model)
    names = [name.strip() for name in methods.split(",")] if methods else []
    reports = [
        plan_report(
            {
                "use": "explanation-scorecard",
                "images": images,
                "probed": probed,
                "methods": names,
            }
        ),
        plan_report({"use": "page"}),
    ]
    for mark in model.marks:
        echo(f"note: {mark}")
    plan, rows = explained_rows(model, dataset, sets, trust, part, images, echo)
    name = part if dataset is None else plan.recipe.name
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = out or model.path / "evaluations" / f"scorecard-{file_name(name)}-{stamp}"
    result = run_result(model, plan, rows, name, part if dataset is None else "all")
    folder.mkdir(parents=True, exist_ok=True)
    write_evaluation_reports(reports, result, folder)
    _say(folder)


def _say(folder: Path) -> None:
    """Say what was measured, and where it is."""
    from skinfw.toolkit import display_path, read_json
    from skinfw_explain.scorecard.findings import FILE

    told = read_json(folder / f"{FILE}.json")
    for method, spent in told.get("seconds", {}).items():
        echo(f"{method:24} {spent:.3g} seconds an image")
    for line in told.get("verdicts", [told.get("absent", "")]):
        echo(line)
    for file in sorted(folder.iterdir()):
        echo(f"  {display_path(file)}")
