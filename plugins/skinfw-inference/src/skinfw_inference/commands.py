"""`skinfw export` and `skinfw predict`: use the network of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from skinfw.toolkit import echo, network_option, set_option, trust_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skinfw import FittedCalibration
    from skinfw.toolkit import Outcome, Predictor, TrainedModel
    from skinfw_inference.challenges import Challenge


Network = Literal["best", "refit"] | None
NETWORK_HELP = (
    "The network of the run's numbers, or its refit; the refit unless given, if there is one."
)
SET_HELP = "Change the run's view, e.g. --set view.logit_adjustment=0.25; may be repeated."


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--onnx", is_flag=True, help="Write ONNX, which needs no torch.")
@click.option("--torch", is_flag=True, help="Write a program of torch.export.")
@click.option("--html", is_flag=True, help="Write one HTML file, which answers in a browser.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file; RUN/model.onnx, RUN/model.pt2 or RUN/model.html unless given.",
)
@click.option(
    "--variant",
    type=click.Choice(["fp32", "fp16", "int8"]),
    help="With --html, the numbers that the network has: fp32, or fp16 where the file would be "
    "large, unless given. What the others lose is measured on the run's test part.",
)
@click.option(
    "--runtime-web",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="With --html, an unpacked onnxruntime-web; npm fetches it once unless given.",
)
@network_option(NETWORK_HELP)
@set_option("view.KEY=VALUE", SET_HELP)
@trust_option
def export(
    run: Path,
    onnx: bool,
    torch: bool,
    html: bool,
    out: Path | None,
    variant: Literal["fp32", "fp16", "int8"] | None,
    runtime_web: Path | None,
    network: Network,
    sets: tuple[str, ...],
    trust: bool,
) -> None:
    """Write the network of a run as one file that works without skinfw.

    RUN is a run folder. The file takes pixels, and metadata where the network was trained with
    some, and gives probabilities; texts in it hold the classes, how images are prepared, and the
    marks of the run. Its answers are compared with the network's before it gets its name. With
    --html it is a page that takes images and works from a disk, without a request to anybody.
    """
    from skinfw_inference.packages import check_packages

    if onnx + torch + html != 1:
        raise click.UsageError("say in which format: --onnx, --torch or --html")
    if (variant or runtime_web) and not html:
        raise click.UsageError("--variant and --runtime-web belong to --html")
    if onnx or html:
        check_packages("onnx", "onnxruntime")
    trained_model = _trained_model(run, sets, trust, network)
    trained_model.check_whole_images()
    _say_marks(trained_model.marks)
    if html:
        _export_page(trained_model, out or trained_model.path / "model.html", variant, runtime_web)
        return
    name = "model.onnx" if onnx else "model.pt2"
    _export(trained_model, out or trained_model.path / name, onnx)


def _trained_model(run: Path, sets: Sequence[str], trust: bool, which: Network) -> TrainedModel:
    """Read the model of a run folder."""
    from skinfw.toolkit import load_trained_model

    return load_trained_model(run, sets, trust, which)


def _export(trained_model: TrainedModel, out: Path, onnx: bool = True) -> None:
    from skinfw.toolkit import display_path

    if onnx:
        from skinfw_inference.onnx_export import export
    else:
        from skinfw_inference.torch_export import export

    difference = export(trained_model, out)
    echo(f"wrote {display_path(out)}; its probabilities differ from torch's by {difference:.1g}")


def _export_page(
    trained_model: TrainedModel,
    out: Path,
    variant: Literal["fp32", "fp16", "int8"] | None,
    runtime_web: Path | None,
) -> None:
    from skinfw.toolkit import display_path
    from skinfw_inference.one_file.export import export_page

    page = export_page(trained_model, out, variant, runtime_web, echo)
    for text in filter(None, (page.maps, page.loss)):
        echo(f"note: {text}")
    echo(
        f"wrote {display_path(out)}: {page.variant}, {page.bytes / 1e6:.1f} MB; in fp32 its "
        f"probabilities differ from torch's by {page.difference:.1g}"
    )


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("predictions.csv"),
    show_default=True,
    help="The table.",
)
@click.option(
    "--runtime",
    type=click.Choice(["torch", "onnx"]),
    default="torch",
    show_default=True,
    help="What computes: torch as in the run, or ONNX Runtime, which is faster on a CPU.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    help="Images that are computed together; as in the run's evaluation unless given.",
)
@click.option(
    "--submission",
    is_flag=True,
    help="Write what the ISIC challenge of the network's classes takes, and check it.",
)
@click.option(
    "--raw", is_flag=True, help="Leave out what was calibrated on validation: the network alone."
)
@network_option(NETWORK_HELP)
@set_option("view.KEY=VALUE", SET_HELP)
@trust_option
def predict(
    run: Path,
    images: tuple[str, ...],
    out: Path,
    runtime: str,
    batch_size: int | None,
    submission: bool,
    raw: bool,
    network: Network,
    sets: tuple[str, ...],
    trust: bool,
) -> None:
    """Predict images with the network of a run.

    RUN is a run folder, or with --runtime onnx also a file that skinfw export wrote. IMAGES are
    files, folders, which are searched with all that is in them, patterns in quotes, and CSV files
    with the column path and, if they have them, id and the columns of the recipe's [modalities]. An
    image that cannot be read is told and left out; the exit code is 1 then.
    """
    from skinfw import SkinfwError
    from skinfw.toolkit import (
        Counter,
        display_path,
        find_listed_images,
        given_columns,
        make_cases,
        predict_images,
        unseen_words,
    )
    from skinfw_inference.challenges import challenge_of_classes
    from skinfw_inference.submission import check_submission
    from skinfw_inference.table import Columns, reason, write_answers

    named = find_listed_images(images)
    paths, ids = [image.path for image in named], [image.id for image in named]
    predictor = _predictor(run, runtime, batch_size, len(paths), sets, trust, network)
    trained_model = predictor.trained_model
    size = batch_size or trained_model.batch_size
    cases = make_cases(named, trained_model)
    _say_marks(trained_model.image_marks(given_columns(named)))
    _say_marks(unseen_words(named, trained_model))
    challenge = challenge_of_classes(trained_model.classes, str(run)) if submission else None
    calibration = _calibration(trained_model, raw, challenge)
    if not images[0].lower().endswith(".csv") and ids != [Path(path).stem for path in paths]:
        echo("note: some images share a name: ids are paths")
    with Counter(len(paths)) as counter:

        def told(path: str, outcome: Outcome) -> None:
            if isinstance(outcome, SkinfwError):
                counter.fail(f"{path}: {reason(outcome)}")
            counter.count()

        try:
            stream = predict_images(cases, predictor, size)
            columns = Columns(trained_model.classes, calibration, challenge)
            failed = write_answers(stream, dict(zip(paths, ids, strict=True)), columns, out, told)
        except KeyboardInterrupt:
            counter.say(
                f"stopped; the first rows are in {display_path(out.with_suffix('.partial'))}"
            )
            raise click.exceptions.Exit(130) from None
    lost = f"{counter.failed} of them failed, " if failed else ""
    echo(f"{counter.seen} images, {lost}{counter.rate}")
    for file in filter(None, (out, failed)):
        echo(f"  {display_path(file)}")
    if failed:
        raise click.exceptions.Exit(1)
    if challenge:
        count = check_submission(out, challenge, ids)
        echo(f"the table is a submission to {challenge.name}: {count:,} images")


def _predictor(
    run: Path,
    runtime: str,
    batch_size: int | None,
    images: int,
    sets: Sequence[str],
    trust: bool,
    which: Network,
) -> Predictor:
    """Open what computes; with ONNX Runtime, torch is imported only where an export is due."""
    from skinfw import RecipeError
    from skinfw.toolkit import BATCH, display_path
    from skinfw_inference.packages import check_packages

    if runtime == "onnx":
        check_packages("onnxruntime")
    if run.suffix == ".onnx":
        if runtime != "onnx":
            raise RecipeError(
                "torch cannot compute an exported file",
                display_path(run),
                cure="add --runtime onnx",
            )
        if sets or which:
            raise RecipeError(
                "an exported file answers as it was exported",
                display_path(run),
                cure="skinfw export RUN --onnx with --set or --network writes another one",
            )
        from skinfw_inference.onnx_predictor import OnnxPredictor

        return OnnxPredictor(run, min(batch_size or BATCH, images), trust)
    trained_model = _trained_model(run, sets, trust, which)
    if runtime == "torch":
        from skinfw.toolkit import TorchPredictor

        return TorchPredictor(trained_model)
    from skinfw_inference.exported_model import write_metadata
    from skinfw_inference.onnx_predictor import OnnxPredictor

    file, rows = (
        trained_model.path / "model.onnx",
        min(batch_size or trained_model.batch_size, images),
    )
    if file.is_file():
        network = OnnxPredictor(file, rows, trust)
        if network.texts == write_metadata(trained_model):
            return network
    _export(trained_model, file)
    return OnnxPredictor(file, rows, trust)


def _say_marks(marks: Sequence[str]) -> None:
    for mark in marks:
        echo(f"note: {mark}")


def _calibration(
    trained_model: TrainedModel, raw: bool, challenge: Challenge | None
) -> FittedCalibration:
    """Return what was fitted on validation and is used, and say it."""
    from skinfw import FittedCalibration

    calibration = FittedCalibration() if raw else trained_model.calibration
    if challenge:  # which ranks images by what the network says
        calibration = FittedCalibration(unknown=calibration.unknown)
        _say_unknown(challenge, trained_model.classes, calibration)
    _say_calibration(calibration)
    return calibration


def _say_calibration(calibration: FittedCalibration) -> None:
    """Say what was done to the probabilities, and how not to have it."""
    import math

    if not math.isnan(calibration.temperature):
        echo(
            f"note: probabilities are at temperature {calibration.temperature:.2f}, "
            "fitted on validation; --raw leaves them as the network gives them"
        )


def _say_unknown(
    challenge: Challenge, classes: Sequence[str], calibration: FittedCalibration
) -> None:
    """Say where the column UNK comes from, if the network does not answer it."""
    import math

    from skinfw import UNKNOWN

    if UNKNOWN not in challenge.columns or UNKNOWN in classes:
        return
    if math.isnan(calibration.unknown):
        echo("note: UNK is 0 for all images; the report out-of-distribution fits a limit for it")
    else:
        echo("note: UNK comes from a limit fitted on validation; --raw leaves it at 0")
