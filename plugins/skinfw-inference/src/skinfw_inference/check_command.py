"""`skinfw check-submission`: whether an ISIC challenge would take a file."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import display_path, echo


@click.command("check-submission")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True),
    help="What names the images that must be there: the challenge's ground truth, another table "
    "of it, or a folder.",
)
@click.option(
    "--challenge",
    type=click.Choice(["isic2017", "isic2018", "isic2019"]),
    help="Told by the columns unless given.",
)
def check_submission(file: Path, images: Path | None, challenge: str | None) -> None:
    """Check a submission to an ISIC challenge as its official scorer would.

    FILE is a CSV with the column image and one for each class, as skinfw predict --submission
    writes it. What the scorer would refuse is told with its line, and the exit code is 1 then.
    """
    from skinfw_inference import submission

    meant = submission.read_challenge(file, challenge)
    ids = None if images is None else submission.wanted_images(images)
    count = submission.check_submission(file, meant, ids)
    if ids is None:
        echo("note: --images names the images that must be there; without, nobody looked for them")
    echo(f"{display_path(file)} is a submission to {meant.name}: {count:,} images")
