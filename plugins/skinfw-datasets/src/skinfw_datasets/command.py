"""`skinfw data convert`: the parts of a data set as annotation files."""

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
    default=Path("annotations"),
    show_default=True,
    help="The folder to write into.",
)
@click.option("--absolute", is_flag=True, help="Write absolute paths instead of relative ones.")
def convert(recipe: Path, sets: tuple[str, ...], trust: bool, out: Path, absolute: bool) -> None:
    """Write the parts of a recipe's data set as the annotation JSON of Yao et al.

    One file for each part; the data set "annotations" reads them. Parts whose labels are secret are
    written without category ids, and clinical pictures, as dataset.image = "pair" of Derm7PT gives
    them, beside the dermoscopic ones.
    """
    import pandas as pd

    from skinfw.toolkit import load_data_plan, split_data
    from skinfw_datasets.annotation_files import write

    plan = load_data_plan(recipe, sets, trust=trust or None)
    data = split_data(plan, echo, train=False)
    for note in data.notes:
        echo(note)
    rows = data.rows
    if unlabelled := getattr(plan.dataset, "unlabelled", None):
        secret = unlabelled().rows
        rows = pd.concat([rows, secret.assign(label="", part=secret["split"])]).fillna("")
    for file, count in write(rows, plan.classes, out, absolute).items():
        echo(f"{file}: {count:,} images")
