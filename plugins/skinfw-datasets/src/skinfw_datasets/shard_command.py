"""`skinfw data shard`: the images of a data set in few large files."""

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
    default=Path("shards"),
    show_default=True,
    help="The folder to write into.",
)
@click.option(
    "--megabytes",
    type=click.IntRange(1, 1 << 20),
    default=256,
    show_default=True,
    help="After how much a new shard begins.",
)
@click.option("--parquet", is_flag=True, help="Write the index as Parquet instead of CSV.")
def shard(
    recipe: Path, sets: tuple[str, ...], trust: bool, out: Path, megabytes: int, parquet: bool
) -> None:
    """Write the images of a recipe's data set into tar archives as WebDataset has them.

    The data set "shards" reads them, and a run draws the same as from the files. Each image keeps
    its bytes; beside it lies a JSON with its label and metadata. The index holds the table, and the
    place and the CRC-32 of each image.
    """
    from skinfw import SkinfwError
    from skinfw.toolkit import Limits, image_function, load_data, load_data_plan
    from skinfw_datasets.shard_writer import write_shards

    plan = load_data_plan(recipe, sets, trust=trust or None)
    if image_function(plan.dataset):
        raise SkinfwError(
            "the data set draws its images, and has no files to write",
            plan.components.dataset.origin.text,
            cure="export them first: skinfw data export, then name that folder",
        )
    data = load_data(plan)
    for note in data.notes:
        echo(note)
    pictures = [name for name in plan.modalities.pictures if name in data.rows]
    limits = Limits.of(plan.image)
    write_shards(data, plan.classes, pictures, limits, out, megabytes * 10**6, parquet, echo)
