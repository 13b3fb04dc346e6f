"""`skinfw explain`: show where the network of a run looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from skinfw.toolkit import echo, network_option, trust_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skinfw.toolkit import Case, ListedImage
    from skinfw_explain.explanations import ExplanationFolder

_NETWORK = (
    "The network of the run's numbers, or its refit; the refit unless given, if there is one."
)


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True)
@click.option(
    "--method",
    "methods",
    default="",
    metavar="NAME[,NAME]",
    help="Explainers, as recipes name them; those of the run's recipe unless given, else grad-cam.",
)
@click.option("--class", "class_name", default="", help="The most probable one unless given.")
@click.option("--layer", default="", help="That is looked at; the explainer's own unless given.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("explanations"),
    show_default=True,
    help="The folder for what is written.",
)
@network_option(_NETWORK)
@trust_option
def explain(
    run: Path,
    images: tuple[str, ...],
    methods: str,
    class_name: str,
    layer: str,
    out: Path,
    network: Literal["best", "refit"] | None,
    trust: bool,
) -> None:
    """Show where the network of a run looks.

    RUN is a run folder. IMAGES are files, folders, which are searched with all that is in them,
    patterns in quotes, and CSV files, as skinfw predict takes them. Each method gets a folder with
    the map of each image, float [H, W] in [0, 1] as .npy, and the image under it as .png. Sheets
    show all beside each other, and explanations.csv tells where the evidence lies. An image that
    cannot be read is told and left out; the exit code is 1 then.
    """
    from skinfw.toolkit import (
        TorchPredictor,
        find_listed_images,
        given_columns,
        load_trained_model,
        make_cases,
        unseen_words,
    )
    from skinfw_explain.explanations import ExplanationFolder, choose_explainers, class_place

    named = find_listed_images(images)
    model = load_trained_model(run, (), trust, network)
    cases = make_cases(named, model)
    wanted = class_place(model, class_name) if class_name else None
    predictor = TorchPredictor(model)
    names = [name.strip() for name in methods.split(",") if name.strip()]
    components = choose_explainers(predictor, names, layer)
    for mark in (*model.image_marks(given_columns(named)), *unseen_words(named, model)):
        echo(f"note: {mark}")
    _explain(named, cases, ExplanationFolder(out, predictor, components, wanted))


def _explain(
    named: Sequence[ListedImage], cases: Sequence[Case], folder: ExplanationFolder
) -> None:
    """Explain all images, and say what was written."""
    from skinfw import SkinfwError
    from skinfw.toolkit import Counter, display_path, predict_images

    size = folder.predictor.trained_model.batch_size
    with Counter(len(named)) as counter:
        answers = predict_images(cases, folder.predictor, size)
        for image, case, answer in zip(named, cases, answers, strict=True):
            if isinstance(answer, SkinfwError):
                reason = answer.why or answer.what
                folder.lose(image, reason)
                counter.fail(f"{image.path}: {reason}")
            else:
                folder.add(image, case, answer)
            counter.count()
    lost = f"{counter.failed} of them failed, " if counter.failed else ""
    methods = ", ".join(component.use for component in folder.components)
    echo(f"{counter.images}, {lost}{counter.rate}, by {methods}")
    for file in folder.finish():
        echo(f"  {display_path(file)}")
    if counter.failed:
        raise click.exceptions.Exit(1)
