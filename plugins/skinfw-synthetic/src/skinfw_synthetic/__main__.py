"""Command line: python -m skinfw_synthetic FOLDER."""

from pathlib import Path

import click

from skinfw_synthetic.dataset import Synthetic
from skinfw_synthetic.export import write


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--images", type=click.IntRange(64), default=1000, show_default=True)
@click.option(
    "--size",
    type=click.IntRange(64, 1024),
    default=192,
    show_default=True,
    help="Image height in pixels; the width is 4/3 of it.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def main(folder: Path, images: int, size: int, seed: int) -> None:
    """Write a synthetic data set to FOLDER in the official layout of ISIC 2019."""
    data = Synthetic(images=images, size=size, seed=seed)
    with click.progressbar(write(data, folder), length=images, label="Drawing") as names:
        for _ in names:
            pass
    click.echo(f"{images} images are in {folder}")


if __name__ == "__main__":
    main()
