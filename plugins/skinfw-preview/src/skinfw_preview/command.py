"""`skinfw preview`: see what a recipe's augmentation does before it trains."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.toolkit import echo, recipe_options, trust_option


@click.command()
@recipe_options
@trust_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("preview.png"),
    show_default=True,
    help="The picture to write.",
)
@click.option(
    "--images", type=click.IntRange(1, 32), default=7, show_default=True, help="How many images."
)
def preview(recipe: Path, sets: tuple[str, ...], trust: bool, out: Path, images: int) -> None:
    """Draw what each augmentation of a recipe does to some of its training images.

    A column per image, a row per [[augment]] table, and at the end all of them together.
    """
    from PIL import Image

    from skinfw.toolkit import load_data_plan, split_data, unwritable
    from skinfw_preview.sheet import preview as sheet

    plan = load_data_plan(recipe, sets, trust=trust or None)
    table = split_data(plan, echo)
    picture = Image.fromarray(sheet(plan, table.rows, images))
    try:
        picture.save(out)
    except (OSError, ValueError) as error:
        raise unwritable(out, error) from error
    echo(f"{out}: {picture.width}x{picture.height} pixels")
