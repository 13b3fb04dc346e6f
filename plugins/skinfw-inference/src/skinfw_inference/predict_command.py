"""`skinfw predict`: answers of the network of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import echo, network_option, set_option, trust_option
from skinfw_inference.export_command import (
    NETWORK_HELP,
    SET_HELP,
    Network,
    say_marks,
    write_export,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skinfw import FittedCalibration
    from skinfw.toolkit import Counter, Outcome, Predictor, TrainedModel
    from skinfw_inference.challenges import Challenge
    from skinfw_inference.table import Columns


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
    from skinfw.toolkit import (
        display_path,
        find_listed_images,
        given_columns,
        make_cases,
        predict_images,
        unseen_words,
    )
    from skinfw_inference.challenges import challenge_of_classes
    from skinfw_inference.submission import check_submission
    from skinfw_inference.table import Columns

    named = find_listed_images(images)
    paths, ids = [image.path for image in named], [image.id for image in named]
    predictor = _predictor(run, runtime, batch_size, len(paths), sets, trust, network)
    trained_model = predictor.trained_model
    size = batch_size or trained_model.batch_size
    cases = make_cases(named, trained_model)
    say_marks(trained_model.image_marks(given_columns(named)))
    say_marks(unseen_words(named, trained_model))
    challenge = challenge_of_classes(trained_model.classes, str(run)) if submission else None
    calibration = _calibration(trained_model, raw, challenge)
    if not images[0].lower().endswith(".csv") and ids != [Path(path).stem for path in paths]:
        echo("note: some images share a name: ids are paths")
    columns = Columns(trained_model.classes, calibration, challenge)
    stream = predict_images(cases, predictor, size)
    counter, failed = _write_table(stream, dict(zip(paths, ids, strict=True)), columns, out)
    lost = f"{counter.failed} of them failed, " if failed else ""
    echo(f"{counter.images}, {lost}{counter.rate}")
    for file in filter(None, (out, failed)):
        echo(f"  {display_path(file)}")
    if failed:
        raise click.exceptions.Exit(1)
    if challenge:
        count = check_submission(out, challenge, ids)
        echo(f"the table is a submission to {challenge.name}: {count:,} images")


def _write_table(
    stream: Iterable[Outcome], ids: Mapping[str, str], columns: Columns, out: Path
) -> tuple[Counter, Path | None]:
    """Write the answers as they come.

    stream: the answers, in the order of `ids`.
    ids: by path.
    Returns what was counted, and the table of the images that failed.
    """
    from skinfw import SkinfwError
    from skinfw.toolkit import Counter, display_path
    from skinfw_inference.table import reason, write_answers

    with Counter(len(ids)) as counter:

        def told(path: str, outcome: Outcome) -> None:
            if isinstance(outcome, SkinfwError):
                counter.fail(f"{path}: {reason(outcome)}")
            counter.count()

        try:
            failed = write_answers(stream, ids, columns, out, told)
        except KeyboardInterrupt:
            partial = display_path(out.with_suffix(".partial"))
            counter.say(f"stopped; the first rows are in {partial}")
            raise click.exceptions.Exit(130) from None
    return counter, failed


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
    from skinfw.toolkit import BATCH, display_path, load_trained_model
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
    trained_model = load_trained_model(run, sets, trust, which)
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
    write_export(trained_model, file)
    return OnnxPredictor(file, rows, trust)


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
